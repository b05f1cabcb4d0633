//! Numbers for people: thousands apart, four digits at most, the unit beside them.

use rackplan_units::{Bytes, BytesPerSecond, Seconds, Watts};

/// `1,008`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let first = match digits.len() % 3 {
        0 => 3,
        rest => rest,
    };
    let (head, tail) = digits.split_at(first.min(digits.len()));
    let groups = tail.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    std::iter::once(head.to_owned()).chain(groups).collect::<Vec<_>>().join(",")
}

/// `1 rack`, `42 racks`.
pub fn counted(value: u64, one: &str) -> String {
    format!("{} {one}{}", count(value), if value == 1 { "" } else { "s" })
}

/// `154,446`, `12.9`, `0.083`: about four significant digits.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() { "-".to_owned() } else { "inf".to_owned() };
    }
    let size = value.abs();
    if size >= 1e12 {
        return format!("{value:.3e}");
    }
    if size >= 1000.0 {
        let sign = if value < 0.0 { "-" } else { "" };
        return sign.to_owned() + &count(size.round() as u64);
    }
    let decimals = if size >= 100.0 || size == 0.0 {
        0
    } else if size >= 10.0 {
        1
    } else if size >= 0.1 {
        2
    } else {
        4
    };
    trimmed(format!("{value:.decimals$}"))
}

/// `12.9x`.
pub fn times(value: f64) -> String {
    number(value) + "x"
}

/// `6.2 %`.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    match value {
        v if !v.is_finite() => "-".to_owned(),
        v if v > 0.0 && v < 0.05 => "<0.1 %".to_owned(),
        v if v >= 99.95 => number(v) + " %",
        v => format!("{v:.1} %"),
    }
}

/// `27.7 TB`.
pub fn bytes(value: f64) -> String {
    Bytes::new(value).to_string()
}

/// `900 GB/s`.
pub fn rate(value: f64) -> String {
    BytesPerSecond::new(value).to_string()
}

/// `6.51 ms`.
pub fn time(value: f64) -> String {
    Seconds::new(value).to_string()
}

/// `1.06 MW`.
pub fn power(value: f64) -> String {
    Watts::new(value).to_string()
}

/// `$1,114` or `$0.43`.
pub fn dollars(value: f64) -> String {
    if value >= 1000.0 { format!("${}", number(value)) } else { format!("${value:.2}") }
}

fn trimmed(text: String) -> String {
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_numbers() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(number(154_446.4), "154,446");
        assert_eq!(number(12.87), "12.9");
        assert_eq!(number(0.0834), "0.0834");
        assert_eq!(number(f64::INFINITY), "inf");
        assert_eq!(percent(0.062), "6.2 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(18.75), "1,875 %");
        assert_eq!(counted(1, "rack"), "1 rack");
        assert_eq!(counted(42, "rack"), "42 racks");
        assert_eq!(dollars(0.431), "$0.43");
        assert_eq!(dollars(1_113.84), "$1,114");
    }
}
