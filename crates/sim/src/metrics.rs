//! What a client saw and what the engine did.

use crate::Refusal;
use crate::rank::Rank;
use crate::request::Request;
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
    /// The most tokens in the cache of a rank, with what is lost in last blocks.
    pub kv_peak: f64,
    /// Requests in the order in which they were sent, if asked for.
    pub rows: Vec<Row>,
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Prompt tokens.
    pub isl: u32,
    /// Answer tokens.
    pub osl: u32,
    /// When it was sent.
    pub sent: Seconds,
    /// Time to first token; none if refused.
    pub ttft: Option<Seconds>,
    /// Time to last token; none if refused.
    pub e2e: Option<Seconds>,
    /// How often it lost its cache.
    pub preemptions: u32,
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
        values.sort_unstable_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |share: f64| {
            let rank = share * last as f64;
            let (low, high) = (values[rank.floor() as usize], values[rank.ceil() as usize]);
            Seconds::new(low + (high - low) * rank.fract())
        };
        let mean = Seconds::new(values.iter().sum::<f64>() / values.len() as f64);
        Some(Self { mean, p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99) })
    }
}

/// What is counted while playing.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    steps: u64,
    decode_steps: u64,
    decodes: f64,
    refused: BTreeMap<Refusal, u32>,
}

impl Tally {
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        *self.refused.entry(refusal).or_default() += 1;
    }

    /// Counts steps that are about to end.
    pub(crate) fn steps(&mut self, steps: u64, ranks: &[Rank]) {
        self.steps += steps;
        let decodes: u32 = ranks.iter().filter(|rank| rank.decodes_run).map(|rank| rank.decodes).sum();
        if decodes > 0 {
            self.decode_steps += steps;
            self.decodes += f64::from(decodes) * steps as f64;
        }
    }

    pub(crate) fn result(self, requests: &[Request], ranks: &[Rank], rows: bool) -> Played {
        let answered = || requests.iter().filter_map(|r| Some((r, r.first? - r.sent, r.last? - r.sent)));
        let duration = requests.iter().filter_map(|request| request.last).fold(0.0, f64::max);
        let per_second = |amount: f64| if duration > 0.0 { amount / duration } else { 0.0 };
        let finished = answered().count();
        let output: f64 = answered().map(|(request, ..)| f64::from(request.output)).sum();
        let input: f64 = answered().map(|(request, ..)| f64::from(request.input)).sum();
        Played {
            requests: requests.len() as u32,
            finished: finished as u32,
            refused: self.refused,
            ttft: Summary::of(answered().map(|(_, ttft, _)| ttft).collect()),
            tpot: Summary::of(answered().filter_map(tpot).collect()),
            e2e: Summary::of(answered().map(|(.., e2e)| e2e).collect()),
            duration: Seconds::new(duration),
            output_tokens_per_second: per_second(output),
            total_tokens_per_second: per_second(output + input),
            requests_per_second: per_second(finished as f64),
            decode_batch_mean: self.decodes / self.decode_steps.max(1) as f64,
            steps: self.steps,
            preemptions: ranks.iter().map(|rank| rank.taken_back).sum(),
            kv_peak: ranks.iter().map(|rank| rank.kv_peak).fold(0.0, f64::max),
            rows: if rows { requests.iter().map(row).collect() } else { Vec::new() },
        }
    }
}

fn tpot((request, ttft, e2e): (&Request, f64, f64)) -> Option<f64> {
    (request.output > 1).then(|| (e2e - ttft) / f64::from(request.output - 1))
}

fn row(request: &Request) -> Row {
    let since = |time: Option<f64>| time.map(|time| Seconds::new(time - request.sent));
    Row {
        isl: request.input,
        osl: request.output,
        sent: Seconds::new(request.sent),
        ttft: since(request.first),
        e2e: since(request.last),
        preemptions: request.taken_back,
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
