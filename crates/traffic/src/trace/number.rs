//! Numbers in text: token counts and times, with the reason when they are none.

use super::Fault;

/// Tokens: whole, at least 1, at most 32 bits. `12.0` is whole too.
pub(crate) fn tokens(text: &[u8]) -> Result<u32, Fault> {
    if (1..=9).contains(&text.len()) && text.iter().all(u8::is_ascii_digit) {
        let value = text.iter().fold(0, |value, byte| value * 10 + u32::from(byte - b'0'));
        return if value > 0 { Ok(value) } else { Err(Fault::NotPositive) };
    }
    let value = number(text)?;
    match value {
        _ if !value.is_finite() => Err(Fault::NotFinite),
        _ if value <= 0.0 => Err(Fault::NotPositive),
        _ if value.fract() != 0.0 => Err(Fault::Fractional),
        _ if value > f64::from(u32::MAX) => Err(Fault::TooLarge),
        _ => Ok(value as u32),
    }
}

/// Most classes of a trace.
const CLASSES: u32 = 64;

/// A priority class: whole, from 0, the most urgent, on.
pub(crate) fn class(text: &[u8]) -> Result<u16, Fault> {
    let class: u32 =
        std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Fault::NotAClass)?;
    if class < CLASSES { Ok(class as u16) } else { Err(Fault::NotAClass) }
}

/// Any number, infinities and "nan" included.
pub(crate) fn number(text: &[u8]) -> Result<f64, Fault> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Fault::NotANumber)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_classes() {
        assert_eq!(["0", "63"].map(|text| class(text.as_bytes())), [Ok(0), Ok(63)]);
        for text in ["", "-1", "64", "1.5", "high", "99999999999"] {
            assert_eq!(class(text.as_bytes()), Err(Fault::NotAClass), "{text}");
        }
    }

    #[test]
    fn hand_tokens() {
        for (text, value) in
            [("1", 1), ("000000007", 7), ("4294967295", u32::MAX), ("12.0", 12), ("1e3", 1000)]
        {
            assert_eq!(tokens(text.as_bytes()), Ok(value));
        }
        for (text, fault) in [
            ("", Fault::NotANumber),
            ("12 3", Fault::NotANumber),
            ("\u{661}", Fault::NotANumber),
            ("0", Fault::NotPositive),
            ("-5", Fault::NotPositive),
            ("-0.5", Fault::NotPositive),
            ("12.5", Fault::Fractional),
            ("4294967296", Fault::TooLarge),
            ("nan", Fault::NotFinite),
            ("inf", Fault::NotFinite),
        ] {
            assert_eq!(tokens(text.as_bytes()), Err(fault), "{text}");
        }
    }
}
