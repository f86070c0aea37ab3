//! Text of DICOM headers made fit for columns: of bounded length, without NUL, folded for searching.

use unicode_normalization::UnicodeNormalization;

/// Longest display text kept, in characters: LO and PN allow 64 a component group (PS3.5 table 6.2-1), files more.
pub(super) const TEXT_CHARS_MAX: usize = 1024;

/// `text` without NUL, which Postgres refuses, cut to [`TEXT_CHARS_MAX`].
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|character| *character != '\0').take(TEXT_CHARS_MAX).collect()
}

/// [`clean`], where there is something.
pub(super) fn clean_option(text: Option<&String>) -> Option<String> {
    text.map(|text| clean(text))
}

/// `text` as searches see it: lower case, `^` and `=` of person names (PS3.5 6.2.1) as spaces, spaces single.
pub(super) fn fold(text: &str) -> String {
    let lower = clean(text).to_lowercase();
    let words = lower.split(|c: char| c.is_whitespace() || matches!(c, '^' | '='));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// `text` as searches for words see it: [`fold`], and letters without their accents.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in fold(text).nfd().filter(|letter| !is_accent(*letter)) {
        match letter {
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            'ø' => plain.push('o'),
            'ł' => plain.push('l'),
            'đ' | 'ð' => plain.push('d'),
            'ı' => plain.push('i'),
            letter => plain.push(letter),
        }
    }
    // What is no accent, as the vowels of Hangul, goes back to where it was.
    plain.nfc().collect()
}

/// The marks over and under Latin, Greek and Cyrillic letters. Those of other scripts make another letter.
fn is_accent(letter: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&letter)
}

/// The LIKE pattern (escape character `\`) for a folded filter in which `*` stands for anything and `?` for one
/// character (PS3.4 C.2.2.2.4).
pub(super) fn like_pattern(filter: &str) -> String {
    pattern_of(&fold(filter))
}

/// The same of a filter that is folded, or plain.
pub(super) fn pattern_of(folded: &str) -> String {
    let mut pattern = String::with_capacity(folded.len() + 2);
    for character in folded.chars() {
        match character {
            '*' => pattern.push('%'),
            '?' => pattern.push('_'),
            '%' | '_' | '\\' => pattern.extend(['\\', character]),
            other => pattern.push(other),
        }
    }
    pattern
}

/// The LIKE pattern for text that holds `folded` anywhere.
pub(super) fn like_contains(folded: &str) -> String {
    format!("%{}%", pattern_of(folded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_characters_and_has_no_nul() {
        assert_eq!(clean("a\0b"), "ab");
        assert_eq!(clean(&"é".repeat(2000)).chars().count(), TEXT_CHARS_MAX);
    }

    #[test]
    fn names_fold_to_words_in_lower_case() {
        assert_eq!(fold("MÜLLER^Hans^^Dr. = ミュラー^ハンス"), "müller hans dr. ミュラー ハンス");
    }

    #[test]
    fn plain_words_have_no_accents_and_keep_their_letters() {
        let cases = [
            ("MÜLLER^Hans", "muller hans"),
            ("Mu\u{308}ller", "muller"),
            ("Łukasz Žižek", "lukasz zizek"),
            ("Straße Søren", "strasse soren"),
            ("Άννα Ёлкина", "αννα елкина"),
            ("ガンダ 김철수", "ガンダ 김철수"),
            ("Nguyễn", "nguyen"),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text), expected, "{text}");
            assert_eq!(plain(expected), expected, "plain twice is plain");
        }
    }

    #[test]
    fn wildcards_become_those_of_like_and_its_own_are_escaped() {
        let cases = [("A*b?", "a%b_"), ("100%", "100\\%"), ("a_b\\", "a\\_b\\\\"), ("", "")];
        for (filter, pattern) in cases {
            assert_eq!(like_pattern(filter), pattern, "{filter}");
        }
    }
}
