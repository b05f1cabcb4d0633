//! Quantities as text: `4.8 TB/s` in, `4.8 TB/s` out, and what to say when the text is something else.

use crate::quantity::*;
use serde::de::{self, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// Why a text is not the quantity that was asked for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// Nothing was written.
    #[error("it is empty; expected {expected}, e.g. `{example}`")]
    Empty {
        /// The dimension asked for.
        expected: &'static str,
        /// A correct value.
        example: &'static str,
    },
    /// The text does not start with a number.
    #[error("`{text}` does not start with a number; expected {expected}, e.g. `{example}`")]
    NotANumber {
        /// What was written.
        text: String,
        /// The dimension asked for.
        expected: &'static str,
        /// A correct value.
        example: &'static str,
    },
    /// A number without a unit.
    #[error("`{text}` has no unit; expected {expected}, e.g. `{example}`")]
    MissingUnit {
        /// What was written.
        text: String,
        /// The dimension asked for.
        expected: &'static str,
        /// A correct value.
        example: &'static str,
    },
    /// A unit of another dimension.
    #[error("`{text}` is {found}; expected {expected}, e.g. `{example}`")]
    WrongDimension {
        /// What was written.
        text: String,
        /// The dimension that it has.
        found: &'static str,
        /// The dimension asked for.
        expected: &'static str,
        /// A correct value.
        example: &'static str,
    },
    /// A unit that does not exist.
    #[error("`{text}` has the unknown unit `{unit}`; expected {expected}, e.g. `{example}`")]
    UnknownUnit {
        /// What was written.
        text: String,
        /// The part that is no unit.
        unit: String,
        /// The dimension asked for.
        expected: &'static str,
        /// A correct value.
        example: &'static str,
    },
    /// Negative, infinite or not a number.
    #[error("`{text}` is not a finite number of at least 0; expected {expected}, e.g. `{example}`")]
    OutOfRange {
        /// What was written.
        text: String,
        /// The dimension asked for.
        expected: &'static str,
        /// A correct value.
        example: &'static str,
    },
}

/// Reads a quantity such as `4.8 TB/s`, `500ms` or `$1.30/h`.
pub(crate) fn parse<Q: Quantity>(text: &str) -> Result<Q, ParseError> {
    let (expected, example) = (Q::DIMENSION, Q::EXAMPLE);
    let owned = || text.trim().to_owned();
    let normal = dollars_last(text.trim());
    if normal.is_empty() {
        return Err(ParseError::Empty { expected, example });
    }
    let (number, unit) = split(&normal);
    let Ok(number) = number.parse::<f64>() else {
        return Err(ParseError::NotANumber { text: owned(), expected, example });
    };
    if unit.is_empty() {
        return Err(ParseError::MissingUnit { text: owned(), expected, example });
    }
    let Some(factor) = factor_of(Q::UNITS, unit) else {
        return Err(match dimension_of(unit) {
            Some(found) => ParseError::WrongDimension { text: owned(), found, expected, example },
            None => ParseError::UnknownUnit { text: owned(), unit: unit.to_owned(), expected, example },
        });
    };
    let value = number * factor;
    if !value.is_finite() || value < 0.0 {
        return Err(ParseError::OutOfRange { text: owned(), expected, example });
    }
    Ok(Q::from_base(value))
}

/// Reads a count such as `128000`, `128k`, `1.5M` or `32Ki` (k is 1,000 and Ki is 1,024).
///
/// ```
/// assert_eq!(rackplan_units::parse_count("32k"), Some(32_000));
/// assert_eq!(rackplan_units::parse_count("32Ki"), Some(32_768));
/// assert_eq!(rackplan_units::parse_count("1.5"), None);
/// ```
pub fn parse_count(text: &str) -> Option<u64> {
    const SUFFIXES: &[(&str, f64)] = &[
        ("", 1.0),
        ("k", 1e3),
        ("K", 1e3),
        ("M", 1e6),
        ("B", 1e9),
        ("G", 1e9),
        ("T", 1e12),
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
    ];
    let text = text.trim().replace('_', "");
    let (number, suffix) = split(&text);
    let value = number.parse::<f64>().ok()? * factor_of(SUFFIXES, suffix)?;
    // Above 2^53 an f64 no longer holds every whole number.
    (value.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&value)).then_some(value as u64)
}

