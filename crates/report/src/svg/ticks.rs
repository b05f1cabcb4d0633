//! Scales and where their ticks stand: round steps on a linear scale, powers on a logarithmic one.

/// How values are spread over an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScaleKind {
    /// Equal steps for equal differences.
    #[default]
    Linear,
    /// Equal steps for each doubling; values at or below zero have no place.
    Log2,
    /// Equal steps for each power of ten; values at or below zero have no place.
    Log10,
}

/// Beyond this a value is no measurement of anything, and its square would overflow.
const LARGEST: f64 = 1e100;

impl ScaleKind {
    /// Whether a value has a place on such a scale.
    pub(super) fn holds(self, value: f64) -> bool {
        let sized = value.is_finite() && value.abs() <= LARGEST;
        sized && (self == ScaleKind::Linear || value >= 1.0 / LARGEST)
    }

    fn forward(self, value: f64) -> f64 {
        match self {
            ScaleKind::Linear => value,
            ScaleKind::Log2 => value.log2(),
            ScaleKind::Log10 => value.log10(),
        }
    }

    /// The domain, opened up where it is a single value (or so narrow that rounding would eat the ticks).
    pub(super) fn opened(self, low: f64, high: f64) -> (f64, f64) {
        let narrow = match self {
            ScaleKind::Linear => high - low <= low.abs().max(high.abs()).max(1.0 / LARGEST) * 1e-9,
            _ => high / low < 1.000_001,
        };
        match self {
            _ if !narrow => (low, high),
            ScaleKind::Linear if low.abs() < 1e-90 => (0.0, 1.0),
            ScaleKind::Linear => (low - low.abs() * 0.5, high + high.abs() * 0.5),
            ScaleKind::Log2 => (low / 2.0, high * 2.0),
            ScaleKind::Log10 => (low / 10.0, high * 10.0),
        }
    }
}

/// Values to pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    kind: ScaleKind,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// Maps the opened domain `low..high` to the pixels `from..to`.
    pub(super) fn new(kind: ScaleKind, (low, high): (f64, f64), from: f64, to: f64) -> Scale {
        Scale { kind, low: kind.forward(low), high: kind.forward(high), from, to }
    }

    /// Where a value lies; only for values the scale holds.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = (self.kind.forward(value) - self.low) / (self.high - self.low);
        self.from + share * (self.to - self.from)
    }
}

/// Ticks and the step that tells them apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ticks {
    pub(super) values: Vec<f64>,
    pub(super) step: f64,
}

/// About `wanted` ticks within `low..=high`.
pub(super) fn ticks(kind: ScaleKind, low: f64, high: f64, wanted: usize) -> Ticks {
    let wanted = wanted.max(1);
    let powers = match kind {
        ScaleKind::Linear => Vec::new(),
        ScaleKind::Log2 => powers(2.0, low, high, wanted),
        ScaleKind::Log10 => decades(low, high, wanted),
    };
    // Within a doubling or two there are too few powers to read an axis by.
    let wide = kind != ScaleKind::Linear && high / low > 16.0;
    if powers.len() >= 2 || (wide && !powers.is_empty()) {
        return Ticks { step: powers[0], values: powers };
    }
    let mut ticks = linear_ticks(low, high, wanted);
    ticks.values.retain(|value| kind.holds(*value));
    ticks
}

fn linear_ticks(low: f64, high: f64, wanted: usize) -> Ticks {
    let (digit, exponent) = nice_step((high - low) / wanted as f64);
    let step = digit * 10f64.powi(exponent);
    let first = (low / step - 1e-6).ceil() as i64;
    let last = (high / step + 1e-6).floor() as i64;
    let values = (first..=last).take(wanted * 4 + 2).map(|k| {
        let whole = k as f64 * digit;
        // Dividing by a power of ten gives 0.3 where multiplying by a tenth gives 0.30000000000000004.
        if exponent < 0 { whole / 10f64.powi(-exponent) } else { whole * 10f64.powi(exponent) }
    });
    Ticks { values: values.collect(), step }
}

/// The smallest of 1, 2, 2.5, 5 times a power of ten that is not below a rough step.
fn nice_step(rough: f64) -> (f64, i32) {
    let exponent = rough.log10().floor();
    let lead = rough / 10f64.powf(exponent);
    match lead {
        l if l <= 1.0 + 1e-9 => (1.0, exponent as i32),
        l if l <= 2.0 + 1e-9 => (2.0, exponent as i32),
        l if l <= 2.5 + 1e-9 => (2.5, exponent as i32),
        l if l <= 5.0 + 1e-9 => (5.0, exponent as i32),
        _ => (1.0, exponent as i32 + 1),
    }
}

/// A domain from a round value to a round value, for axes that should end on a tick.
pub(super) fn nice_domain(low: f64, high: f64, wanted: usize) -> (f64, f64) {
    let step = linear_ticks(low, high, wanted).step;
    ((low / step + 1e-6).floor() * step, (high / step - 1e-6).ceil() * step)
}

/// Powers of a base within `low..=high`, every n-th where there are more than wanted.
fn powers(base: f64, low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let first = (low.ln() / base.ln() - 1e-9).ceil() as i32;
    let last = (high.ln() / base.ln() + 1e-9).floor() as i32;
    let stride = ((last - first + 1).max(1) as usize).div_ceil(wanted);
    (first..=last).step_by(stride).map(|power| base.powi(power)).collect()
}

/// Powers of ten, and their doubles and halves where few powers lie within.
fn decades(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let whole = powers(10.0, low, high, wanted);
    if whole.len() > 2 || wanted < 4 {
        return whole;
    }
    let first = low.log10().floor() as i32;
    let last = high.log10().ceil() as i32;
    let all = (first..=last).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)));
    let within = |value: &f64| *value >= low * (1.0 - 1e-9) && *value <= high * (1.0 + 1e-9);
    all.filter(within).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_linear_ticks_are_round() {
        assert_eq!(ticks(ScaleKind::Linear, 0.0, 1.0, 5).values, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(ticks(ScaleKind::Linear, -0.2, 0.2, 4).values, [-0.2, -0.1, 0.0, 0.1, 0.2]);
        assert_eq!(ticks(ScaleKind::Linear, 0.0, 1.0, 4).values, [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(nice_domain(0.0, 8300.0, 4), (0.0, 10_000.0));
    }

    #[test]
    fn hand_log_ticks_are_powers() {
        assert_eq!(ticks(ScaleKind::Log2, 1.0, 16.0, 8).values, [1.0, 2.0, 4.0, 8.0, 16.0]);
        assert_eq!(ticks(ScaleKind::Log2, 1.0, 64.0, 4).values, [1.0, 4.0, 16.0, 64.0]);
        assert_eq!(ticks(ScaleKind::Log10, 1.0, 50.0, 8).values, [1.0, 2.0, 5.0, 10.0, 20.0, 50.0]);
        assert!(ticks(ScaleKind::Log2, 48.0, 60.0, 5).values.len() >= 2);
    }

    #[test]
    fn law_a_single_value_gets_room_around_it() {
        for kind in [ScaleKind::Linear, ScaleKind::Log2, ScaleKind::Log10] {
            for value in [1e-90, 1.0, 7.0, 1e90] {
                let (low, high) = kind.opened(value, value);
                assert!(low < high, "{kind:?} {value}");
            }
        }
    }
}
