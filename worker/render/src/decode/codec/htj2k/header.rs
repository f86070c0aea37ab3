//! Markers of a codestream (T.800 Annex A), as far as the simple ones go. Tables of lengths and whatever else a reader
//! could find fault with are left to `OpenJPEG`.

const SOC: u16 = 0xFF4F;
const CAP: u16 = 0xFF50;
const SIZ: u16 = 0xFF51;
const COD: u16 = 0xFF52;
const QCD: u16 = 0xFF5C;
const COM: u16 = 0xFF64;
const SOT: u16 = 0xFF90;
const EOC: u16 = 0xFFD9;

/// Widest and highest picture that is one precinct.
const SIDE_MAX: usize = 1 << 15;

/// A codestream whose main header says that this decoder can read it.
pub(crate) struct Frame<'a> {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    pub(crate) components: usize,
    pub(crate) precision: u8,
    pub(crate) signed: bool,
    /// How often the size can be halved.
    pub(crate) levels: u8,
    pub(super) colour_transform: bool,
    pub(super) component_first: bool,
    /// Powers of two of the sides of a code block.
    pub(super) block: (u32, u32),
    /// Bit planes of each subband, from the lowest resolution.
    pub(super) bit_planes: Vec<u32>,
    /// From the tile part on.
    tile_part: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads the main header.
    pub(crate) fn read(codestream: &'a [u8]) -> Option<Self> {
        let (mut size, mut capabilities, mut coding, mut planes) = (None, None, None, None);
        let mut rest = codestream.strip_prefix(&SOC.to_be_bytes())?;
        if u16_at(rest, 0)? != SIZ {
            return None;
        }
        while u16_at(rest, 0)? != SOT {
            let (marker, body, after) = segment(rest)?;
            match marker {
                SIZ if size.is_none() => size = Some(Size::read(body)?),
                COD if coding.is_none() => coding = Some(Coding::read(body)?),
                QCD if planes.is_none() => planes = Some(bit_planes(body)?),
                CAP if capabilities.is_none() => capabilities = Some(part_15_alone(body)?),
                COM => {}
                _ => return None,
            }
            rest = after;
        }
        let (size, (), coding, bit_planes) = (size?, capabilities?, coding?, planes?);
        if bit_planes.len() < 3 * usize::from(coding.levels) + 1 || (coding.transform && size.components != 3)
        {
            return None;
        }
        Some(Self {
            columns: size.columns,
            rows: size.rows,
            components: size.components,
            precision: size.precision,
            signed: size.signed,
            levels: coding.levels,
            colour_transform: coding.transform,
            component_first: coding.component_first,
            block: coding.block,
            bit_planes,
            tile_part: rest,
        })
    }

    /// Columns and rows of a resolution.
    pub(super) fn size_at(&self, resolution: u8) -> (usize, usize) {
        let halved = self.levels - resolution;
        (self.columns.div_ceil(1 << halved), self.rows.div_ceil(1 << halved))
    }

    /// The packets of the tile. It must be in one part, which has its length and is followed by the end of the codestream.
    pub(super) fn tile_body(&self) -> Option<&'a [u8]> {
        let &[0xFF, 0x90, 0, 10, 0, 0, a, b, c, d, 0, 0 | 1, 0xFF, 0x93] =
            self.tile_part.first_chunk::<14>()?
        else {
            return None;
        };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let (part, after) = self.tile_part.split_at_checked(length)?;
        (u16_at(after, 0)? == EOC).then_some(part.get(14..)?)
    }
}

/// A marker with its segment, and what follows.
fn segment(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::from(u16_at(bytes, 2)?);
    let (segment, after) = bytes.split_at_checked(2 + length)?;
    Some((u16_at(bytes, 0)?, segment.get(4..)?, after))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|&pair| u16::from_be_bytes(pair))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|&four| u32::from_be_bytes(four))
}

/// CAP where it says that nothing but T.814 (Part 15) is needed.
fn part_15_alone(body: &[u8]) -> Option<()> {
    (body.len() == 6 && u32_at(body, 0) == Some(1 << (32 - 15))).then_some(())
}

/// What SIZ says of a picture that is one tile at the origin, all of its components alike.
struct Size {
    columns: usize,
    rows: usize,
    components: usize,
    precision: u8,
    signed: bool,
}

impl Size {
    fn read(body: &[u8]) -> Option<Self> {
        let (columns, rows) = (u32_at(body, 2)?, u32_at(body, 6)?);
        let is_at_origin = [10, 14, 26, 30].iter().all(|&at| u32_at(body, at) == Some(0));
        let is_one_tile = u32_at(body, 18)? >= columns && u32_at(body, 22)? >= rows;
        let components = usize::from(u16_at(body, 34)?);
        let shapes = body.get(36..)?;
        let &[depth, ..] = shapes else { return None };
        let is_even = shapes.len() == 3 * components && shapes.chunks(3).all(|shape| shape == [depth, 1, 1]);
        let size = Self {
            columns: columns as usize,
            rows: rows as usize,
            components,
            precision: (depth & 0x7F) + 1,
            signed: depth & 0x80 != 0,
        };
        let fits = (1..=SIDE_MAX).contains(&size.columns) && (1..=SIDE_MAX).contains(&size.rows);
        let is_usual = match components {
            1 => size.precision <= 16,
            3 => size.precision <= 8 && !size.signed,
            _ => false,
        };
        (is_at_origin && is_one_tile && is_even && fits && is_usual).then_some(size)
    }
}

/// What COD says of one layer of reversible HT blocks without markers between packets.
struct Coding {
    levels: u8,
    transform: bool,
    component_first: bool,
    block: (u32, u32),
}

impl Coding {
    fn read(body: &[u8]) -> Option<Self> {
        let (&[style, progression, 0, 1, transform, levels, wide, high, 0x40, 1], precincts) =
            body.split_first_chunk()?
        else {
            return None;
        };
        let is_one_precinct = style == 0 && precincts.is_empty();
        // Blocks of fewer than 256 samples are unusual, and a hostile header could ask for very many.
        let is_usual_block = wide <= 8 && high <= 8 && (4..=8).contains(&(wide + high));
        let is_known = progression <= 4 && transform <= 1 && levels <= 15 && is_usual_block;
        (is_one_precinct && is_known).then_some(Self {
            levels,
            transform: transform == 1,
            component_first: progression >= 3,
            block: (u32::from(wide) + 2, u32::from(high) + 2),
        })
    }
}

/// Bit planes that QCD gives to each subband of a reversible picture.
fn bit_planes(body: &[u8]) -> Option<Vec<u32>> {
    let (&style, exponents) = body.split_first()?;
    if style & 0x1F != 0 {
        return None;
    }
    let planes =
        exponents.iter().map(|&exponent| (u32::from(style >> 5) + u32::from(exponent >> 3)).checked_sub(1));
    planes.map(|planes| planes.filter(|planes| (1..=26).contains(planes))).collect()
}
