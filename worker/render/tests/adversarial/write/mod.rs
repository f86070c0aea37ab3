//! The bytes of a file that says what a case says.

mod attributes;
pub(crate) mod cells;
mod data_set;
mod pixel_data;
mod tables;

use std::io::Write as _;

use crate::case::{Case, Syntax};
use data_set::{DataSet, Encoding};

/// The whole file: preamble, file meta information, data set.
pub(crate) fn file(case: &Case) -> Vec<u8> {
    let encoding = encoding(case);
    let mut data_set = attributes::data_set(case);
    let pixel_data = pixel_data::element(case, encoding, &mut data_set);
    let mut body = data_set.bytes(encoding);
    body.extend(pixel_data);
    if case.form.trailing_padding {
        encoding.header(&mut body, 0xFFFC, 0xFFFC, "OB", 8);
        body.extend([0; 8]);
    }
    let mut file = beginning(case.form.syntax.uid());
    if case.form.syntax == Syntax::Deflated {
        let mut encoder = flate2::write::DeflateEncoder::new(file, flate2::Compression::fast());
        encoder.write_all(&body).expect("writing to memory");
        return encoder.finish().expect("writing to memory");
    }
    file.extend(body);
    file
}

fn encoding(case: &Case) -> Encoding {
    Encoding {
        explicit: case.form.syntax != Syntax::ImplicitLittle,
        big_endian: case.form.syntax == Syntax::ExplicitBig,
        sequences_undefined: case.form.sequences_undefined,
        items_undefined: case.form.items_undefined,
        sequences_unknown: case.form.sequences_unknown,
    }
}

fn beginning(transfer_syntax_uid: &str) -> Vec<u8> {
    let plain = Encoding {
        explicit: true,
        big_endian: false,
        sequences_undefined: false,
        items_undefined: false,
        sequences_unknown: false,
    };
    let mut meta = DataSet::default();
    meta.put(0x0002, 0x0001, "OB", data_set::Value::Bytes(vec![0, 1]));
    meta.text(0x0002, 0x0002, "UI", "1.2.840.10008.5.1.4.1.1.7");
    meta.text(0x0002, 0x0003, "UI", "1.2.3.4");
    meta.text(0x0002, 0x0010, "UI", transfer_syntax_uid);
    meta.text(0x0002, 0x0012, "UI", "1.2.3");
    let meta = meta.bytes(plain);
    let mut file = vec![0; 128];
    file.extend(b"DICM");
    plain.header(&mut file, 0x0002, 0x0000, "UL", 4);
    file.extend((meta.len() as u32).to_le_bytes());
    file.extend(meta);
    file
}
