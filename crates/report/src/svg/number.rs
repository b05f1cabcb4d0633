//! Numbers as text: SI prefixes, powers of two, percentages. Three significant digits, more only where ticks need them.

/// How the values of an axis or a bar are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `1.2k`, `3.4M`, `63.1 GB`: decimal prefixes.
    #[default]
    Si,
    /// `64`, `512`, `16k`: k and M are 2^10 and 2^20, as batches and contexts are spoken of.
    Binary,
    /// A fraction as `40%`.
    Percent,
    /// A change as `−20%`, `0%`, `+20%`.
    SignedPercent,
}

impl Format {
    /// A value by itself, with its unit where the format leaves room for one.
    pub(super) fn value(self, value: f64, unit: &str) -> String {
        match self {
            Format::Si => quantity(value, unit),
            Format::Binary if unit.is_empty() => binary(value),
            Format::Binary => format!("{} {unit}", binary(value)),
            Format::Percent => percent(value, 0.001),
            Format::SignedPercent => signed_percent(value, 0.001),
        }
    }

    /// A tick among others `step` apart: as many decimals as tell them apart.
    pub(super) fn tick(self, value: f64, step: f64) -> String {
        match self {
            Format::Si => si_with_step(value, step),
            Format::Binary => binary(value),
            Format::Percent => percent(value, step),
            Format::SignedPercent => signed_percent(value, step),
        }
    }
}

const LARGE: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
const SMALL: [&str; 4] = ["", "m", "µ", "n"];

/// Three significant digits and a decimal prefix; below a thousandth as a power of ten.
fn si(value: f64) -> String {
    let (scaled, prefix) = prefixed(value);
    match prefix {
        Some(prefix) => significant(scaled) + prefix,
        None => exponent(value),
    }
}

/// A value with its unit, prefix on the unit: `63.1 GB`, `50 ms`, `1.2k tokens/s`.
fn quantity(value: f64, unit: &str) -> String {
    let takes_prefix = matches!(unit, "B" | "B/s" | "b/s" | "s" | "W" | "J" | "FLOP/s" | "Wh");
    if !takes_prefix {
        return format!("{} {unit}", si(value)).trim_end().to_owned();
    }
    let small = (1..SMALL.len()).find(|power| value.abs() * 1000f64.powi(*power as i32) >= 0.9995);
    if value != 0.0 && value.abs() < 0.9995 {
        return match small {
            Some(power) => {
                format!("{} {}{unit}", significant(value * 1000f64.powi(power as i32)), SMALL[power])
            }
            None => format!("{} {unit}", exponent(value)),
        };
    }
    match prefixed(value) {
        (scaled, Some(prefix)) => format!("{} {prefix}{unit}", significant(scaled)),
        _ => format!("{} {unit}", exponent(value)),
    }
}

/// The value over its prefix; no prefix where it is too large or too small for one.
fn prefixed(value: f64) -> (f64, Option<&'static str>) {
    let size = value.abs();
    if size != 0.0 && size < 0.000_999_5 {
        return (value, None);
    }
    let mut scale = 1.0;
    for prefix in LARGE {
        // 999.6 would print as 1000, so it moves on to the next prefix.
        if size / scale < 999.5 {
            return (value / scale, Some(prefix));
        }
        scale *= 1000.0;
    }
    (value, None)
}

/// Three significant digits, trailing zeros dropped.
fn significant(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        s if s == 0.0 || s >= 99.95 => 0,
        s if s >= 9.995 => 1,
        s if s >= 0.9995 => 2,
        s if s >= 0.09995 => 3,
        s if s >= 0.009_995 => 4,
        _ => 5,
    };
    trimmed(value, decimals)
}

fn si_with_step(value: f64, step: f64) -> String {
    match prefixed(value) {
        (_, None) => exponent(value),
        (scaled, Some(prefix)) => {
            let scale = if scaled == 0.0 { 1.0 } else { value / scaled };
            trimmed(scaled, decimals_for(step / scale)) + prefix
        }
    }
}

