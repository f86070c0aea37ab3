//! Lossless JPEG as vendors write it: differences that count on the modulus of the precision (T.81 H.1.2.1, H.2.1).

use noctis_render::{Format, FrameRequest};

use crate::builder::{FileBuilder, render};

const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.57";
const SIDE: usize = 24;

/// How an encoder writes its differences.
#[derive(Clone, Copy, Debug)]
enum Differences {
    /// As they are.
    Plain,
    /// The other value that is the same modulo the precision, where there is one.
    Wrapped,
}

/// What is coded, and how.
struct Stream<'a> {
    /// Interleaved.
    samples: &'a [u16],
    components: usize,
    precision: u32,
    predictor: u8,
    point_transform: u32,
    restart_rows: usize,
    differences: Differences,
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.pending = self.pending << count | u64::from(value);
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.pending >> self.count) as u8;
            self.bytes.push(byte);
            if byte == 0xFF {
                self.bytes.push(0);
            }
            self.pending &= (1 << self.count) - 1;
        }
    }

    fn flush(&mut self) {
        if self.count > 0 {
            let missing = 8 - self.count;
            self.put((1 << missing) - 1, missing);
        }
    }
}

impl Stream<'_> {
    fn encode(&self) -> Vec<u8> {
        let side = (SIDE as u16).to_be_bytes();
        let count = self.components as u8;
        let mut out = vec![0xFF, 0xD8, 0xFF, 0xC3, 0, 8 + 3 * count, self.precision as u8];
        out.extend([side[0], side[1], side[0], side[1], count]);
        (1..=count).for_each(|id| out.extend([id, 0x11, 0]));
        // One table: categories 0 to 16 as codes of five bits.
        out.extend([0xFF, 0xC4, 0, 2 + 1 + 16 + 17, 0, 0, 0, 0, 0, 17]);
        out.extend([0; 11]);
        out.extend(0..=16);
        if self.restart_rows > 0 {
            let interval = ((self.restart_rows * SIDE) as u16).to_be_bytes();
            out.extend([0xFF, 0xDD, 0, 4, interval[0], interval[1]]);
        }
        out.extend([0xFF, 0xDA, 0, 6 + 2 * count, count]);
        (1..=count).for_each(|id| out.extend([id, 0]));
        out.extend([self.predictor, 0, self.point_transform as u8]);
        out.extend(self.coded());
        out.extend([0xFF, 0xD9]);
        out
    }

    fn coded(&self) -> Vec<u8> {
        let mut bits = Bits::default();
        for row in 0..SIDE {
            if self.restart_rows > 0 && row > 0 && row.is_multiple_of(self.restart_rows) {
                bits.flush();
                bits.bytes.extend([0xFF, 0xD0 + ((row / self.restart_rows - 1) % 8) as u8]);
            }
            for (column, component) in
                (0..SIDE).flat_map(|column| (0..self.components).map(move |c| (column, c)))
            {
                let difference =
                    self.sample(row, column, component) - self.prediction(row, column, component);
                self.put(&mut bits, difference);
            }
        }
        bits.flush();
        bits.bytes
    }

    fn sample(&self, row: usize, column: usize, component: usize) -> i32 {
        i32::from(self.samples[(row * SIDE + column) * self.components + component] >> self.point_transform)
    }

    fn prediction(&self, row: usize, column: usize, component: usize) -> i32 {
        let is_first_row =
            if self.restart_rows > 0 { row.is_multiple_of(self.restart_rows) } else { row == 0 };
        let at = |up: usize, left: usize| self.sample(row - up, column - left, component);
        match (is_first_row, column) {
            (true, 0) => 1 << (self.precision - self.point_transform - 1),
            (true, _) => at(0, 1),
            (false, 0) => at(1, 0),
            (false, _) => {
                let (a, b, c) = (at(0, 1), at(1, 0), at(1, 1));
                match self.predictor {
                    1 => a,
                    2 => b,
                    3 => c,
                    4 => a + b - c,
                    5 => a + ((b - c) >> 1),
                    6 => b + ((a - c) >> 1),
                    _ => (a + b) >> 1,
                }
            }
        }
    }

    fn put(&self, bits: &mut Bits, difference: i32) {
        let modulus = 1 << (self.precision - self.point_transform);
        let difference = match self.differences {
            Differences::Plain => difference,
            Differences::Wrapped if difference > 0 => difference - modulus,
            Differences::Wrapped => difference + modulus,
        };
        // Differences themselves are modulo 65,536, and 32,768 has a category of its own.
        let difference = (difference + 32_767).rem_euclid(65_536) - 32_767;
        let category = 32 - difference.unsigned_abs().leading_zeros();
        bits.put(category, 5);
        if (1..16).contains(&category) {
            let value = if difference > 0 { difference } else { difference + (1 << category) - 1 };
            bits.put(value as u32, category);
        }
    }
}

