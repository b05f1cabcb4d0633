//! What users of one replica see while so many of their requests run: the closed form of the engine player, without its
//! first burst, for requests that come at random.
//!
//! The number of requests that generate is the free variable; arrivals, time per token and time to first token follow
//! from it without iteration.

use crate::{Binds, Population, Request, Scheduler};
use rackplan_perf::{Average, Batch, Compiled};

/// One replica that serves requests of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Replica<'a> {
    /// Its operators.
    pub compiled: &'a Compiled,
    /// Its scheduler.
    pub scheduler: Scheduler,
    /// What it serves.
    pub request: Request,
    /// Attention data-parallel ranks, which share the requests.
    pub ranks: f64,
    /// Sequences that a rank has places for: those of its cache, or of the engine where those are fewer.
    pub places: f64,
    /// Accelerators.
    pub gpus: u32,
    /// A step of one prompt alone, in seconds.
    alone: f64,
}

/// What users see at one load. Times in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Requests that generate, over all ranks, on average.
    pub generating: f64,
    /// Requests answered per second.
    pub requests_per_second: f64,
    /// Time per output token, mean.
    pub tpot: f64,
    /// Time to first token, mean.
    pub ttft: f64,
    /// From the request to its last token, mean.
    pub e2e: f64,
    /// Share of time that prompts take of the engine.
    pub prefill_load: f64,
    /// Share of the prompts' own queue that is busy.
    pub queue_load: f64,
    /// Wait in that queue, mean.
    pub queue_wait: f64,
    /// A step of all decodes.
    pub decode_step: f64,
}

/// Steps that a request waits before it joins one, beside those that scheduling runs ahead; fitted to the player.
const STEPS_BEFORE: f64 = 0.6;
/// The highest load of prefills for which steps are stretched by 1/(1 - load).
const HIGHEST_LOAD: f64 = 0.95;

impl<'a> Replica<'a> {
    /// Asks once for what no load changes.
    pub fn new(
        compiled: &'a Compiled,
        scheduler: Scheduler,
        request: Request,
        (ranks, gpus): (u32, u32),
        cached: f64,
    ) -> Self {
        let places = cached.min(scheduler.max_sequences);
        let alone = compiled.step(&prompt(Batch::default(), &request)).get();
        Self { compiled, scheduler, request, ranks: f64::from(ranks), places, gpus, alone }
    }

    /// What users see while `generating` requests generate on average.
    ///
    /// On each rank, with b = generating / ranks sequences: λ = b / (O tpot) requests come per second; a prompt adds π to
    /// the steps of others, so that tpot = dec(b) + b/O π. Steps of the load r = λπ last s = min(dec/(1 - r), dec + mπ)
    /// with m prompts in a full one. A prompt is tokenised, waits 0.6 steps and those of scheduling ahead, then for the
    /// prompts before it, σ = π + dec/m each (π where decodes rest), an M/D/1 queue: W = ρσ / (2 (1 - ρ)), ρ = λσ.
    /// Source: `specs/ttft.md` (open loop), `sim::closed_form`; agreement with the player under
    /// open loads in `scenario/tests/plan_and_sim.rs`: mean time to first token within 2 % (nine in ten 5 %), mean time per
    /// token 3 % (15 %), 95th percentiles 6 % (10 %) and 7 % (32 %).
    pub fn at(&self, generating: f64) -> Point {
        let (input, output) = (self.request.input, self.request.output);
        let batch = generating / self.ranks;
        let decode = self.decode_step(batch);
        let prompt = self.prompt_time(batch, decode);
        let tpot = decode + batch / output * (prompt + self.others(batch, decode, prompt));
        let rate = batch / (output * tpot);
        let per_step = (self.scheduler.token_budget / input).clamp(1.0, batch.max(1.0));
        let chunks = (input / self.scheduler.token_budget).ceil().max(1.0);
        let rests = self.scheduler.rests_decodes();
        let prefill_load = rate * prompt;
        let stretched = decode / (1.0 - prefill_load.min(HIGHEST_LOAD));
        let step = stretched.min(decode + per_step * prompt);
        let beside = if rests { 0.0 } else { decode * (1.0 / per_step).max(chunks - 1.0) };
        let service = prompt + beside;
        let queue_load = rate * service;
        let queue_wait = wait(queue_load, service);
        let own = if rests { prompt } else { step + prompt + (chunks - 1.0) * decode };
        let before = (STEPS_BEFORE + self.scheduler.ahead) * step;
        let ttft = self.tokenised(rate) + before + queue_wait + own + self.scheduler.first_token;
        Point {
            generating,
            requests_per_second: rate * self.ranks,
            tpot,
            ttft,
            e2e: ttft + (output - 1.0) * tpot,
            prefill_load,
            queue_load,
            queue_wait,
            decode_step: decode,
        }
    }

