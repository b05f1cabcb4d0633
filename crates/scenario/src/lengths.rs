//! Lengths of prompts and answers as people write them: a number, or a law with its mean and 95th percentile.

use crate::value::{Count, Written, schema_of};
use rackplan_units::parse_count;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// How long prompts or answers are, in tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    /// All the same.
    Fixed(Count),
    /// Log-normal.
    LogNormal {
        /// Mean.
        mean: Count,
        /// 95th percentile.
        p95: Count,
    },
}

/// The 95th percentile of the standard normal law.
const Z95: f64 = 1.644_853_626_951_472_7;

impl Length {
    /// Mean, in tokens.
    pub fn mean(&self) -> Count {
        match self {
            Self::Fixed(tokens) | Self::LogNormal { mean: tokens, .. } => *tokens,
        }
    }

    /// Standard deviation of the logarithm: ln(p95/mean) = z σ - σ²/2 has the smaller root
    /// σ = z - sqrt(z² - 2 ln(p95/mean)); 0 where all are the same.
    pub fn sigma(&self) -> f64 {
        match self {
            Self::Fixed(_) => 0.0,
            Self::LogNormal { mean, p95 } => {
                let ratio = (p95.0 as f64 / mean.0 as f64).ln();
                Z95 - (Z95 * Z95 - 2.0 * ratio).max(0.0).sqrt()
            }
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(tokens) => tokens.fmt(f),
            Self::LogNormal { mean, p95 } => write!(f, "lognormal:mean={mean},p95={p95}"),
        }
    }
}

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(tokens) => tokens.serialize(serializer),
            Self::LogNormal { .. } => serializer.collect_str(self),
        }
    }
}

schema_of!("Length", Length, {
    "description": "Tokens, or `lognormal:mean=4000,p95=12000`.",
    "type": ["integer", "string"],
    "minimum": 0
});

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a whole number, e.g. `4000`, or a law, e.g. `lognormal:mean=4000,p95=12000`";
        let text = deserializer.deserialize_any(Written(expected))?;
        match text.trim().strip_prefix("lognormal:") {
            Some(law) => {
                let problem = || de::Error::custom(format!("`{text}` is no law of lengths; expected {LAW}"));
                log_normal(law).ok_or_else(problem)
            }
            None => Count::deserialize(de::value::StringDeserializer::new(text)).map(Length::Fixed),
        }
    }
}

/// What a law looks like.
const LAW: &str = "e.g. `lognormal:mean=4000,p95=12000`, with a p95 above the mean and at most 3.8 times it";

/// The largest ratio of p95 to mean that a log-normal law has: exp(z²/2).
const WIDEST: f64 = 3.86;

fn log_normal(law: &str) -> Option<Length> {
    let (mut mean, mut p95) = (None, None);
    for part in law.split(',') {
        match part.trim().split_once('=')? {
            ("mean", tokens) => mean = Some(parse_count(tokens)?),
            ("p95", tokens) => p95 = Some(parse_count(tokens)?),
            _ => return None,
        }
    }
    let (mean, p95) = (mean.filter(|mean| *mean > 0)?, p95?);
    let ratio = p95 as f64 / mean as f64;
    (1.0..WIDEST).contains(&ratio).then_some(Length::LogNormal { mean: Count(mean), p95: Count(p95) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Length> {
        let deserializer = de::value::StrDeserializer::<de::value::Error>::new(text);
        Length::deserialize(deserializer).ok()
    }

    #[test]
    fn hand_numbers_and_laws() {
        assert_eq!(read("4k"), Some(Length::Fixed(Count(4000))));
        let law = read("lognormal:mean=4000,p95=12000").expect("it is a law");
        assert_eq!((law.mean(), law.to_string().as_str()), (Count(4000), "lognormal:mean=4000,p95=12000"));
        // A law with this sigma has its 95th percentile three times above its mean: exp(z σ - σ²/2) = 3.
        let sigma = law.sigma();
        assert!(((Z95 * sigma - sigma * sigma / 2.0).exp() - 3.0).abs() < 1e-9, "{sigma}");
        let wrong =
            ["lognormal:mean=4000", "lognormal:mean=4000,p95=1000", "lognormal:mean=1,p95=100", "gauss:1"];
        assert!(wrong.iter().all(|text| read(text).is_none()));
        assert_eq!(Length::Fixed(Count(7)).sigma(), 0.0);
    }
}
