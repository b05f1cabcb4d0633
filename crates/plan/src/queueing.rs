//! What users of one replica see while so many of their requests run: the closed form of the engine player, without its
//! first burst, for requests that come at random.
//!
//! The number of requests that generate is the free variable; arrivals, time per token and time to first token follow
//! from it without iteration.

mod prompts;
mod ranks;

pub(crate) use prompts::PromptQueue;

use crate::{Binds, Class, KvPolicy, Population, Reload, Request, Room, Scheduler, Urgency};
use rackplan_perf::{Average, Batch, Compiled};

/// One replica, and the requests that it serves.
#[derive(Clone, Copy, Debug)]
pub struct Replica<'a> {
    /// Its operators.
    pub compiled: &'a Compiled,
    /// Its scheduler.
    pub scheduler: Scheduler,
    /// What it computes for a request.
    pub request: Request,
    /// Kinds of requests that differ from this mean; none where all are alike.
    pub classes: &'a [Class],
    /// How fast it goes beside what its operators say.
    pub pace: Pace,
    /// Where users who think keep their caches.
    pub policy: KvPolicy,
    /// Room for requests.
    pub room: Room,
    /// A step of one prompt alone, in seconds.
    alone: f64,
    /// A step of one sequence a rank that generates, in seconds, at the pace of the operators.
    single: f64,
    /// Standard deviation of its logarithm; 0 where all prompts are the same.
    spread: f64,
    /// By what part the longest of as many sequences as there are ranks is longer than the mean.
    longest: f64,
}

/// What changes the pace of a replica beside its operators.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Tokens that a step yields for each sequence: 1, or more with speculation.
    pub accepted: f64,
    /// Times that a step takes as long as predicted: 1, or more to be surer.
    pub slower: f64,
    /// Times that a first token takes as long as slower steps say.
    pub later: f64,
}

impl Point {
    /// Requests in flight on average: those that wait for their first token and those that generate, λ R.
    pub fn in_flight(&self) -> f64 {
        self.requests_per_second * self.e2e
    }

    /// Quantile of their number: normal, with the variance that [`Population::scatter`] gives.
    pub fn in_flight_at(&self, percentile: f64, population: &Population) -> f64 {
        let mean = self.in_flight();
        let variance = population.scatter(self.e2e, self.settles) * mean;
        mean + normal_quantile(percentile) * variance.sqrt()
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self { accepted: 1.0, slower: 1.0, later: 1.0 }
    }
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
    /// By what part requests end more often where they are by a small part more: 1 if none slows another down, and where
    /// nobody asked.
    pub settles: f64,
    /// Share of the prompts' own queue that is busy.
    pub queue_load: f64,
    /// Wait in that queue, mean.
    pub queue_wait: f64,
    /// A step of all decodes.
    pub decode_step: f64,
    /// How caches of users who think come back.
    pub reload: Reload,
}

/// Steps that a request waits before it joins one, beside those that scheduling runs ahead; fitted to the player.
const STEPS_BEFORE: f64 = 0.6;
/// More requests, as a part, over which a slope is taken: wide enough for kernels that go up in stairs.
const A_PART: f64 = 0.25;
/// Requests always settle a little.
const LEAST_SETTLING: f64 = 0.05;
/// The highest load of prefills for which steps are stretched by 1/(1 - load).
const HIGHEST_LOAD: f64 = 0.95;

impl<'a> Replica<'a> {
    /// Whose users keep nothing between requests, at the pace of its operators. Asks once for what no load changes.
    pub fn new(compiled: &'a Compiled, scheduler: Scheduler, request: Request, room: Room) -> Self {
        let alone = compiled.step(&prompt(Batch::default(), &request)).get();
        let (pace, policy, spread) = (Pace::default(), KvPolicy::HBM, spread(compiled, &request));
        let longest = longest(&request, room.ranks);
        let classes = &[];
        Self {
            compiled,
            scheduler,
            request,
            classes,
            pace,
            policy,
            room,
            alone,
            single: 0.0,
            spread,
            longest,
        }
        .of_singles()
    }