/// Steep steps and smooth parts, the whole range of the precision.
fn pattern(precision: u32, components: usize) -> Vec<u16> {
    let most = (1_u32 << precision) - 1;
    let value = |index: usize| {
        let (pixel, component) = (index / components, index % components);
        let (row, column) = (pixel / SIDE, pixel % SIDE);
        let smooth = ((row * 37 + column * 53 + component * 91) as u32).wrapping_mul(most / 1500 + 1) & most;
        if (row / 3 + column / 5) % 2 == 0 { smooth / 2 } else { most - smooth / 3 }
    };
    (0..SIDE * SIDE * components).map(|index| value(index) as u16).collect()
}

/// 16-bit pictures of the modality values, which are the stored ones here.
fn stored_values(picture: &[u8]) -> Vec<u16> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info().expect("a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
    reader.next_frame(&mut bytes).expect("a frame");
    bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect()
}

#[test]
fn grey_samples_come_back_under_each_precision_and_predictor() {
    for precision in 2..=16 {
        let samples = pattern(precision, 1);
        let allocated = if precision > 8 { 16 } else { 8 };
        for predictor in 1..=7 {
            for differences in [Differences::Plain, Differences::Wrapped] {
                for restart_rows in [0, 5] {
                    let stream = Stream {
                        samples: &samples,
                        components: 1,
                        precision,
                        predictor,
                        point_transform: 0,
                        restart_rows,
                        differences,
                    };
                    let file = FileBuilder::new(JPEG_LOSSLESS)
                        .monochrome(SIDE as u16, SIDE as u16, allocated, precision as u16, false)
                        .encapsulated(&[&stream.encode()]);
                    let request = FrameRequest { format: Format::Png16, ..FrameRequest::default() };
                    let picture = render(&file, &request).expect("a sound stream");
                    let case = format!(
                        "{precision} bits, predictor {predictor}, {differences:?}, restarts {restart_rows}"
                    );
                    assert!(stored_values(&picture.bytes) == samples, "{case}");
                }
            }
        }
    }
}

/// What a point transform drops stays 0 (T.81 H.1.2.2).
#[test]
fn a_point_transform_keeps_the_upper_bits() {
    for (precision, predictor) in [8, 12, 15, 16].into_iter().flat_map(|p| (1..=7).map(move |k| (p, k))) {
        let samples = pattern(precision, 1);
        for differences in [Differences::Plain, Differences::Wrapped] {
            let stream = Stream {
                samples: &samples,
                components: 1,
                precision,
                predictor,
                point_transform: 2,
                restart_rows: 0,
                differences,
            };
            let allocated = if precision > 8 { 16 } else { 8 };
            let file = FileBuilder::new(JPEG_LOSSLESS)
                .monochrome(SIDE as u16, SIDE as u16, allocated, precision as u16, false)
                .encapsulated(&[&stream.encode()]);
            let request = FrameRequest { format: Format::Png16, ..FrameRequest::default() };
            let picture = render(&file, &request).expect("a sound stream");
            let kept: Vec<u16> = samples.iter().map(|sample| sample & !3).collect();
            assert!(
                stored_values(&picture.bytes) == kept,
                "{precision} bits, predictor {predictor}, {differences:?}"
            );
        }
    }
}

#[test]
fn colour_samples_come_back_under_each_predictor() {
    let samples = pattern(8, 3);
    let expected: Vec<u8> = samples.iter().map(|&sample| sample as u8).collect();
    for predictor in 1..=7 {
        for differences in [Differences::Plain, Differences::Wrapped] {
            let stream = Stream {
                samples: &samples,
                components: 3,
                precision: 8,
                predictor,
                point_transform: 0,
                restart_rows: 0,
                differences,
            };
            let file = FileBuilder::new(JPEG_LOSSLESS)
                .colour("RGB", SIDE as u16, SIDE as u16)
                .encapsulated(&[&stream.encode()]);
            let picture = render(&file, &FrameRequest::default()).expect("a sound stream");
            let mut reader =
                png::Decoder::new(std::io::Cursor::new(&picture.bytes)).read_info().expect("a PNG");
            let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
            reader.next_frame(&mut pixels).expect("a frame");
            assert!(pixels == expected, "predictor {predictor}, {differences:?}");
        }
    }
}
