//! The products of quantities that mean something.

use crate::{
    Bytes, BytesPerSecond, Dollars, DollarsPerJoule, DollarsPerSecond, Flops, FlopsPerSecond, Joules,
    Seconds, Watts,
};
use std::ops::{Div, Mul};

/// `relation!(A / B = C)` also gives `A / C = B`, `B * C = A` and `C * B = A`.
macro_rules! relation {
    ($whole:ident / $part:ident = $ratio:ident) => {
        impl Div<$part> for $whole {
            type Output = $ratio;
            fn div(self, part: $part) -> $ratio {
                $ratio::new(self.get() / part.get())
            }
        }
        impl Div<$ratio> for $whole {
            type Output = $part;
            fn div(self, ratio: $ratio) -> $part {
                $part::new(self.get() / ratio.get())
            }
        }
        impl Mul<$ratio> for $part {
            type Output = $whole;
            fn mul(self, ratio: $ratio) -> $whole {
                $whole::new(self.get() * ratio.get())
            }
        }
        impl Mul<$part> for $ratio {
            type Output = $whole;
            fn mul(self, part: $part) -> $whole {
                $whole::new(self.get() * part.get())
            }
        }
    };
}

relation!(Bytes / BytesPerSecond = Seconds);
relation!(Flops / FlopsPerSecond = Seconds);
relation!(Joules / Watts = Seconds);
relation!(Dollars / DollarsPerSecond = Seconds);
relation!(Dollars / DollarsPerJoule = Joules);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_streaming_an_h200_takes_29_ms() {
        // 141e9 B / 4.8e12 B/s = 29.375 ms.
        let time = Bytes::new(141e9) / BytesPerSecond::new(4.8e12);
        assert_eq!(time, Seconds::new(0.029_375));
        assert_eq!(BytesPerSecond::new(4.8e12) * time, Bytes::new(141e9));
    }

    #[test]
    fn hand_a_kilowatt_hour_at_eight_cents() {
        // 1 kW for an hour is 3.6 MJ; at 0.08 USD/kWh it costs 0.08 USD.
        let energy = Watts::new(1000.0) * Seconds::new(3600.0);
        let price: DollarsPerJoule = "0.08 USD/kWh".parse().unwrap();
        assert!((energy * price / Dollars::new(0.08) - 1.0).abs() < 1e-12);
    }
}
