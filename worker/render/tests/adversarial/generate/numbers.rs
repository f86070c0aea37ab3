//! Numbers as text in all the ways that writers know (PS3.5 6.2, DS and IS).

use crate::case::Number;
use crate::random::Random;

/// `mantissa` divided by 10 to the power of `decimals`, as DS.
pub(super) fn decimal(mantissa: i64, decimals: u32, random: &mut Random) -> Number {
    let value = mantissa as f64 / f64::from(10_u32.pow(decimals));
    let sign = match (mantissa < 0, random.once_in(4)) {
        (true, _) => "-",
        (false, true) => "+",
        (false, false) => "",
    };
    let digits = mantissa.unsigned_abs();
    let scale = 10_u64.pow(decimals);
    let (whole, fraction) = (digits / scale, digits % scale);
    let places = decimals as usize;
    let plain = if decimals == 0 { format!("{whole}") } else { format!("{whole}.{fraction:0places$}") };
    let text = match random.index(9) {
        0 => format!("{sign}{digits}e-{decimals}"),
        1 => format!("{sign}{digits}E-{decimals:02}"),
        // Longer than the 16 characters that DS may have, as some writers print doubles.
        2 if decimals > 0 => format!("{sign}{plain}000000000000000"),
        3 if decimals == 0 => format!("{sign}{whole}.000000000000000000"),
        4 => format!(" {sign}{plain} "),
        5 if decimals == 0 => format!("{sign}{whole}."),
        6 if whole == 0 && decimals > 0 => format!("{sign}.{fraction:0places$}"),
        7 => format!("{sign}00{plain}"),
        _ => format!("{sign}{plain}"),
    };
    Number { value, text }
}

/// As IS.
pub(super) fn integer(value: i64, random: &mut Random) -> Number {
    let text = match random.index(5) {
        0 if value >= 0 => format!("+{value}"),
        1 => format!(" {value} "),
        2 if value >= 0 => format!("00{value}"),
        _ => format!("{value}"),
    };
    Number { value: value as f64, text }
}
