//! Mean TTFT and TPOT of a closed loop without playing it, for searches, and where that must not be done.
//!
//! A burst of all clients, then generations of requests that meet the running batch. Random lengths spread the clients
//! over the cycle, so that equal lengths, which keep them in step, have no place here.
//! Source: fitted to the player; figures of agreement in `tests/closed_form.rs`.

mod waits;

use crate::{Chunk, Engine, Load, Policy, Refusal, Step, StepTimes, Workload};
use rackplan_perf::Average;
use rackplan_traffic::Lengths;
use rackplan_units::Seconds;
use waits::Waits;

/// What a closed loop gives on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Time to first token, mean over requests, first burst included.
    pub ttft_mean: Seconds,
    /// Time per output token, mean over requests.
    pub tpot_mean: Seconds,
    /// Requests answered per second.
    pub requests_per_second: f64,
    /// Tokens generated per second.
    pub output_tokens_per_second: f64,
}

/// Why a workload has to be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simulate {
    /// The formulas are of closed loops.
    NotClosedLoop,
    /// Answers are so alike in length that clients stay in step.
    EqualLengths,
    /// The KV cache may hold fewer requests than there are clients.
    KvBound,
    /// Prompts of several attention ranks lengthen each other's steps by much, and how they meet decides by how much.
    RanksInterfere,
    /// Some requests can never be served.
    Refused(Refusal),
}

/// Answers are alike if the width of a uniform law of their deviation is less than this share of the longest.
const ALIKE: f64 = 0.15;
/// Share of the output that counts for whether the cache holds all clients, if the engine reserves less.
const OUTPUT_CACHED: f64 = 0.6;
/// Steps that a request waits before it joins one: what is left of the running one, and with scheduling ahead the one
/// that is scheduled already. Fitted to the player, as is the next.
const STEPS_BEFORE: f64 = 0.6;
/// Share of a full step's prompts that those in a burst wait for the others of their step.
const BURST_STEP: f64 = 0.45;
/// The largest share of the time per token that prompts of other ranks may add.
const INTERFERENCE: f64 = 0.4;
/// The highest load of prefills for which steps are stretched by 1/(1 - load).
const HIGHEST_LOAD: f64 = 0.95;

/// Mean TTFT, TPOT and throughput of a closed loop; or why it must be played.
pub fn closed_form(
    engine: &Engine,
    times: &impl StepTimes,
    workload: &Workload,
) -> Result<Estimate, Simulate> {
    let Load::ClosedLoop { concurrency, requests } = workload.load else {
        return Err(Simulate::NotClosedLoop);
    };
    let engine = engine.checked();
    let clients = f64::from(concurrency.max(1).min(requests.max(1)));
    may_be_used(&engine, workload, clients)?;
    // With fewer clients than ranks, the others idle.
    let ranks = f64::from(engine.ranks).min(clients);
    let shape = Shape::new(&engine, times, workload, ranks, clients / ranks);
    if shape.others() > INTERFERENCE * shape.tpot() {
        return Err(Simulate::RanksInterfere);
    }
    let generations = (f64::from(requests) / clients).round().max(1.0);
    let later: f64 = (1..generations as u32).map(|generation| shape.steady(f64::from(generation))).sum();
    let ttft = (shape.burst() + later) / generations + engine.first_token_overhead.get();
    let (tpot, output) = (shape.tpot(), workload.output.mean());
    let duration = generations * (ttft + (output - 1.0) * tpot) + shape.drain();
    let requests_per_second = clients * generations / duration.max(f64::MIN_POSITIVE);
    Ok(Estimate {
        ttft_mean: Seconds::new(ttft),
        tpot_mean: Seconds::new(tpot),
        requests_per_second,
        output_tokens_per_second: requests_per_second * output,
    })
}

