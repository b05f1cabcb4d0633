//! Points in time as traces write them, exact enough for tenths of microseconds next to dates.

use super::Fault;

/// Seconds since an origin of the trace's own, whole ones and the rest apart, so that dates lose no digits.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Stamp {
    whole: i64,
    part: f64,
}

/// No trace is longer, in seconds (30,000 years).
const FURTHEST: f64 = 1e12;

impl Stamp {
    /// From seconds.
    pub(crate) fn of_seconds(seconds: f64) -> Result<Self, Fault> {
        match seconds.abs() {
            distance if !distance.is_finite() => Err(Fault::NotFinite),
            distance if distance > FURTHEST => Err(Fault::TooLarge),
            _ => Ok(Self { whole: seconds.floor() as i64, part: seconds - seconds.floor() }),
        }
    }

    /// From a date and time of day such as `2024-05-10 00:00:00.009930+00:00`; without an offset it is UTC.
    pub(crate) fn of_date(text: &[u8]) -> Result<Self, Fault> {
        date_time(text).ok_or(Fault::NotATime)
    }

    /// Seconds since another stamp.
    pub(crate) fn since(self, origin: Self) -> f64 {
        (self.whole - origin.whole) as f64 + (self.part - origin.part)
    }
}

fn date_time(text: &[u8]) -> Option<Stamp> {
    if text.len() < 19 || !matches!(text[10], b' ' | b'T' | b't') {
        return None;
    }
    let marks = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if marks.iter().any(|(at, mark)| text[*at] != *mark) {
        return None;
    }
    let days = days(digits(&text[..4])?, digits(&text[5..7])?, digits(&text[8..10])?)?;
    let (hour, minute, second) = (digits(&text[11..13])?, digits(&text[14..16])?, digits(&text[17..19])?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (part, rest) = fraction(&text[19..])?;
    let whole = days * 86_400 + hour * 3600 + minute * 60 + second - offset(rest)?;
    Some(Stamp { whole, part })
}

/// `.9799600` and what follows it; the fraction may be absent.
fn fraction(text: &[u8]) -> Option<(f64, &[u8])> {
    let Some(after) = text.strip_prefix(b".") else { return Some((0.0, text)) };
    let count = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (part, rest) = after.split_at(count);
    // Twelve digits are picoseconds; 10^12 is exact in a float, and the quotient stays below 1.
    let part = &part[..count.min(12)];
    Some((digits(part)? as f64 / 10_f64.powi(part.len() as i32), rest))
}

/// Seconds east of Greenwich in `Z`, `+01:00`, `-0130`, `+01` or nothing.
fn offset(text: &[u8]) -> Option<i64> {
    let (sign, clock) = match text {
        [] | [b'Z' | b'z'] | b" UTC" => return Some(0),
        [b'+', clock @ ..] => (1, clock),
        [b'-', clock @ ..] => (-1, clock),
        _ => return None,
    };
    let (hours, minutes) = match clock.len() {
        2 => (digits(clock)?, 0),
        4 => (digits(&clock[..2])?, digits(&clock[2..])?),
        5 if clock[2] == b':' => (digits(&clock[..2])?, digits(&clock[3..])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// At most 18 decimal digits and nothing else.
fn digits(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

/// Days from 0000-03-01 in the calendar of today: a year that starts in March ends with its leap day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    const BEFORE: [i64; 12] = [306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275];
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let year = if month < 3 { year - 1 } else { year };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    (1..=longest).contains(&day).then(|| year * 365 + leaps + BEFORE[month as usize - 1] + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(from: &str, to: &str) -> f64 {
        Stamp::of_date(to.as_bytes()).unwrap().since(Stamp::of_date(from.as_bytes()).unwrap())
    }

    #[test]
    fn hand_spans_between_dates() {
        // A date's fraction keeps its seventh digit.
        let short = between("2023-11-16 18:17:03.9799600", "2023-11-16 18:17:04.0319601");
        assert!((short - 0.052_000_1).abs() < 1e-12, "{short}");
        // Over midnight and a leap day, over a short February, over a century's leap year, over an offset.
        assert_eq!(between("2024-02-28 23:59:59", "2024-03-01T00:00:00.5Z"), 86_401.5);
        assert_eq!(between("2023-02-28 00:00:00", "2023-03-01 00:00:00"), 86_400.0);
        assert_eq!(between("1999-12-31 00:00:00", "2000-03-01 00:00:00"), 61.0 * 86_400.0);
        assert_eq!(between("2024-05-10 00:00:00.25+00:00", "2024-05-10 02:00:00.25+01:30"), 1800.0);
        assert_eq!(between("1970-01-01 00:00:00", "2024-05-10 00:00:00+00:00"), 1_715_299_200.0);
    }

    #[test]
    fn hand_what_is_no_date() {
        for text in [
            "",
            "2023-11-16",
            "2023-13-01 00:00:00",
            "2023-02-29 00:00:00",
            "2023-11-16 24:00:00",
            "2023-11-16 18:17:03.",
            "2023-11-16 18:17:03 PM",
            "2023-11-16 18:17:03+1",
            "x023-11-16 18:17:03",
        ] {
            assert_eq!(Stamp::of_date(text.as_bytes()), Err(Fault::NotATime), "{text}");
        }
    }

    #[test]
    fn hand_seconds() {
        let stamp = |seconds| Stamp::of_seconds(seconds).unwrap();
        assert_eq!(stamp(-0.25).since(stamp(-1.5)), 1.25);
        assert_eq!(Stamp::of_seconds(f64::NAN), Err(Fault::NotFinite));
        assert_eq!(Stamp::of_seconds(1e300), Err(Fault::TooLarge));
        assert!(stamp(-0.25) > stamp(-0.5) && stamp(-0.25) < stamp(0.0));
    }
}
