//! Data elements in order of their tags, written in any encoding (PS3.5 section 7).

use std::collections::BTreeMap;

#[derive(Clone)]
pub(crate) enum Value {
    /// As they are in every encoding.
    Bytes(Vec<u8>),
    /// Words of 16 bits, in the byte order of the encoding.
    Words(Vec<u16>),
    VeryLongs(Vec<u64>),
    Float(f32),
    Double(f64),
    Text(String),
    Items(Vec<DataSet>),
}

#[derive(Clone, Default)]
pub(crate) struct DataSet(BTreeMap<(u16, u16), (&'static str, Value)>);

/// How elements are written.
#[derive(Clone, Copy)]
pub(crate) struct Encoding {
    pub(crate) explicit: bool,
    pub(crate) big_endian: bool,
    pub(crate) sequences_undefined: bool,
    pub(crate) items_undefined: bool,
    pub(crate) sequences_unknown: bool,
}

impl DataSet {
    pub(crate) fn put(&mut self, group: u16, element: u16, vr: &'static str, value: Value) {
        self.0.insert((group, element), (vr, value));
    }

    pub(crate) fn text(&mut self, group: u16, element: u16, vr: &'static str, value: impl Into<String>) {
        self.put(group, element, vr, Value::Text(value.into()));
    }

    pub(crate) fn words(&mut self, group: u16, element: u16, vr: &'static str, values: &[u16]) {
        self.put(group, element, vr, Value::Words(values.to_vec()));
    }

    /// Adds an item to a sequence.
    pub(crate) fn item(&mut self, group: u16, element: u16, item: DataSet) {
        let (_, value) = self.0.entry((group, element)).or_insert_with(|| ("SQ", Value::Items(Vec::new())));
        if let Value::Items(items) = value {
            items.push(item);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn bytes(&self, encoding: Encoding) -> Vec<u8> {
        let mut out = Vec::new();
        for (&(group, element), (vr, value)) in &self.0 {
            encoding.element(&mut out, group, element, vr, value);
        }
        out
    }
}

impl Encoding {
    pub(crate) fn u16(self, value: u16) -> [u8; 2] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub(crate) fn u32(self, value: u32) -> [u8; 4] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn element(self, out: &mut Vec<u8>, group: u16, element: u16, vr: &str, value: &Value) {
        let (vr, content_encoding) = match value {
            // PS3.5 6.2.2 note 2: what is inside of UN is in implicit little endian.
            Value::Items(_) if self.sequences_unknown && self.explicit => {
                ("UN", Self { explicit: false, big_endian: false, ..self })
            }
            _ => (vr, self),
        };
        let (content, undefined) = content_encoding.content(vr, value);
        let length = if undefined { u32::MAX } else { content.len() as u32 };
        self.header(out, group, element, vr, length);
        out.extend(content);
        if undefined {
            content_encoding.delimiter(out, 0xE0DD);
        }
    }

    /// Tag, VR and length.
    pub(crate) fn header(self, out: &mut Vec<u8>, group: u16, element: u16, vr: &str, length: u32) {
        out.extend(self.u16(group));
        out.extend(self.u16(element));
        if !self.explicit {
            out.extend(self.u32(length));
            return;
        }
        out.extend(vr.as_bytes());
        if matches!(vr, "OB" | "OW" | "OF" | "OD" | "OV" | "SQ" | "UN" | "UT") {
            out.extend([0, 0]);
            out.extend(self.u32(length));
        } else {
            out.extend(self.u16(u16::try_from(length).expect("a short value")));
        }
    }

    fn content(self, vr: &str, value: &Value) -> (Vec<u8>, bool) {
        let mut content = Vec::new();
        match value {
            Value::Bytes(bytes) => content.extend(bytes),
            Value::Words(words) => content.extend(words.iter().flat_map(|&word| self.u16(word))),
            Value::VeryLongs(longs) => {
                content.extend(
                    longs.iter().flat_map(|&long| {
                        if self.big_endian { long.to_be_bytes() } else { long.to_le_bytes() }
                    }),
                )
            }
            Value::Float(value) => content.extend(self.u32(value.to_bits())),
            Value::Double(value) if self.big_endian => content.extend(value.to_be_bytes()),
            Value::Double(value) => content.extend(value.to_le_bytes()),
            Value::Text(text) => content.extend(text.as_bytes()),
            Value::Items(items) => {
                items.iter().for_each(|item| self.item(&mut content, item));
                return (content, self.sequences_undefined);
            }
        }
        if content.len() % 2 == 1 {
            content.push(if matches!(vr, "UI" | "OB" | "UN") { 0 } else { b' ' });
        }
        (content, false)
    }

    fn item(self, out: &mut Vec<u8>, item: &DataSet) {
        let content = item.bytes(self);
        out.extend(self.u16(0xFFFE));
        out.extend(self.u16(0xE000));
        out.extend(self.u32(if self.items_undefined { u32::MAX } else { content.len() as u32 }));
        out.extend(content);
        if self.items_undefined {
            self.delimiter(out, 0xE00D);
        }
    }

    fn delimiter(self, out: &mut Vec<u8>, element: u16) {
        out.extend(self.u16(0xFFFE));
        out.extend(self.u16(element));
        out.extend(self.u32(0));
    }
}
