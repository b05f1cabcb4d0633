//! Steps that are replayed from captured graphs are padded to the next captured size.

use rackplan_catalog::{CapturedBy, CapturedSizes, Catalog, Execution, Framework};

/// Counts that are padded to multiples of one number.
#[derive(Clone, Copy, Debug)]
struct Range {
    from: f64,
    up_to: f64,
    every: f64,
    /// The integral of the next captured size from 0 to where this begins.
    before: f64,
}

/// The graphs that a framework captures.
#[derive(Clone, Debug, Default)]
pub struct Graphs {
    /// None where nothing is padded.
    captured: Option<(CapturedBy, Vec<Range>)>,
    /// Whether counts are means of what scatters.
    scatter: bool,
}

impl Graphs {
    /// Of a framework, by its catalog id; none where the catalog lacks it.
    pub(crate) fn of(catalog: &Catalog, framework: &str) -> Self {
        catalog
            .get::<Framework>(framework)
            .map_or_else(|_| Self::default(), |entry| entry.record.execution.into())
    }

    /// The same for counts that are means of what scatters, so that padding is one too.
    pub(crate) fn scattered(self) -> Self {
        Self { scatter: true, ..self }
    }

    /// Positions that pass the layers of a step with `each` positions of so many sequences that generate, and so many
    /// tokens of prompts.
    ///
    /// Attention, and the choice of tokens, do without padding: its positions have no context, and nobody asks for their
    /// tokens.
    pub fn positions(&self, sequences: f64, each: f64, prompt_tokens: f64) -> f64 {
        let padded = if self.scatter { padded_in_the_mean } else { padded };
        match &self.captured {
            Some((CapturedBy::Sequences, sizes)) if prompt_tokens == 0.0 => padded(sequences, sizes) * each,
            Some((CapturedBy::Tokens, sizes)) => padded(sequences * each + prompt_tokens, sizes),
            _ => sequences * each + prompt_tokens,
        }
    }
}

impl From<Execution> for Graphs {
    fn from(execution: Execution) -> Self {
        Self { captured: Some((execution.captured_by, ranges(&execution.captured))), scatter: false }
    }
}

fn ranges(captured: &[CapturedSizes]) -> Vec<Range> {
    let (mut from, mut before) = (0.0, 0.0);
    let range = |sizes: &CapturedSizes| {
        let range = Range { from, up_to: sizes.up_to.into(), every: sizes.every.into(), before };
        (from, before) = (range.up_to, before + range.padded_up_to(range.up_to));
        range
    };
    captured.iter().map(range).collect()
}

/// The next captured size; the count itself beyond the last. A mean count, which is seldom whole, lies between what the
/// whole numbers around it are padded to.
fn padded(count: f64, ranges: &[Range]) -> f64 {
    let low = count.floor();
    let [at, after] = [low, low + 1.0].map(|whole| next(whole, ranges));
    at + (after - at) * (count - low)
}

fn next(count: f64, ranges: &[Range]) -> f64 {
    let range = ranges.iter().find(|range| count <= range.up_to);
    range.map_or(count, |range| (count / range.every).ceil() * range.every)
}

/// The mean of what counts around a mean are padded to, which all count alike from `b - w` to `b + w`. Requests that come
/// by themselves have a variance of their mean, and so w = √(3 b); fewer than one are no step.
fn padded_in_the_mean(mean: f64, ranges: &[Range]) -> f64 {
    if mean <= 1.0 {
        return mean;
    }
    let wide = (3.0 * mean).sqrt().min(mean - 0.5);
    // A whole number n stands for what lies between n - 1/2 and n + 1/2.
    let up_to = |end: f64| padded_up_to(end - 0.5, ranges);
    (up_to(mean + wide) - up_to(mean - wide)) / (2.0 * wide)
}

/// The integral of the next captured size from 0.
fn padded_up_to(end: f64, ranges: &[Range]) -> f64 {
    if let Some(range) = ranges.iter().find(|range| end <= range.up_to) {
        return range.before + range.padded_up_to(end);
    }
    // Beyond the last a count is its own size, which lies half above what stands for it.
    let of_last = |range: &Range| (range.up_to, range.before + range.padded_up_to(range.up_to));
    let (from, sum) = ranges.last().map_or((0.0, 0.0), of_last);
    sum + (end - from) * (end + from + 1.0) / 2.0
}