/// `$1.30/h` and `$3.1M` as `1.30 USD/h` and `3.1 MUSD`.
fn dollars_last(text: &str) -> String {
    let Some(rest) = text.strip_prefix('$') else { return text.to_owned() };
    let (number, unit) = split(rest);
    let (prefix, per) = unit.find('/').map_or((unit, ""), |slash| unit.split_at(slash));
    format!("{number} {prefix}USD{per}")
}

/// Splits a text into its leading number and the rest, both trimmed.
fn split(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let is_number = |at: usize| match bytes[at] {
        b'0'..=b'9' | b'.' | b'+' | b'-' => true,
        // An exponent only counts with digits after it: `1e9 B`, but not the `E` of `1EFLOP`.
        b'e' | b'E' => bytes.get(at + 1).is_some_and(|b| b.is_ascii_digit() || *b == b'-' || *b == b'+'),
        _ => false,
    };
    let end = (0..bytes.len()).find(|&at| !is_number(at)).unwrap_or(bytes.len());
    (text[..end].trim(), text[end..].trim())
}

fn factor_of(units: &[(&str, f64)], unit: &str) -> Option<f64> {
    units.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor)
}

/// The dimension that a unit belongs to, over all quantities.
fn dimension_of(unit: &str) -> Option<&'static str> {
    fn of<Q: Quantity>(unit: &str) -> Option<&'static str> {
        factor_of(Q::UNITS, unit).map(|_| Q::DIMENSION)
    }
    of::<Bytes>(unit)
        .or_else(|| of::<Seconds>(unit))
        .or_else(|| of::<BytesPerSecond>(unit))
        .or_else(|| of::<Flops>(unit))
        .or_else(|| of::<FlopsPerSecond>(unit))
        .or_else(|| of::<Hertz>(unit))
        .or_else(|| of::<Watts>(unit))
        .or_else(|| of::<Joules>(unit))
        .or_else(|| of::<Dollars>(unit))
        .or_else(|| of::<DollarsPerSecond>(unit))
        .or_else(|| of::<DollarsPerJoule>(unit))
}

/// The unit in which a value has the fewest digits before the point, at least one; decimal units only.
fn natural_unit<Q: Quantity>(value: f64) -> (&'static str, f64) {
    let plain = |name: &str| {
        !name.contains(['i', 'b', 'µ', 'μ']) && !name.contains("FLOPS") && !name.contains("OP/s")
    };
    let own = |name: &str| plain(name) || name.ends_with("FLOP/s") || name == "min";
    let fits = Q::UNITS.iter().filter(|(name, factor)| own(name) && value >= *factor);
    let largest = fits.fold(None, |best: Option<(&str, f64)>, &(name, factor)| match best {
        Some((_, held)) if held >= factor => best,
        _ => Some((name, factor)),
    });
    largest.unwrap_or(Q::UNITS[0])
}

/// For people: four significant digits in the natural unit.
pub(crate) fn short<Q: Quantity>(quantity: Q) -> String {
    let value = quantity.base();
    let (unit, factor) = natural_unit::<Q>(value);
    let scaled = value / factor;
    let digits =
        if scaled == 0.0 || !scaled.is_finite() { 0 } else { 3 - scaled.abs().log10().floor() as i32 };
    let text = format!("{scaled:.*}", digits.clamp(0, 6) as usize);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {unit}")
}

/// For files: a text that reads back as the same value.
pub(crate) fn exact<Q: Quantity>(quantity: Q) -> String {
    let (unit, factor) = natural_unit::<Q>(quantity.base());
    let text = format!("{} {unit}", quantity.base() / factor);
    match parse::<Q>(&text) {
        Ok(read) if read.base() == quantity.base() => text,
        _ => format!("{} {}", quantity.base(), Q::UNITS[0].0),
    }
}

