use super::{CharacterSets, Delimiters};

fn name(sets: &str, bytes: &[u8]) -> String {
    CharacterSets::declared(sets.as_bytes()).decode(bytes, Delimiters::Names)
}

/// A text of each set, made by Python's codecs.
#[test]
fn each_single_byte_set_is_decoded_with_and_without_code_extensions() {
    let cases: [(&str, &[u8], &str); 12] = [
        ("100", b"M\xFCller^J\xFCrgen", "Müller^Jürgen"),
        ("101", b"\xAEi\xBEek^\xA9\xF4", "Žižek^Šô"),
        ("109", b"\xC6a\xFD^\xA1", "Ĉaŭ^Ħ"),
        ("110", b"\xE0boli\xF2\xB9", "āboliōš"),
        ("144", b"\xB8\xD2\xD0\xDD\xDE\xD2^\xB8\xD2\xD0\xDD", "Иванов^Иван"),
        ("127", b"\xE2\xC8\xC7\xE6\xEA^\xE4\xE6\xD2\xC7\xD1", "قباني^لنزار"),
        ("126", b"\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF\xF2", "Διονυσιος"),
        ("138", b"\xF9\xF8\xE5\xEF^\xE3\xE1\xE5\xF8\xE4", "שרון^דבורה"),
        ("148", b"\xC7avu\xFEo\xF0lu", "Çavuşoğlu"),
        ("203", b"\xA4 \xBD\xBC\xBE", "€ œŒŸ"),
        ("13", b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        ("166", b"\xCA\xC1\xAA\xD2\xC2", "สมชาย"),
    ];
    for (number, bytes, text) in cases {
        assert_eq!(name(&format!("ISO_IR {number}"), bytes), text, "ISO_IR {number}");
        assert_eq!(name(&format!("ISO 2022 IR {number}"), bytes), text, "ISO 2022 IR {number}");
    }
}

/// The escapes of PS3.3 table C.12-3, from ASCII to each set and back at the delimiter.
#[test]
fn each_escape_of_a_single_byte_set_invokes_it_up_to_the_next_delimiter() {
    let cases: [(u16, &[u8], &[u8], &str); 12] = [
        (100, b"-A", b"\xFC", "ü"),
        (101, b"-B", b"\xAE", "Ž"),
        (109, b"-C", b"\xC6", "Ĉ"),
        (110, b"-D", b"\xE0", "ā"),
        (144, b"-L", b"\xB8", "И"),
        (127, b"-G", b"\xE2", "ق"),
        (126, b"-F", b"\xC4", "Δ"),
        (138, b"-H", b"\xF9", "ש"),
        (148, b"-M", b"\xFE", "ş"),
        (203, b"-b", b"\xA4", "€"),
        (13, b")I", b"\xD4", "ﾔ"),
        (166, b"-T", b"\xCA", "ส"),
    ];
    for (number, escape, bytes, text) in cases {
        // Latin alphabet no. 1 is active at the start and after the delimiter.
        let sets = format!("ISO 2022 IR 100\\ISO 2022 IR {number}");
        let value = [b"\xFC\x1B", escape, b"a", bytes, b"^\xFC"].concat();
        assert_eq!(name(&sets, &value), format!("üa{text}^ü"), "{sets}");
    }
}

/// PS3.5 annexes H.3, I.2 and K.2, and supplementary kanji of JIS X 0212.
#[test]
fn the_examples_of_the_standard_are_decoded() {
    let cases: [(&str, &[u8], &str); 8] = [
        (
            "\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (
            "ISO 2022 IR 13\\ISO 2022 IR 87",
            b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\x1B$B;3ED\x1B(J^\x1B$BB@O:\x1B(J=\x1B$B$d$^$@\x1B(J^\x1B$B$?$m$&\x1B(J",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
        ),
        (
            "\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7=\x1B$)C\xC8\xAB^\x1B$)C\xB1\xE6\xB5\xBF",
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
        (
            "\\ISO 2022 IR 58",
            b"Zhang^XiaoDong=\x1B$)A\xD5\xC5^\x1B$)A\xD0\xA1\xB6\xAB=",
            "Zhang^XiaoDong=张^小东=",
        ),
        ("\\ISO 2022 IR 159", b"a^\x1B$(D0!\x1B(Bb", "a^丂b"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小東=".as_bytes(), "Wang^XiaoDong=王^小東="),
        ("GB18030", b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB=", "Wang^XiaoDong=王^小东="),
        // Four bytes a character, which GBK does not have.
        ("GB18030", b"\x81\x30\x81\x34^\x95\x32\x82\x36", "\u{84}^𠀀"),
    ];
    for (sets, bytes, text) in cases {
        assert_eq!(name(sets, bytes), text, "{sets}");
    }
}

/// PS3.5 section 6.1.2.5.3, each delimiter and control character.
#[test]
fn code_extension_ends_where_the_standard_says() {
    let sets = CharacterSets::declared(b"ISO 2022 IR 100\\ISO 2022 IR 144");
    let decode = |between: &str, delimiters| {
        let value = [b"\x1B-L\xB8", between.as_bytes(), b"\xFC"].concat();
        sets.decode(&value, delimiters)
    };
    let cases = [
        ("^", Delimiters::Names, true),
        ("=", Delimiters::Names, true),
        ("\\", Delimiters::Names, true),
        ("\\", Delimiters::Values, true),
        ("^", Delimiters::Values, false),
        ("=", Delimiters::Values, false),
        ("\\", Delimiters::None, false),
        (" ", Delimiters::Names, false),
        ("\r\n", Delimiters::None, true),
        ("\n", Delimiters::None, true),
        ("\x0C", Delimiters::None, true),
        ("\t", Delimiters::None, true),
    ];
    for (between, delimiters, ends) in cases {
        let last = if ends { 'ü' } else { 'ќ' };
        assert_eq!(decode(between, delimiters), format!("И{between}{last}"), "{between:?} in {delimiters:?}");
    }
}

#[test]
fn a_line_ends_two_byte_characters_as_well() {
    let sets = CharacterSets::declared(b"\\ISO 2022 IR 87");
    assert_eq!(sets.decode(b"\x1B$B;3 ED\r\n;3", Delimiters::None), "山 田\r\n;3");
}

/// Second bytes of 5C, 5E and 3D are no delimiters where they belong to a character.
#[test]
fn half_of_a_character_is_no_delimiter() {
    let cases: [(&str, &[u8], &str); 5] = [
        ("GBK", b"\x95\x5C\x5E\x9C\x79\xD5\x5C", "昞^測誠"),
        ("GB18030", b"\x95\x5C\x95\x5E", "昞昢"),
        ("\\ISO 2022 IR 87", b"\x1B$B0\\0^0=\x1B(B^a", "移緯綾^a"),
        ("\\ISO 2022 IR 159", b"\x1B$(D0\\\x1B(B^a", "伙^a"),
        ("Shift_JIS", b"\x95\x5C^\x83\x5C", "表^ソ"),
    ];
    for (sets, bytes, text) in cases {
        assert_eq!(name(sets, bytes), text, "{sets}");
    }
}

#[test]
fn what_is_misspelled_but_plain_is_taken_for_what_it_means() {
    let cases: [(&[&str], &[u8], &str); 11] = [
        (
            &[
                "ISO IR 192",
                "ISO-IR 192",
                "iso_ir_192",
                "ISO_IR192",
                "UTF-8",
                "UTF8",
                "utf 8",
                "ISO 2022 IR 192",
                "IR 192",
            ],
            "Müller".as_bytes(),
            "Müller",
        ),
        (
            &["ISO-IR 100", "ISO IR 100", "ISO_IR_100", "ISO_IR100", "ISO-8859-1", "ISO 8859-1", "latin1"],
            b"\xFC",
            "ü",
        ),
        (&["ISO_IR 6", "ISO_IR_6", "ISO IR 6", "", "ASCII", "US-ASCII", "ISO 2022 IR 6"], b"a~\\", "a~\\"),
        (
            &[
                "GBK",
                "gbk",
                " GBK ",
                "GB18030",
                "GB 18030",
                "gb-18030",
                "GB2312",
                "ISO_IR 58",
                "ISO 2022 GBK",
                "ISO 2022 GB18030",
                "ISO 2022 58",
            ],
            b"\xD5\xC5",
            "张",
        ),
        (&["ISO_IR 149", "ISO 2022 IR 149", "\\ISO IR 149", "EUC-KR", "KS_C_5601-1987"], b"\xFB\xF3", "洪"),
        (&["ISO_IR 144", "ISO 8859-5", "ISO_8859-5", "cyrillic"], b"\xB8", "И"),
        (&["windows-1251", "CP1251"], b"\xC8", "И"),
        (&["KOI8-R"], b"\xE9", "И"),
        (&["Big5"], b"\xA4\xA4", "中"),
        (
            &["ISO_IR 87", "iso-2022-ir-87", "ISO2022 IR 87", "ISO 2022 IR87", "ISO-2022-JP"],
            b"\x1B$B;3\x1B(B",
            "山",
        ),
        (&["ISO_IR 13\0", "ISO-IR 13 "], b"\xD4", "ﾔ"),
    ];
    for (spellings, bytes, text) in cases {
        for spelling in spellings {
            assert_eq!(name(spelling, bytes), text, "{spelling:?}");
        }
    }
}

#[test]
fn without_a_set_that_has_them_bytes_are_utf_8_or_else_latin_1() {
    for sets in ["", "ISO_IR 6", "\\ISO 2022 IR 87", "some other set", "UTF-16"] {
        assert_eq!(name(sets, "Müller^Jürgen=山田".as_bytes()), "Müller^Jürgen=山田", "{sets}");
        assert_eq!(name(sets, b"M\xFCller^Ren\xE9"), "Müller^René", "{sets}");
        // Cut at 64 bytes, as LO is.
        assert_eq!(name(sets, b"M\xC3\xBCller^Ren\xC3"), "Müller^Ren\u{FFFD}", "{sets}");
    }
}

/// Korean files often leave the escape out; one set of two bytes is declared, so that it can be no other.
#[test]
fn a_set_that_is_declared_for_escapes_is_taken_without_them_where_no_other_has_the_bytes() {
    assert_eq!(name("\\ISO 2022 IR 149", b"Hong=\xFB\xF3^\xD1\xCE"), "Hong=洪^吉");
    assert_eq!(name("ISO 2022 IR 6\\ISO 2022 IR 58", b"\xD5\xC5^a"), "张^a");
    assert_eq!(name("ISO_IR 100\\ISO 2022 IR 149", b"\xFB"), "û");
}

#[test]
fn an_escape_counts_whether_or_not_its_set_is_declared() {
    for sets in ["", "ISO_IR 100", "ISO_IR 192", "GB18030"] {
        assert_eq!(name(sets, b"\x1B$B;3ED\x1B(B^\x1B$BB@\x1B(B"), "山田^太", "{sets}");
    }
}

/// ISO-IR 14 (JIS X 0201): 5C is a yen sign, and still separates values; 7E is an overline.
#[test]
fn the_yen_sign_separates_values_and_is_itself_in_a_long_text() {
    let sets = CharacterSets::declared(b"ISO_IR 13");
    assert_eq!(sets.decode(b"\xD4\\~", Delimiters::Values), "ﾔ\\‾");
    assert_eq!(sets.decode(b"\\500~", Delimiters::None), "¥500‾");
    assert_eq!(sets.over_ascii().decode(b"http://a/~b", Delimiters::None), "http://a/~b");
}

#[test]
fn bytes_without_a_meaning_become_replacement_characters_and_the_rest_stays() {
    let cases: [(&str, &[u8], &str); 8] = [
        ("ISO_IR 192", b"a\xFFb^c", "a\u{FFFD}b^c"),
        ("ISO_IR 127", b"a\xA1b", "a\u{FFFD}b"),
        ("GB18030", b"a\xFFb^c", "a\u{FFFD}b^c"),
        ("\\ISO 2022 IR 87", b"a\x1B$B;3E\x1B(Bb", "a山\u{FFFD}b"),
        ("\\ISO 2022 IR 87", b"\x1B$B))\x1B(Bb", "\u{FFFD}b"),
        ("\\ISO 2022 IR 87", b"\x1B$B;3", "山"),
        ("\\ISO 2022 IR 87", b"a\x1B", "a\u{FFFD}"),
        ("\\ISO 2022 IR 87", b"a\x1B$Zb", "a\u{FFFD}$Zb"),
    ];
    for (sets, bytes, text) in cases {
        assert_eq!(name(sets, bytes), text, "{sets} {bytes:?}");
    }
}

/// Some writers do not return to ASCII first.
#[test]
fn a_delimiter_behind_two_byte_characters_is_one_where_no_character_can_begin() {
    assert_eq!(name("\\ISO 2022 IR 87", b"\x1B$B;3ED^\x1B$BB@O:=\x1B$B$d"), "山田^太郎=や");
}

proptest::proptest! {
    #[test]
    fn no_bytes_under_no_set_do_harm(sets: Vec<u8>, bytes: Vec<u8>, escapes in 0_usize..8) {
        let mut bytes = bytes;
        for place in 0..escapes.min(bytes.len()) {
            bytes[place] = *b"\x1B$B\x1B(J\x1B$".get(place).unwrap_or(&0);
        }
        for delimiters in [Delimiters::None, Delimiters::Values, Delimiters::Names] {
            let text = CharacterSets::declared(&sets).decode(&bytes, delimiters);
            proptest::prop_assert!(text.len() <= bytes.len() * 4);
        }
    }
}