    /// The same, asked for a step of one sequence, which all loads of fewer share.
    fn of_singles(self) -> Self {
        Self { single: self.compiled.step(&self.decodes(1.0)).get(), ..self }
    }

    /// The same at another pace.
    pub fn paced(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// The same for several kinds of requests.
    pub fn among(self, classes: &'a [Class]) -> Self {
        Self { classes, ..self }
    }

    /// The same without users who come back.
    pub(crate) fn keeping_nothing(self) -> Self {
        Self { policy: KvPolicy::HBM, ..self }
    }

    /// The same with caches kept in another way; `request` is what it then computes.
    pub fn keeping(self, policy: KvPolicy, asked: &Request) -> Self {
        let request = policy.request(asked);
        if request == self.request {
            return Self { policy, ..self };
        }
        let alone = self.compiled.step(&prompt(Batch::default(), &request)).get();
        let (spread, longest) = (spread(self.compiled, &request), longest(&request, self.room.ranks));
        Self { policy, request, alone, spread, longest, ..self }.of_singles()
    }

    /// What users see while `generating` requests generate on average.
    ///
    /// On each rank, with b = generating / ranks sequences: λ = b / (O tpot) requests come per second; a prompt adds π to
    /// the steps of others, so that tpot = dec(b) + b/O π: its share of what all that come in one step add, a b/O of them
    /// and at least one. Steps of the load r = λπ last s = min(dec/(1 - r), dec + mπ)
    /// with m prompts in a full one. A prompt is tokenised, waits 0.6 steps and those of scheduling ahead, then for the
    /// prompts before it, σ = π + dec/m each (π where decodes rest), an M/D/1 queue: W = ρσ / (2 (1 - ρ)), ρ = λσ.
    /// Source: `sim::closed_form` (open loop). Agreement with the player: `scenario/tests/plan_and_sim.rs` and
    /// `size_simulate.rs` hold it to what they claim, docs/fidelity.md has it by kind of load.
    ///
    /// With speculation a sequence takes O / a steps that yield a tokens each; a cache that was moved out is read back
    /// before its prompt runs ([`Reload`]).
    pub fn at(&self, generating: f64) -> Point {
        self.settled(self.at_step(generating, self.decode_step(generating / self.room.ranks)))
    }

    /// The same on average alone, where a step of so many decodes is known.
    pub(crate) fn at_step(&self, generating: f64, decode: f64) -> Point {
        let output = self.request.output;
        let (batch, steps) = (generating / self.room.ranks, output / self.pace.accepted);
        let prompt = self.prompt_time(batch, decode);
        let step = match self.room.ranks {
            1.0 => decode + batch / steps * prompt,
            _ => self.among_ranks(batch, (decode, prompt), batch / steps),
        };
        let rate = batch / (steps * step);
        let load = Load { rate, batch, decode, prompt };
        let (own, queue_load, queue_wait) = self.first_step(&load);
        let reload = self.reload(rate);
        let front = self.tokenised(rate) + self.scheduler.first_token + self.met(rate) / 2.0;
        let ttft = self.pace.later * (front + own + queue_wait) + self.policy.reloaded() * reload.time;
        let tpot = step / self.pace.accepted;
        Point {
            generating,
            requests_per_second: rate * self.room.ranks,
            tpot,
            ttft,
            e2e: ttft + (output - 1.0).max(0.0) * tpot,
            prefill_load: rate * prompt,
            settles: 1.0,
            queue_load,
            queue_wait: self.pace.later * queue_wait,
            decode_step: decode,
            reload,
        }
    }

    /// The same, asked for how it settles.
    pub(crate) fn settled(&self, point: Point) -> Point {
        let step = point.tpot * self.pace.accepted;
        let steeper = self.steeper(point.generating / self.room.ranks, point.decode_step);
        Point { settles: settles((steeper + step - point.decode_step) / step), ..point }
    }

    /// From the queue to the first token, that queue's load, and the wait in it.
    fn first_step(&self, load: &Load) -> (f64, f64, f64) {
        let Load { rate, batch, decode, prompt } = *load;
        let (input, budget) = (self.request.input, self.scheduler.token_budget);
        let per_step = (budget / input).clamp(1.0, batch.max(1.0));
        let chunks = (input / budget).ceil().max(1.0);
        let rests = self.scheduler.rests_decodes();
        let stretched = decode / (1.0 - (rate * prompt).min(HIGHEST_LOAD));
        let step = stretched.min(decode + per_step * prompt);
        let beside = if rests { 0.0 } else { decode * (1.0 / per_step).max(chunks - 1.0) };
        let service = prompt + beside;
        let own = if rests { prompt } else { step + prompt + (chunks - 1.0) * decode };
        let before = (STEPS_BEFORE + self.scheduler.ahead) * step;
        (before + own, rate * service, self.scatter() * wait(rate * service, service))
    }

    /// How caches come back that were moved out: those of one rank over the links of each of its accelerators.
    pub(crate) fn reload(&self, rate: f64) -> Reload {
        let moved = self.policy.reloaded();
        self.policy.tier.map_or(Reload::default(), |tier| {
            Reload::of(&tier, rate * moved, self.room.kept, self.room.added)
        })
    }

    /// The same for a percentile of requests, `(ttft, tpot)` in seconds.
    ///
    /// More requests than on average generate beside such a request, as many as `Replica::peak` has, and its steps are
    /// longer, dec(peak) + peak/O π; more prompts than on average halt it, by `Replica::halts`. The two add up as deviations
    /// do. Of the queue's waits a share ρ is not zero, and those fall off exponentially: W_p = W/ρ ln(ρ/(1 - p)).
    ///
    /// A percentile beyond the share whose cache never left also waits for it to come back. Where prompts differ in length
    /// the queue's service scatters, W (1 + c²), and a longer prompt and longer waits, the tokeniser's among them, add up as
    /// deviations do.
    pub fn at_percentile(&self, point: &Point, percentile: f64, population: &Population) -> (f64, f64) {
        self.of_request(point, percentile, population, &self.request)
    }

    /// Time to first token, mean and at a percentile, and time per token at that percentile of one of its kinds of requests:
    /// all wait alike, and then differ by their own prompts and answers.
    pub(crate) fn of_class(
        &self,
        point: &Point,
        percentile: f64,
        (class, urgency, population): (&Request, Urgency, &Population),
    ) -> (f64, f64, f64) {
        let class = &self.policy.request(class);
        let chunks = |request: &Request| (request.input / self.scheduler.token_budget).ceil().max(1.0);
        let between = if self.scheduler.rests_decodes() { 0.0 } else { point.decode_step };
        let more = self.prompt_of(class) - self.prompt_alone()
            + (chunks(class) - chunks(&self.request)) * between
            + self.tokenise(class)
            - self.tokenise(&self.request);
        let (ttft, tpot) = self.of_request(point, percentile, population, class);
        let more = self.pace.later * more + urgency.later(point.queue_load, point.queue_wait);
        (point.ttft + more, ttft + more, tpot)
    }

    /// A step of one such prompt and nothing else.
    pub(crate) fn prompt_of(&self, request: &Request) -> f64 {
        self.pace.slower * self.compiled.step(&prompt(Batch::default(), request)).get()
    }

    /// What a percentile of such prompts takes longer than they do on average.
    pub(crate) fn longer_prompt(&self, request: &Request, percentile: f64) -> f64 {
        let (z, spread) = (normal_quantile(percentile), spread(self.compiled, request));
        let longer = (z * spread - spread * spread / 2.0).exp_m1();
        if longer > 0.0 { longer * self.prompt_of(request) } else { 0.0 }
    }

    /// The longest of a prompt on each rank over the mean, at the quantile (r - 3/8) / (r + 1/4) of a log-normal law; 1 on one.
    fn longest_of_ranks(&self) -> f64 {
        let (ranks, spread) = (self.room.ranks, self.spread);
        if ranks <= 1.0 || spread <= 0.0 {
            return 1.0;
        }
        (normal_quantile((ranks - 0.375) / (ranks + 0.25)) * spread - spread * spread / 2.0).exp().max(1.0)
    }

    /// What the service of a queue of prompts scatters by, 1 + c².
    pub(crate) fn scatter(&self) -> f64 {
        (self.spread * self.spread).exp()
    }

    fn of_request(
        &self,
        point: &Point,
        percentile: f64,
        population: &Population,
        request: &Request,
    ) -> (f64, f64) {
        let peak = self.peak(point, percentile, population).max(point.generating);
        let decode = self.decode_step(peak / self.room.ranks).max(point.decode_step);
        let prompts = (point.tpot * self.pace.accepted - point.decode_step) * peak / point.generating;
        let slower = ((decode + prompts) / self.pace.accepted - point.tpot).max(0.0);
        let halts = normal_quantile(percentile).max(0.0) * self.halts(point, request, population);
        let tpot = point.tpot + slower.hypot(halts);
        if point.queue_load >= 1.0 || point.reload.read_load >= 1.0 {
            return (f64::INFINITY, tpot);
        }
        let wait = (point.queue_load, point.queue_wait);
        let longer = longest_wait(wait, percentile) - point.queue_wait;
        let steps = (1.0 + STEPS_BEFORE + self.scheduler.ahead) * (decode - point.decode_step);
        let met = self.met(point.requests_per_second / self.room.ranks);
        let waits = longer.max(0.0).hypot(self.later_by_tokeniser(point, percentile));
        let own = self.longer_prompt(request, percentile);
        let ttft = point.ttft + waits.hypot(own) + self.pace.later * (steps + met);
        (ttft + self.later_by_reload(point, percentile), tpot)
    }

    /// Standard deviation of the time per token of a request by what prompts happen to halt it. As a busy period that begins
    /// with the request's own steps has it, a time T = O t that prompts of π each at a load ρ stretch has the variance
    /// ρ π (1 + c²) T / (1 - ρ)², of which a token has an O-th. Users who wait for their answers send more evenly
    /// ([`Population::dispersion`]); prompts of other ranks halt a step once, however many there are, so that they count as far
    /// as steps are without one.
    /// Source: M/G/1 delay cycle, Var = λ E[π²] T₀ / (1 - ρ)³ with T₀ = (1 - ρ) T.
    fn halts(&self, point: &Point, request: &Request, population: &Population) -> f64 {
        let step = point.tpot * self.pace.accepted;
        let rate = point.requests_per_second / self.room.ranks;
        let prompt = point.prefill_load / rate;
        let without = (-point.requests_per_second * self.prompt_alone()).exp();
        let halted = (1.0 - point.decode_step / step).max(0.0);
        let own = point.prefill_load.min(halted);
        let others = (halted - own) * without;
        let load = (own + others).min(HIGHEST_LOAD);
        let tokens = request.output / request.shorter_output();
        let variance = (own * self.scatter() + others) * prompt * point.tpot / tokens;
        (population.dispersion(point.e2e) * variance).sqrt() / (1.0 - load)
    }

    /// What a percentile of requests waits for its cache beyond the mean over all.
    pub(crate) fn later_by_reload(&self, point: &Point, percentile: f64) -> f64 {
        let (moved, reload) = (self.policy.reloaded(), &point.reload);
        if moved <= 1.0 - percentile {
            return 0.0;
        }
        let longer = (longest_wait((reload.read_load, reload.wait), percentile) - reload.wait).max(0.0);
        (1.0 - moved) * reload.time + longer
    }

    /// Quantile of the number of requests that generate: normal, with the variance that [`Population::scatter`] gives.
    pub(crate) fn peak(&self, point: &Point, percentile: f64, population: &Population) -> f64 {
        let variance = population.scatter(point.e2e, point.settles) * point.generating;
        point.generating + normal_quantile(percentile) * variance.sqrt()
    }

    /// What has no place when more generate than on average, the caches of users who think beside them; one request always
    /// has one in the engine.
    pub fn lacks(&self, point: &Point, percentile: f64, population: &Population) -> Option<Binds> {
        let peak = self.peak(point, percentile, population).max(point.generating);
        let thinking = population.thinking(point.requests_per_second);
        let (room, policy) = (&self.room, &self.policy);
        let peak = if point.generating <= 1.0 { point.generating } else { peak };
        if room.taken(peak, thinking, policy) > 1.0 {
            return Some(Binds::Memory);
        }
        if point.generating > 1.0 && peak > self.scheduler.max_sequences * room.ranks {
            return Some(Binds::Sequences);
        }
        (!room.tier_holds(thinking, policy) || !point.reload.keeps_up()).then_some(Binds::Tier)
    }

    /// Requests that generate at once at most, over all ranks, while nobody thinks.
    pub(crate) fn places(&self) -> f64 {
        self.room.sequences().min(self.scheduler.max_sequences) * self.room.ranks
    }

    /// A step in which nobody's prompt runs.
    pub(crate) fn decode_step(&self, batch: f64) -> f64 {
        let step = if batch <= 1.0 { self.single } else { self.compiled.step(&self.decodes(batch)).get() };
        self.pace.slower * step
    }

    /// What a step of decodes takes longer by a part more of them, over that part.
    pub(crate) fn steeper(&self, batch: f64, decode: f64) -> f64 {
        (self.decode_step(batch * (1.0 + A_PART)) - decode).max(0.0) / A_PART
    }

    /// A step of one prompt and nothing else.
    pub fn prompt_alone(&self) -> f64 {
        self.pace.slower * self.alone
    }

    /// The rank whose sequences are longest sets the time: of r ranks it has so many deviations more than the mean, a
    /// deviation of one sequence over the root of their number.
    fn decodes(&self, batch: f64) -> Batch {
        let batch = batch.max(1.0);
        Batch::decode(batch, self.request.context() * (1.0 + self.longest / batch.sqrt()))
    }

    /// What a prompt adds to the steps of others; all of its own where decodes rest.
    fn prompt_time(&self, batch: f64, decode: f64) -> f64 {
        let prompts = self.prompts_together(batch);
        if self.scheduler.rests_decodes() || batch <= 1.0 {
            if prompts <= 1.0 {
                return self.prompt_alone();
            }
            let step = self.compiled.step(&self.prompts(Batch::default(), prompts)).get();
            return self.pace.slower * step / prompts;
        }
        let others = Batch { decodes: (batch - prompts).max(0.0), ..self.decodes(batch) };
        ((self.step_with_prompts(others, batch, prompts) - decode) / prompts).max(0.0)
    }

    /// Prompts of a step that has any: a b/O of them come in a step, at least one and as many as fit.
    fn prompts_together(&self, batch: f64) -> f64 {
        let coming = batch * self.pace.accepted / self.request.output;
        coming.clamp(1.0, (self.scheduler.token_budget / self.request.input).max(1.0))
    }

    /// Steps that carry a prompt of any rank, over those that carry one of this rank's: (1 - (1 - p)^ranks)/p, with
    /// p = a b/O the share of the latter.
    fn in_step(&self, batch: f64) -> f64 {
        let share = (batch * self.pace.accepted / self.request.output).clamp(1e-9, 1.0);
        (1.0 - (1.0 - share).powf(self.room.ranks)) / share
    }

    /// A step of a rank with prompts beside `others` while ranks generate `batch` sequences each. Of all ranks,
    /// ranks / in_step have prompts in such a step; experts meet what all of them carry.
    fn step_with_prompts(&self, others: Batch, batch: f64, prompts: f64) -> f64 {
        let of_rank = prompts / self.in_step(batch);
        let average = Average { decodes: batch, prompt_tokens: of_rank * self.request.input };
        let average = (self.room.ranks > 1.0).then_some(average);
        self.pace.slower * self.compiled.step(&Batch { average, ..self.prompts(others, prompts) }).get()
    }

    fn prompts(&self, batch: Batch, prompts: f64) -> Batch {
        Batch { prompts, ..prompt(batch, &self.request) }
    }

    /// Prompts of other ranks in the step that a request meets: all ranks wait for the longest, and so many of the steps carry
    /// one. Half of it is left on average, all of it for a request that comes just too late; found on the player.
    fn met(&self, rate: f64) -> f64 {
        let others = self.room.ranks - 1.0;
        (rate * others * self.prompt_alone()).min(1.0) * self.prompt_alone()
    }

    /// Tokenising, one prompt of a front end after another, where so many a second come to each rank.
    pub(crate) fn tokenised(&self, rate: f64) -> f64 {
        let each = self.tokenise(&self.request);
        let of_all = each / self.room.front_ends;
        each + wait(rate * self.room.ranks * of_all, of_all)
    }

    /// Tokenising one prompt: all of it comes as text, what is cached too.
    pub(crate) fn tokenise(&self, request: &Request) -> f64 {
        self.scheduler.tokenise * (request.prefix + request.input)
    }

    /// What a percentile of requests waits for the tokeniser beyond the mean.
    fn later_by_tokeniser(&self, point: &Point, percentile: f64) -> f64 {
        let of_all = self.tokenise(&self.request) / self.room.front_ends;
        let load = point.requests_per_second * of_all;
        let mean = wait(load, of_all);
        self.pace.later * (longest_wait((load, mean), percentile) - mean).max(0.0)
    }
}

/// Standard deviation of the logarithm of a prompt's time: that of its length times the elasticity of time to length,
/// between the median and the 95th percentile of lengths.
fn spread(compiled: &Compiled, request: &Request) -> f64 {
    let sigma = request.input_sigma;
    if sigma <= 0.0 {
        return 0.0;
    }
    let time = |z: f64| {
        let chunk = request.input * (z * sigma - sigma * sigma / 2.0).exp();
        compiled.step(&Batch { prompts: 1.0, chunk, prefix: request.prefix, ..Batch::default() }).get()
    };
    (time(Z95) / time(0.0)).ln().max(0.0) / Z95
}

/// By what part the longest of r sequences is longer than the mean, as if they were normal: the quantile (r - 3/8) / (r + 1/4).
/// Source: Blom 1958, Statistical Estimates and Transformed Beta-Variables.
fn longest(request: &Request, ranks: f64) -> f64 {
    if ranks <= 1.0 {
        return 0.0;
    }
    normal_quantile((ranks - 0.375) / (ranks + 0.25)) * request.context_scatter().sqrt()
}

/// The 95th percentile of the standard normal law.
const Z95: f64 = 1.644_853_627;

/// A batch with one prompt in it.
fn prompt(batch: Batch, request: &Request) -> Batch {
    Batch { prompts: 1.0, chunk: request.input, prefix: request.read_before(), ..batch }
}

/// A load as the formulas of the first token take it: requests per second and sequences of a rank, its steps.
#[derive(Clone, Copy, Debug)]
struct Load {
    rate: f64,
    batch: f64,
    decode: f64,
    prompt: f64,
}

/// 1 - e, with e the elasticity of the time per token to the requests that generate.
pub(crate) fn settles(elasticity: f64) -> f64 {
    (1.0 - elasticity).clamp(LEAST_SETTLING, 1.0)
}

/// Wait that a share of requests does not exceed in a queue of this load and mean wait: W/ρ ln(ρ/(1 - p)).
pub(crate) fn longest_wait((load, mean): (f64, f64), share: f64) -> f64 {
    let beyond = 1.0 - share;
    if load > beyond { mean / load * (load / beyond).ln() } else { 0.0 }
}

/// Mean wait in an M/D/1 queue, ρσ / (2 (1 - ρ)).
pub(crate) fn wait(load: f64, service: f64) -> f64 {
    if load < 1.0 { load * service / (2.0 * (1.0 - load)) } else { f64::INFINITY }
}

/// Quantile of the standard normal law, within 4.5e-4: Abramowitz and Stegun, 26.2.23.
pub fn normal_quantile(share: f64) -> f64 {
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