fn may_be_used(engine: &Engine, workload: &Workload, clients: f64) -> Result<(), Simulate> {
    let (input, output) = (&workload.input, &workload.output);
    if let Some(refusal) = engine.refuses(input.longest(), output.longest()) {
        return Err(Simulate::Refused(refusal));
    }
    if clients > 1.0 && width(output) < ALIKE * f64::from(output.longest()) {
        return Err(Simulate::EqualLengths);
    }
    let cached = input.mean() + engine.reserved_output.max(OUTPUT_CACHED) * output.mean();
    let running = (clients / f64::from(engine.ranks)).min(f64::from(engine.max_sequences));
    if running * (cached + engine.block_waste()) > engine.kv_capacity {
        Err(Simulate::KvBound)
    } else {
        Ok(())
    }
}

/// Width of the uniform law with the same deviation, √12 σ.
fn width(lengths: &Lengths) -> f64 {
    12.0_f64.sqrt() * lengths.deviation()
}

/// The quantities that the formulas share, of one attention rank. Times in seconds.
struct Shape {
    engine: Engine,
    /// Clients that run at once, and those beyond the places.
    clients: f64,
    beyond: f64,
    waits: Waits,
    output: f64,
    output_width: f64,
    /// Prompts in a full step.
    per_step: f64,
    /// Tokeniser time of a request.
    tokenise: f64,
    /// A step of all clients' decodes.
    decode: f64,
    /// A step of one prompt alone.
    alone: f64,
    /// The same on one rank while others generate.
    alone_among: f64,
    /// What a prompt adds to the decode steps of others, with those that are gathered with it.
    prompt: f64,
    /// Prompts in the step of one.
    together: f64,
    /// A prompt's part of a full step.
    prompt_in_full: f64,
    /// What decodes that began earlier add to a step of the burst.
    burst_decodes: f64,
    /// Steps of a cycle that carry some rank's prompts, over those that carry one rank's.
    in_step: f64,
}

impl Shape {
    fn new(engine: &Engine, times: &impl StepTimes, workload: &Workload, ranks: f64, clients: f64) -> Self {
        let (input, output) = (workload.input.mean(), workload.output.mean());
        let places = f64::from(engine.max_sequences);
        let running = clients.clamp(1.0, places.max(1.0));
        let one = Chunk { prompts: 1.0, tokens: input, prefix: 0.0 };
        let rests = engine.policy.rests_decodes();
        let per_step = prompts_per_step(engine, input).clamp(1.0, running);
        let decode = times.step(running, input + output / 2.0, &[]);
        let alone = times.step(0.0, 0.0, &[one]);
        let coming = running * engine.tokens_per_step / output;
        let waits = Waits::new(engine, coming, (running, ranks), input);
        let together = (1.0 + waits.gathered).min(per_step);
        let group = Chunk { prompts: together, ..one };
        let average = Some(Average {
            decodes: running,
            prompt_tokens: prompting(ranks, coming) * together * input / ranks,
        });
        let prompt = if rests {
            times.step(0.0, 0.0, &[group])
        } else {
            let others = (running - 1.0).max(0.0);
            times.time(&Step { average, ..Step::even(others, input + output / 2.0, &[group]) }) - decode
        };
        let full = times.step(0.0, 0.0, &[Chunk { prompts: per_step, ..one }]);
        let burst = times.step((running / 2.0).max(1.0), input, &[]) - times.step(1.0, input, &[]);
        Self {
            engine: *engine,
            clients: running,
            beyond: (clients - places).max(0.0),
            waits,
            output,
            output_width: width(&workload.output),
            per_step,
            tokenise: engine.tokenise_per_token.get() * input,
            decode,
            alone,
            alone_among: times.time(&Step { average, ..Step::even(0.0, 0.0, &[one]) }),
            prompt: prompt / together,
            together,
            prompt_in_full: full / per_step,
            burst_decodes: if rests { 0.0 } else { burst.max(0.0) },
            in_step: in_step(ranks, coming),
        }
    }