impl Range {
    /// The integral of the next multiple from where this begins.
    fn padded_up_to(&self, end: f64) -> f64 {
        let multiples = |end| next_multiples_up_to(end, self.every);
        multiples(end) - multiples(self.from)
    }
}

/// The integral of the next multiple from 0: m whole steps and a part of one, e² m (m + 1)/2 + (x - m e) (m + 1) e.
fn next_multiples_up_to(end: f64, every: f64) -> f64 {
    let whole = (end / every).floor();
    every * every * whole * (whole + 1.0) / 2.0 + (end - whole * every) * (whole + 1.0) * every
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn graphs(by: CapturedBy) -> Graphs {
        let sizes = |up_to, every| CapturedSizes { up_to, every };
        Graphs { captured: Some((by, ranges(&[sizes(2, 1), sizes(8, 4), sizes(256, 8)]))), scatter: false }
    }

    #[test]
    fn hand_steps_are_padded_to_the_next_size() {
        let tokens = graphs(CapturedBy::Tokens);
        let padded = [1.0, 2.0, 3.0, 5.0, 9.0, 250.0, 257.0].map(|count| tokens.positions(count, 1.0, 0.0));
        assert_eq!(padded, [1.0, 2.0, 4.0, 8.0, 16.0, 256.0, 257.0]);
        // 8 are 8 and 9 are 16.
        assert_eq!(tokens.positions(8.25, 1.0, 0.0), 10.0);
        // Three of three tokens, and a piece of a prompt.
        assert_eq!(tokens.positions(3.0, 3.0, 0.0), 16.0);
        assert_eq!(tokens.positions(3.0, 1.0, 30.0), 40.0);
    }

    #[test]
    fn hand_padding_in_the_mean() {
        let scattered = graphs(CapturedBy::Tokens).scattered();
        // From 6 to 18: 6, of which half is within, 7 and 8 are 8, 9 to 16 are 16, 17 and half of 18 are 24.
        assert_eq!(scattered.positions(12.0, 1.0, 0.0), (2.5 * 8.0 + 8.0 * 16.0 + 1.5 * 24.0) / 12.0);
        assert_eq!(scattered.positions(0.5, 1.0, 0.0), 0.5);
        assert!((scattered.positions(1000.0, 1.0, 0.0) - 1000.0).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn law_padding_in_the_mean_is_the_mean_of_padding(mean in 2_u32..200) {
            let (exact, scattered) = (graphs(CapturedBy::Tokens), graphs(CapturedBy::Tokens).scattered());
            let wide = (3.0 * f64::from(mean)).sqrt().min(f64::from(mean) - 0.5);
            let steps = 20_000;
            let at = |step: u32| f64::from(mean) - wide + 2.0 * wide * (f64::from(step) + 0.5) / f64::from(steps);
            let sum: f64 = (0..steps).map(|step| exact.positions(at(step).round(), 1.0, 0.0)).sum();
            let found = scattered.positions(f64::from(mean), 1.0, 0.0);
            prop_assert!((found / (sum / f64::from(steps)) - 1.0).abs() < 1e-3, "{} {}", found, sum);
        }

        #[test]
        fn law_more_sequences_are_never_padded_to_less(count in 0.0..600.0_f64, more in 0.0..10.0_f64) {
            for graphs in [graphs(CapturedBy::Tokens), graphs(CapturedBy::Tokens).scattered()] {
                let at = |count| graphs.positions(count, 1.0, 0.0);
                prop_assert!(at(count + more) >= at(count) - 1e-9 && at(count) >= count - 0.01);
            }
        }
    }

    #[test]
    fn hand_graphs_of_sequences_hold_no_prompts() {
        let sequences = graphs(CapturedBy::Sequences);
        assert_eq!(sequences.positions(3.0, 3.0, 0.0), 12.0);
        assert_eq!(sequences.positions(3.0, 1.0, 30.0), 33.0);
        assert_eq!(Graphs::default().positions(3.0, 1.0, 30.0), 33.0);
    }
}
