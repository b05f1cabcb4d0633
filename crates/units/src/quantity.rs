//! The newtypes. Their text form is in `text`, their products in `relation`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A physical or monetary quantity held in its SI base unit.
pub trait Quantity: Copy + 'static {
    /// What it measures, for messages: "a size", "a rate".
    const DIMENSION: &'static str;
    /// A correct value, for hints.
    const EXAMPLE: &'static str;
    /// Spellings and their factor to the base unit, the base unit first.
    const UNITS: &'static [(&'static str, f64)];
    /// From a value in the base unit.
    fn from_base(value: f64) -> Self;
    /// The value in the base unit.
    fn base(self) -> f64;
}

macro_rules! quantity {
    ($($(#[$doc:meta])* $name:ident: $dimension:literal, $example:literal, [$($unit:literal = $factor:expr),+ $(,)?];)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
        pub struct $name(f64);

        impl $name {
            /// From a value in the base unit.
            pub const fn new(value: f64) -> Self {
                Self(value)
            }

            /// The value in the base unit.
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl Quantity for $name {
            const DIMENSION: &'static str = $dimension;
            const EXAMPLE: &'static str = $example;
            const UNITS: &'static [(&'static str, f64)] = &[$(($unit, $factor)),+];
            fn from_base(value: f64) -> Self {
                Self(value)
            }
            fn base(self) -> f64 {
                self.0
            }
        }

        impl std::ops::Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }
        impl std::ops::Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }
        impl std::ops::Mul<f64> for $name {
            type Output = Self;
            fn mul(self, factor: f64) -> Self {
                Self(self.0 * factor)
            }
        }
        impl std::ops::Div<f64> for $name {
            type Output = Self;
            fn div(self, divisor: f64) -> Self {
                Self(self.0 / divisor)
            }
        }
        impl std::ops::Div for $name {
            type Output = f64;
            fn div(self, other: Self) -> f64 {
                self.0 / other.0
            }
        }
        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                Self(items.map(|q| q.0).sum())
            }
        }
        impl std::str::FromStr for $name {
            type Err = crate::ParseError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                crate::text::parse(text)
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&crate::text::short(*self))
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&crate::text::exact(*self))
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(crate::text::Reader::new())
            }
        }
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "description": concat!("Text with a unit: ", $dimension, ", e.g. `", $example, "`."),
                    "examples": [$example],
                })
            }
        }
    )+};
}

quantity! {
    /// A size in memory or on a wire, in bytes. `GB` is 10^9, `GiB` is 2^30, `Gb` is a gigabit.
    Bytes: "a size", "192 GB", [
        "B" = 1.0, "kB" = 1e3, "KB" = 1e3, "MB" = 1e6, "GB" = 1e9, "TB" = 1e12, "PB" = 1e15,
        "KiB" = 1024.0, "MiB" = 1_048_576.0, "GiB" = 1_073_741_824.0, "TiB" = 1_099_511_627_776.0,
        "Mb" = 1e6 / 8.0, "Gb" = 1e9 / 8.0, "Tb" = 1e12 / 8.0,
    ];
    /// A span of time, in seconds.
    Seconds: "a time", "1.8 us", [
        "s" = 1.0, "ns" = 1e-9, "us" = 1e-6, "µs" = 1e-6, "μs" = 1e-6, "ms" = 1e-3,
        "min" = 60.0, "h" = 3600.0, "d" = 86_400.0,
    ];
    /// A transfer rate in one direction, in bytes per second.
    BytesPerSecond: "a rate", "4.8 TB/s", [
        "B/s" = 1.0, "kB/s" = 1e3, "MB/s" = 1e6, "GB/s" = 1e9, "TB/s" = 1e12, "PB/s" = 1e15,
        "MiB/s" = 1_048_576.0, "GiB/s" = 1_073_741_824.0, "TiB/s" = 1_099_511_627_776.0,
        "Mb/s" = 1e6 / 8.0, "Gb/s" = 1e9 / 8.0, "Tb/s" = 1e12 / 8.0,
        "Mbps" = 1e6 / 8.0, "Gbps" = 1e9 / 8.0, "Tbps" = 1e12 / 8.0,
    ];
    /// An amount of arithmetic, in floating-point (or integer) operations.
    Flops: "an amount of arithmetic", "2.4 TFLOP", [
        "FLOP" = 1.0, "kFLOP" = 1e3, "MFLOP" = 1e6, "GFLOP" = 1e9, "TFLOP" = 1e12, "PFLOP" = 1e15, "EFLOP" = 1e18,
    ];
    /// A rate of arithmetic, in floating-point (or integer) operations per second.
    FlopsPerSecond: "a rate of arithmetic", "989 TFLOP/s", [
        "FLOP/s" = 1.0, "MFLOP/s" = 1e6, "GFLOP/s" = 1e9, "TFLOP/s" = 1e12, "PFLOP/s" = 1e15, "EFLOP/s" = 1e18,
        "TFLOPS" = 1e12, "PFLOPS" = 1e15, "OP/s" = 1.0, "TOP/s" = 1e12, "POP/s" = 1e15, "TOPS" = 1e12,
    ];
    /// A frequency, in hertz.
    Hertz: "a frequency", "1.98 GHz", ["Hz" = 1.0, "kHz" = 1e3, "MHz" = 1e6, "GHz" = 1e9];
    /// Power, in watts.
    Watts: "a power", "10.2 kW", ["W" = 1.0, "mW" = 1e-3, "kW" = 1e3, "MW" = 1e6, "GW" = 1e9];
    /// Energy, in joules.
    Joules: "an energy", "1.5 kWh", [
        "J" = 1.0, "kJ" = 1e3, "MJ" = 1e6, "GJ" = 1e9, "Wh" = 3600.0, "kWh" = 3.6e6, "MWh" = 3.6e9,
    ];
    /// Money, in US dollars.
    Dollars: "an amount of money", "3.1 MUSD", ["USD" = 1.0, "kUSD" = 1e3, "MUSD" = 1e6, "BUSD" = 1e9];
    /// A running cost, in US dollars per second.
    DollarsPerSecond: "a running cost", "2.21 USD/h", [
        "USD/s" = 1.0, "USD/h" = 1.0 / 3600.0, "USD/d" = 1.0 / 86_400.0, "USD/month" = 1.0 / 2_629_800.0,
        "USD/year" = 1.0 / 31_557_600.0,
    ];
    /// A price of energy, in US dollars per joule.
    DollarsPerJoule: "a price of energy", "0.08 USD/kWh", [
        "USD/J" = 1.0, "USD/kWh" = 1.0 / 3.6e6, "USD/MWh" = 1.0 / 3.6e9,
    ];
}

/// For answers: a quantity as a bare number in its base unit, under a key that names the unit (`ttft_p99_s`).
///
/// Use as `#[serde(with = "rackplan_units::si")]`.
pub mod si {
    use super::Quantity;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the value in the base unit; what JSON cannot hold (infinity) becomes null.
    pub fn serialize<Q: Quantity, S: Serializer>(quantity: &Q, serializer: S) -> Result<S::Ok, S::Error> {
        quantity.base().serialize(serializer)
    }

    /// Reads a value in the base unit.
    pub fn deserialize<'de, Q: Quantity, D: Deserializer<'de>>(deserializer: D) -> Result<Q, D::Error> {
        f64::deserialize(deserializer).map(Q::from_base)
    }
}