/// How many decimals a round step takes: 0.5 takes one, 0.25 two.
fn decimals_for(step: f64) -> usize {
    let whole = |decimals: &usize| {
        let shifted = step.abs() * 10f64.powi(*decimals as i32);
        (shifted - shifted.round()).abs() < 1e-6 * shifted.max(1e-3)
    };
    (0..9).find(whole).unwrap_or(9)
}

/// A power of two as it is spoken of: k is 2^10, M 2^20 and so on; other values with one decimal.
fn binary(value: f64) -> String {
    let mut scaled = value;
    for prefix in &LARGE[..5] {
        if scaled.abs() < 1024.0 {
            return if prefix.is_empty() { si(value) } else { trimmed(scaled, 1) + prefix };
        }
        scaled /= 1024.0;
    }
    exponent(value)
}

fn percent(value: f64, step: f64) -> String {
    let percent = value * 100.0;
    if percent.abs() >= 1e6 { si(percent) + "%" } else { trimmed(percent, decimals_for(step * 100.0)) + "%" }
}

fn signed_percent(value: f64, step: f64) -> String {
    let plain = percent(value, step);
    if value > 0.0 && plain != "0%" { format!("+{plain}") } else { plain }
}

/// Fixed decimals without trailing zeros, with a true minus sign.
fn trimmed(value: f64, decimals: usize) -> String {
    let fixed = format!("{value:.decimals$}");
    let short = if fixed.contains('.') { fixed.trim_end_matches('0').trim_end_matches('.') } else { &fixed };
    if short == "-0" { "0".to_owned() } else { short.replace('-', "−") }
}

fn exponent(value: f64) -> String {
    format!("{value:.1e}").replace(".0e", "e").replace('-', "−")
}

/// A count with its thousands apart: `1,512`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_si_numbers() {
        let cases = [
            (0.0, "0"),
            (1.0, "1"),
            (999.6, "1k"),
            (1234.0, "1.23k"),
            (3.4e6, "3.4M"),
            (85_760.1, "85.8k"),
            (0.05, "0.05"),
            (1e-5, "1e−5"),
            (-2500.0, "−2.5k"),
            (1e30, "1e30"),
        ];
        for (value, shown) in cases {
            assert_eq!(si(value), shown);
        }
    }

    #[test]
    fn hand_quantities_put_the_prefix_on_the_unit() {
        assert_eq!(quantity(63.07e9, "B"), "63.1 GB");
        assert_eq!(quantity(0.05, "s"), "50 ms");
        assert_eq!(quantity(0.9999, "s"), "1 s");
        assert_eq!(quantity(0.0, "B/s"), "0 B/s");
        assert_eq!(quantity(1234.0, "tokens/s"), "1.23k tokens/s");
    }

    #[test]
    fn hand_ticks_keep_the_decimals_that_tell_them_apart() {
        assert_eq!(Format::Si.tick(100_020.0, 20.0), "100.02k");
        assert_eq!(Format::Si.tick(1500.0, 500.0), "1.5k");
        assert_eq!(Format::Si.tick(2500.0, 2500.0), "2.5k");
        assert_eq!(Format::Percent.tick(0.4, 0.2), "40%");
        assert_eq!(Format::Percent.tick(0.025, 0.005), "2.5%");
        assert_eq!(Format::SignedPercent.tick(-0.2, 0.1), "−20%");
        assert_eq!(Format::SignedPercent.tick(0.1, 0.1), "+10%");
        assert_eq!(Format::SignedPercent.tick(0.0, 0.1), "0%");
    }

    #[test]
    fn hand_binary_and_grouped() {
        let shown: Vec<String> = [1.0, 512.0, 1024.0, 131_072.0].iter().map(|v| binary(*v)).collect();
        assert_eq!(shown, ["1", "512", "1k", "128k"]);
        assert_eq!([grouped(7), grouped(1512), grouped(1_000_000)], ["7", "1,512", "1,000,000"]);
    }
}