    /// The same for a percentile of requests, `(ttft, tpot)` in seconds.
    ///
    /// More requests than on average generate beside such a request, as many as `Replica::peak` has, and its steps are
    /// longer: tpot = dec(peak) + peak/O π. Of the queue's waits a share ρ is not zero, and those fall off exponentially:
    /// W_p = W/ρ ln(ρ/(1 - p)).
    pub fn at_percentile(&self, point: &Point, percentile: f64, population: &Population) -> (f64, f64) {
        let peak = self.peak(point, percentile, population).max(point.generating);
        let decode = self.decode_step(peak / self.ranks).max(point.decode_step);
        let prompts = (point.tpot - point.decode_step) * peak / point.generating;
        let (load, wait) = (point.queue_load, point.queue_wait);
        if load >= 1.0 {
            return (f64::INFINITY, decode + prompts);
        }
        let longest =
            if load > 1.0 - percentile { wait / load * (load / (1.0 - percentile)).ln() } else { 0.0 };
        let steps = (1.0 + STEPS_BEFORE + self.scheduler.ahead) * (decode - point.decode_step);
        (point.ttft + (longest - wait).max(0.0) + steps, decode + prompts)
    }

    /// Quantile of the number of requests that generate: normal, with its mean and the variance v b / (1 - r), where v is
    /// [`Population::scatter`] and 1/(1 - r) stands for what more of them slow each other down by prompts.
    fn peak(&self, point: &Point, percentile: f64, population: &Population) -> f64 {
        let slowing = 1.0 - point.prefill_load.min(HIGHEST_LOAD);
        let variance = population.scatter(point.e2e) * point.generating / slowing;
        point.generating + normal_quantile(percentile) * variance.sqrt()
    }

    /// Whether requests have places also when more generate than on average; one always has.
    pub fn has_places(&self, point: &Point, percentile: f64, population: &Population) -> bool {
        point.generating <= 1.0 || self.peak(point, percentile, population) <= self.places * self.ranks
    }

    /// Which places are the fewest.
    pub(crate) fn fewest(&self) -> Binds {
        if self.places < self.scheduler.max_sequences { Binds::Memory } else { Binds::Sequences }
    }

    /// A step in which nobody's prompt runs.
    fn decode_step(&self, batch: f64) -> f64 {
        self.compiled.step(&self.decodes(batch)).get()
    }

    fn decodes(&self, batch: f64) -> Batch {
        Batch::decode(batch.max(1.0), self.request.context())
    }

    /// What a prompt adds to the steps of others; all of its own where decodes rest.
    fn prompt_time(&self, batch: f64, decode: f64) -> f64 {
        if self.scheduler.rests_decodes() || batch <= 1.0 {
            return self.alone;
        }
        let others = Batch { decodes: batch - 1.0, ..self.decodes(batch) };
        (self.step_with_prompt(others, batch) - decode).max(0.0)
    }

    /// What prompts of other ranks add for each prompt, (in_step - 1) (alone - dec), alone on one rank.
    fn others(&self, batch: f64, decode: f64, prompt: f64) -> f64 {
        if self.ranks <= 1.0 {
            return 0.0;
        }
        let alone = self.step_with_prompt(Batch::default(), batch);
        (self.in_step(batch) - 1.0) * (alone - decode).max(0.0).min(prompt)
    }

    /// Steps that carry a prompt of any rank, over those that carry one of this rank's: (1 - (1 - p)^ranks)/p, with
    /// p = b/O the share of the latter.
    fn in_step(&self, batch: f64) -> f64 {
        let share = (batch / self.request.output).clamp(1e-9, 1.0);
        (1.0 - (1.0 - share).powf(self.ranks)) / share
    }

    /// A step of a rank with a prompt beside `others` while ranks generate `batch` sequences each. Of all ranks,
    /// ranks / in_step have a prompt in such a step; experts meet what all of them carry.
    fn step_with_prompt(&self, others: Batch, batch: f64) -> f64 {
        let prompts = 1.0 / self.in_step(batch);
        let average = Average { decodes: batch, prompt_tokens: prompts * self.request.input };
        let average = (self.ranks > 1.0).then_some(average);
        self.compiled.step(&Batch { average, ..prompt(others, &self.request) }).get()
    }

    /// Tokenising, one prompt of the replica after another.
    fn tokenised(&self, rate: f64) -> f64 {
        let each = self.scheduler.tokenise * self.request.input;
        each + wait(rate * self.ranks * each, each)
    }
}

/// A batch with one prompt in it.
fn prompt(batch: Batch, request: &Request) -> Batch {
    Batch { prompts: 1.0, chunk: request.input, prefix: request.prefix, ..batch }
}

/// Mean wait in an M/D/1 queue, ρσ / (2 (1 - ρ)).
fn wait(load: f64, service: f64) -> f64 {
    if load < 1.0 { load * service / (2.0 * (1.0 - load)) } else { f64::INFINITY }
}

/// Quantile of the standard normal law, within 4.5e-4: Abramowitz and Stegun, 26.2.23.
fn normal_quantile(share: f64) -> f64 {
    let tail = share.min(1.0 - share).max(1e-12);
    let t = (-2.0 * tail.ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let z = t - above / below;
    if share < 0.5 { -z } else { z }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_waits_and_quantiles() {
        // Half busy with services of 2 s: 0.5 · 2 / (2 · 0.5) = 1 s.
        assert_eq!(wait(0.5, 2.0), 1.0);
        assert_eq!(wait(1.0, 2.0), f64::INFINITY);
        assert!((normal_quantile(0.95) - 1.6449).abs() < 1e-3 && normal_quantile(0.5).abs() < 1e-3);
    }
}