/// Reads a quantity from a file, where a bare number is refused.
pub(crate) struct Reader<Q>(PhantomData<Q>);

impl<Q> Reader<Q> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<Q: Quantity> Visitor<'_> for Reader<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, e.g. `{}`", Q::DIMENSION, Q::EXAMPLE)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Q, E> {
        parse(text).map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Q, E> {
        parse(&value.to_string()).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Q, E> {
        parse(&value.to_string()).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Q, E> {
        parse(&value.to_string()).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hand_units_of_the_field() {
        assert_eq!("4.8 TB/s".parse(), Ok(BytesPerSecond::new(4.8e12)));
        assert_eq!("400 Gb/s".parse(), Ok(BytesPerSecond::new(50e9)));
        assert_eq!("400Gbps".parse(), Ok(BytesPerSecond::new(50e9)));
        assert_eq!("1 GiB".parse(), Ok(Bytes::new(1_073_741_824.0)));
        assert_eq!("500ms".parse(), Ok(Seconds::new(0.5)));
        assert_eq!("1e3 W".parse(), Ok(Watts::new(1000.0)));
        assert_eq!("$3.1M".parse(), Ok(Dollars::new(3.1e6)));
        assert_eq!("$3.6/h".parse(), Ok(DollarsPerSecond::new(0.001)));
        assert_eq!("1979 TOP/s".parse(), Ok(FlopsPerSecond::new(1.979e15)));
    }

    #[test]
    fn hand_errors_name_what_was_found_and_what_was_wanted() {
        let message = |text: &str| text.parse::<BytesPerSecond>().unwrap_err().to_string();
        assert_eq!(message("4.8 TB"), "`4.8 TB` is a size; expected a rate, e.g. `4.8 TB/s`");
        assert_eq!(message("4.8"), "`4.8` has no unit; expected a rate, e.g. `4.8 TB/s`");
        assert_eq!(message("fast"), "`fast` does not start with a number; expected a rate, e.g. `4.8 TB/s`");
        assert_eq!(
            message("4 TX/s"),
            "`4 TX/s` has the unknown unit `TX/s`; expected a rate, e.g. `4.8 TB/s`"
        );
        assert!(message("-4 TB/s").contains("at least 0"));
        assert!(message("1e400 TB/s").contains("finite"));
        assert!(message("").contains("empty"));
        assert!(message("NaN TB/s").contains("does not start with a number"));
    }

    #[test]
    fn hand_display_is_short() {
        assert_eq!(BytesPerSecond::new(4.8e12).to_string(), "4.8 TB/s");
        assert_eq!(Bytes::new(0.0).to_string(), "0 B");
        assert_eq!(Seconds::new(1.8e-6).to_string(), "1.8 us");
        assert_eq!(FlopsPerSecond::new(989e12).to_string(), "989 TFLOP/s");
        assert_eq!(Watts::new(10_200.0).to_string(), "10.2 kW");
        assert_eq!(DollarsPerSecond::new(2.21 / 3600.0).to_string(), "2.21 USD/h");
    }

    proptest! {
        #[test]
        fn law_exact_text_reads_back_as_the_same_value(value in 0.0f64..1e20) {
            prop_assert_eq!(exact(Bytes::new(value)).parse::<Bytes>(), Ok(Bytes::new(value)));
            prop_assert_eq!(exact(Seconds::new(value)).parse::<Seconds>(), Ok(Seconds::new(value)));
            let rate = FlopsPerSecond::new(value);
            prop_assert_eq!(exact(rate).parse::<FlopsPerSecond>(), Ok(rate));
        }

        #[test]
        fn law_any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = text.parse::<BytesPerSecond>();
            let _ = text.parse::<Dollars>();
            let _ = parse_count(&text);
        }
    }
}
