//! Formulas as text with their numbers.

use super::terms::{Join, Term, Terms};

/// `GEMM m=64 n=2112 k=7168 fp8: max(2mnk / (P 0.57), bytes / (W 1.05)) + launch + rest = max(1.7, 3.2) + 2.8 + 0.3 = 8 us`.
///
/// `rest` is what the operator's own formula has besides: tiles, waves, chains, splits.
pub(super) fn formula(terms: &Terms, time_us: f64) -> String {
    let (symbols, numbers) =
        (joined(terms, |term| term.symbol.clone()), joined(terms, |term| short(term.us)));
    let rest = time_us - terms.sum_us();
    let shown = rest.abs() >= 0.005 * time_us;
    let (sign, word) = if rest < 0.0 { (" - ", " - overlap") } else { (" + ", " + rest") };
    let (word, rest) =
        if shown { (word.to_owned(), format!("{sign}{}", short(rest.abs()))) } else { <_>::default() };
    format!("{}: {symbols}{word} = {numbers}{rest} = {} us", terms.what, short(time_us))
}

/// A message between pipeline stages.
pub(super) fn send(bytes: f64, time_us: f64) -> String {
    format!("send B={}: message + B / N = {} us", amount(bytes, "B"), short(time_us))
}

/// The work of a formula, then what is fixed, written by `each`.
fn joined(terms: &Terms, each: impl Fn(&Term) -> String) -> String {
    let work: Vec<String> = terms.work.iter().map(&each).collect();
    let work = match (terms.join, work.as_slice()) {
        (Join::Longest, [_, _, ..]) => format!("max({})", work.join(", ")),
        _ => work.join(" + "),
    };
    let fixed = terms.fixed.iter().map(each);
    std::iter::once(work).filter(|work| !work.is_empty()).chain(fixed).collect::<Vec<_>>().join(" + ")
}

/// Three significant digits: `1,234` as `1234`, `12.3`, `0.123`.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        size if size >= 99.95 || size == 0.0 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `917 kB`, `1.97 TFLOP`.
pub(super) fn amount(value: f64, unit: &str) -> String {
    let prefixes = ["", "k", "M", "G", "T", "P"];
    let power = prefixes.iter().enumerate().rev().find(|(power, _)| value >= 1000_f64.powi(*power as i32));
    let (power, prefix) = power.map_or((0, ""), |(power, prefix)| (power as i32, *prefix));
    format!("{} {prefix}{unit}", short(value / 1000_f64.powi(power)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_numbers_in_formulas() {
        assert_eq!([short(1234.4), short(12.34), short(0.1239), short(8.0)], ["1234", "12.3", "0.124", "8"]);
        assert_eq!(amount(917_504.0, "B"), "918 kB");
        assert_eq!(amount(0.0, "B"), "0 B");
    }
}