    /// burst = a + alone + (c - 1)/2 max(pm + hb/m, a ranks) + [m > 1] 0.45 min(m, c) pm
    fn burst(&self) -> f64 {
        let each = self.prompt_in_full + self.burst_decodes / self.per_step;
        let tokenise = self.tokenise * f64::from(self.engine.ranks) / f64::from(self.engine.front_ends);
        let each = each.max(tokenise);
        let shared = if self.per_step > 1.0 { BURST_STEP * self.per_step * self.prompt_in_full } else { 0.0 };
        self.tokenise + self.alone + (self.clients - 1.0) / 2.0 * each + shared + self.over()
    }

    /// tpot = dec / k + c/O pi + others, with k the tokens per step.
    fn tpot(&self) -> f64 {
        self.decode / self.engine.tokens_per_step + self.clients / self.output * self.prompt + self.others()
    }

    /// What prompts of other ranks add to the time per token: c/O (in_step - 1) (alone - dec), alone on one rank.
    fn others(&self) -> f64 {
        let beside = (self.alone_among - self.decode).max(0.0).min(self.prompt);
        self.clients / self.output * (self.in_step - 1.0) * beside
    }

    /// A later request, `generation` rounds after the burst.
    fn steady(&self, generation: f64) -> f64 {
        let (clients, prompt) = (self.clients, self.prompt);
        let cycle = self.output * self.tpot();
        let burst = clients * self.prompt_in_full;
        let spread = burst.powi(2) + generation * (self.output_width * self.tpot()).powi(2);
        let window = cycle.min(spread.sqrt());
        let load = clients * prompt / window;
        let step = (self.decode / (1.0 - load.min(HIGHEST_LOAD))).min(self.decode + self.per_step * prompt);
        let rests = self.engine.policy == Policy::PromptsFirst;
        let group = self.together * prompt;
        let own = if rests { group * (1.0 + 0.5 * load.min(2.0)) } else { step + group };
        let beside = if rests { 0.0 } else { self.decode / (2.0 * self.per_step) };
        let backlog = ((clients * (prompt + beside) - window) / 2.0).max(0.0);
        let before = STEPS_BEFORE + f64::from(u8::from(self.engine.schedules_ahead));
        self.tokenise + before * step + own + backlog + self.wait() + self.over()
    }

    /// How much longer than a mean answer the last of the clients runs on, when no request is left to send.
    ///
    /// The longest of c residuals of answers of uniform length up to M is about M (1 - 0.9/√c).
    fn drain(&self) -> f64 {
        let longest = self.output + self.output_width / 2.0;
        let tokens = longest * (1.0 - 0.9 / self.clients.sqrt()) - self.output;
        tokens.max(0.0) * self.decode / self.engine.tokens_per_step
    }

    /// What launch flags make a prompt wait; for the scheduler to look only in the share of time without prompts.
    fn wait(&self) -> f64 {
        let decoding = self.decode / self.engine.tokens_per_step / self.tpot();
        (self.waits.polled * decoding + self.waits.held) * self.decode
    }

    /// over = (c - M)/M O (dec/k + M/O pi): requests beyond the places wait for a cycle of those that have one.
    fn over(&self) -> f64 {
        self.beyond / self.clients * self.output * self.tpot()
    }
}

/// Prompts of mean length in a full step: whole ones only where prompts are not cut.
fn prompts_per_step(engine: &Engine, input: f64) -> f64 {
    let prompts = f64::from(engine.token_budget) / input;
    if engine.policy.cuts_prompts() { prompts } else { prompts.floor() }
}

/// Ranks with prompts in a step that carries any: p ranks / (1 - (1 - p)^ranks), p the share of a rank's steps that do.
fn prompting(ranks: f64, share: f64) -> f64 {
    ranks / in_step(ranks, share)
}

/// (1 - (1 - p)^ranks)/p: a prompt on any rank lengthens the step of all; p is the share of steps that carry one.
fn in_step(ranks: f64, share: f64) -> f64 {
    let share = share.min(1.0);
    (1.0 - (1.0 - share).powf(ranks)) / share
}
