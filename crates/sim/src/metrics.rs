//! What a client saw and what the engine did.

use crate::Refusal;
use rackplan_units::Seconds;
use std::collections::BTreeMap;

/// What came of a workload. Times are the client's.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// Requests sent.
    pub requests: u32,
    /// Requests answered to their last token.
    pub finished: u32,
    /// Requests that can never be served, by reason.
    pub refused: BTreeMap<Refusal, u32>,
    /// Time to first token; none if nothing finished.
    pub ttft: Option<Summary>,
    /// Time per output token of a request, (e2e - ttft)/(osl - 1); none if no answer had two tokens.
    pub tpot: Option<Summary>,
    /// Time from sending to the last token.
    pub e2e: Option<Summary>,
    /// From the start to the last token of all.
    pub duration: Seconds,
    /// Tokens generated per second, over the duration.
    pub output_tokens_per_second: f64,
    /// Tokens generated and prompt tokens per second.
    pub total_tokens_per_second: f64,
    /// Requests answered per second.
    pub requests_per_second: f64,
    /// Sequences that generate in a step that decodes, over all ranks.
    pub decode_batch_mean: f64,
    /// Steps of the engine.
    pub steps: u64,
    /// How often a request lost its cache to make room.
    pub preemptions: u32,
    /// The most tokens in the cache of a rank, in whole blocks.
    pub kv_peak: f64,
    /// Requests in the order in which they were sent, if asked for.
    pub rows: Vec<Row>,
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Its place in the order of sending.
    pub number: u64,
    /// Prompt tokens.
    pub isl: u32,
    /// Answer tokens.
    pub osl: u32,
    /// Priority class.
    pub class: u16,
    /// Conversation, if it belongs to one, and its turn in it.
    pub session: Option<u32>,
    /// Turn of the conversation, from 0 on.
    pub turn: u32,
    /// Where it was answered.
    pub replica: u32,
    /// When it was sent.
    pub sent: Seconds,
    /// Time until it was let in; none if refused.
    pub queueing: Option<Seconds>,
    /// Time to first token; none if refused.
    pub ttft: Option<Seconds>,
    /// Time to last token; none if refused.
    pub e2e: Option<Seconds>,
    /// Prompt tokens found in caches.
    pub hit_tokens: u32,
    /// How often it lost its cache.
    pub preemptions: u32,
    /// How often it was sent again because its replica failed.
    pub retries: u16,
}

impl Row {
    /// Time per output token, (e2e - ttft)/(osl - 1); none for a single token.
    pub fn tpot(&self) -> Option<Seconds> {
        let (ttft, e2e) = (self.ttft?, self.e2e?);
        (self.osl > 1).then(|| Seconds::new((e2e - ttft).get() / f64::from(self.osl - 1)))
    }
}

/// Mean and percentiles (linear between ranks) over requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Mean.
    pub mean: Seconds,
    /// Median.
    pub p50: Seconds,
    /// 90th percentile.
    pub p90: Seconds,
    /// 95th percentile.
    pub p95: Seconds,
    /// 99th percentile.
    pub p99: Seconds,
}

impl Summary {
    /// Of values in any order; none of none.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let mean = Seconds::new(values.iter().sum::<f64>() / values.len() as f64);
        let mut rest = Rest { values: &mut values, before: 0 };
        let mut at = |share: f64| Seconds::new(rest.percentile(share));
        Some(Self { mean, p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99) })
    }
}

/// Values of which so many smaller ones have been set aside: percentiles are asked for in rising order.
struct Rest<'a> {
    values: &'a mut [f64],
    before: usize,
}

impl Rest<'_> {
    fn percentile(&mut self, share: f64) -> f64 {
        let place = share * (self.before + self.values.len() - 1) as f64;
        let below = place.floor() as usize - self.before;
        let (_, &mut low, above) = self.values.select_nth_unstable_by(below, f64::total_cmp);
        let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
        self.before += below;
        self.values = &mut std::mem::take(&mut self.values)[below..];
        low + (next - low) * place.fract()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_percentiles_are_linear_between_ranks() {
        let summary = Summary::of((0..=10).rev().map(f64::from).collect()).expect("eleven values");
        assert_eq!((summary.mean.get(), summary.p50.get(), summary.p90.get()), (5.0, 5.0, 9.0));
        assert_eq!((summary.p95.get(), summary.p99.get()), (9.5, 9.9));
        assert_eq!(Summary::of(vec![]), None);
    }
}
