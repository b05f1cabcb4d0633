//! What is noted while playing: latencies of requests, gaps between tokens, what steps did.

use crate::Refusal;
use crate::distribution::Distribution;
use crate::engine::FINE;
use crate::gaps::Gaps;
use crate::metrics::Row;
use crate::request::Request;
use crate::time::Time;
use rackplan_units::Seconds;
use std::collections::BTreeMap;

/// One step of a replica, or several alike that were played as one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepRecord {
    /// Which replica.
    pub replica: u32,
    /// When the first of them began.
    pub began: Time,
    /// When the last of them ended.
    pub end: Time,
    /// How many.
    pub steps: u64,
    /// Sequences that generate, over all ranks.
    pub decodes: u32,
    /// Their cached tokens before the first step.
    pub context: f64,
    /// By how many tokens that grows in each step.
    pub growth: f64,
    /// Tokens of prompts computed.
    pub prompt_tokens: f64,
}

/// The fleet at a point in time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// When.
    pub time: Time,
    /// Replicas that serve.
    pub replicas: u32,
    /// Requests that wait to be let in.
    pub waiting: u64,
    /// Requests that were let in and are not answered.
    pub running: u64,
    /// Share of HBM cache blocks that running requests hold, and that is kept for reuse.
    pub kv_used: f64,
    /// Share kept for reuse.
    pub kv_idle: f64,
    /// Tokens in each lower tier.
    pub tier_tokens: Vec<u64>,
    /// Prompt tokens asked for and found in caches, since the sample before.
    pub prompt_tokens: u64,
    /// Those of them that were found.
    pub hit_tokens: u64,
    /// Answer tokens, since the sample before.
    pub output_tokens: u64,
    /// Mean wait for caches from lower tiers, in seconds, of reads since the sample before; none without reads.
    pub reload_s: Option<f64>,
}

/// Someone who looks on. Nothing depends on what it does, but that it can end the play.
pub trait Observer {
    /// A request was answered, or refused.
    fn request(&mut self, _: &Row) {}
    /// A step ended.
    fn step(&mut self, _: &StepRecord) {}
    /// The fleet at regular times.
    fn sample(&mut self, _: &Sample) {}
    /// Asked now and then; `true` ends the play, with what is known so far.
    fn stops(&mut self, _now: Time, _answered: u64) -> bool {
        false
    }
}

/// Limits that each request has to meet by itself to count for goodput.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RequestLimits {
    /// On the time to first token.
    pub ttft: Seconds,
    /// On the time per output token.
    pub tpot: Seconds,
    /// On the time to the last token.
    pub e2e: Seconds,
}

/// Requests of one class.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    pub(crate) finished: u64,
    /// Answered within every limit.
    pub(crate) good: u64,
    pub(crate) ttft: Distribution,
    pub(crate) tpot: Distribution,
    pub(crate) e2e: Distribution,
    pub(crate) queueing: Distribution,
}

/// What happened in all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Steps, and those in which sequences generated.
    pub steps: u64,
    /// Steps in which sequences generated.
    pub decode_steps: u64,
    /// Σ sequences that generate, over steps.
    pub decodes: f64,
    /// Σ cached tokens that they read, over steps.
    pub context_tokens: f64,
    /// Tokens of prompts computed, those computed again included.
    pub prompt_tokens_computed: f64,
    /// Prompt tokens of answered requests, and what of them was found in caches.
    pub prompt_tokens: u64,
    /// Prompt tokens that were found in caches.
    pub hit_tokens: u64,
    /// Answer tokens.
    pub output_tokens: u64,
    /// Seconds for which replicas were busy, summed.
    pub busy_s: f64,
}

/// Sums over steps, in whole numbers, so that many steps at once add what they add one by one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StepSums {
    steps: u64,
    decode_steps: u64,
    decodes: u64,
    /// In the finest parts of a token.
    context: u128,
    prompt_tokens: f64,
    busy: Time,
}

impl StepSums {
    fn add(&mut self, step: &StepRecord) {
        self.steps += step.steps;
        self.busy = self.busy + (step.end - step.began);
        self.prompt_tokens += step.prompt_tokens;
        if step.decodes > 0 {
            self.decode_steps += step.steps;
            self.decodes += step.steps * u64::from(step.decodes);
            // n steps see n · context + n (n - 1)/2 · growth.
            let fine = |tokens: f64| u128::from((tokens * FINE) as u64);
            let (steps, before) = (step.steps, step.steps * (step.steps - 1) / 2);
            self.context += u128::from(steps) * fine(step.context) + u128::from(before) * fine(step.growth);
        }
    }
}

#[derive(Default)]
pub(crate) struct Recorder<'a> {
    pub(crate) observer: Option<&'a mut dyn Observer>,
    pub(crate) all: Tally,
    /// By class, if more than one is seen.
    pub(crate) classes: Vec<Tally>,
    pub(crate) itl: Gaps,
    pub(crate) steps: StepSums,
    pub(crate) prompt_tokens: u64,
    pub(crate) hit_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) refused: BTreeMap<Refusal, u64>,
    pub(crate) rows: Option<Vec<Row>>,
    pub(crate) limits: Vec<RequestLimits>,
    /// Requests sent before this are played and not counted.
    pub(crate) warm_up: Time,
    pub(crate) last_token: Time,
    pub(crate) preemptions: u64,
    pub(crate) retries: u64,
}

impl Recorder<'_> {
    pub(crate) fn step(&mut self, step: &StepRecord) {
        self.steps.add(step);
        if let Some(observer) = &mut self.observer {
            observer.step(step);
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        let steps = &self.steps;
        Totals {
            steps: steps.steps,
            decode_steps: steps.decode_steps,
            decodes: steps.decodes as f64,
            context_tokens: steps.context as f64 / FINE,
            prompt_tokens_computed: steps.prompt_tokens,
            prompt_tokens: self.prompt_tokens,
            hit_tokens: self.hit_tokens,
            output_tokens: self.output_tokens,
            busy_s: steps.busy.seconds(),
        }
    }

    fn class(&mut self, class: u16) -> Option<&mut Tally> {
        let class = usize::from(class);
        if class == 0 && self.classes.is_empty() {
            return None;
        }
        if self.classes.len() <= class {
            // Until now all were of class 0.
            let first = self.classes.is_empty().then(|| self.all.clone());
            self.classes.extend(first);
            self.classes.resize_with(self.classes.len().max(class + 1), Tally::default);
        }
        self.classes.get_mut(class)
    }

    pub(crate) fn sent(&mut self, request: &Request) {
        if request.sent >= self.warm_up {
            if let Some(class) = self.class(request.class) {
                class.sent += 1;
            }
            self.all.sent += 1;
        }
    }

    pub(crate) fn refuse(&mut self, request: &Request, refusal: Refusal) {
        if request.sent >= self.warm_up {
            *self.refused.entry(refusal).or_default() += 1;
        }
        self.row(request);
    }

    fn row(&mut self, request: &Request) {
        if self.rows.is_some() || self.observer.is_some() {
            let row = row(request);
            if let Some(observer) = &mut self.observer {
                observer.request(&row);
            }
            if let Some(rows) = &mut self.rows {
                rows.push(row);
            }
        }
    }

    pub(crate) fn answered(&mut self, request: &Request) {
        self.row(request);
        if request.sent < self.warm_up {
            return;
        }
        self.last_token = self.last_token.max(request.last);
        self.prompt_tokens += u64::from(request.input);
        self.output_tokens += u64::from(request.output);
        self.hit_tokens += u64::from(request.hits.min(request.input));
        self.preemptions += u64::from(request.taken_back);
        let limits = self.limits.get(usize::from(request.class)).or(self.limits.last()).copied();
        self.all.answered(request, limits);
        if let Some(class) = self.class(request.class) {
            class.answered(request, limits);
        }
    }
}

impl Tally {
    fn answered(&mut self, request: &Request, limits: Option<RequestLimits>) {
        let (ttft, e2e) = (request.first.since(request.sent), request.last.since(request.sent));
        self.finished += 1;
        self.ttft.add(ttft);
        self.e2e.add(e2e);
        self.queueing.add(request.admitted.since(request.sent));
        let tpot = (request.output > 1).then(|| (e2e - ttft) / f64::from(request.output - 1));
        if let Some(tpot) = tpot {
            self.tpot.add(tpot);
        }
        let is_good = |limits: RequestLimits| {
            ttft <= limits.ttft.get() && tpot.unwrap_or(0.0) <= limits.tpot.get() && e2e <= limits.e2e.get()
        };
        self.good += u64::from(limits.is_some_and(is_good));
    }
}

fn row(request: &Request) -> Row {
    let since = |time: Time| (time != Time::NEVER).then(|| Seconds::new(time.since(request.sent)));
    Row {
        number: request.number,
        isl: request.input,
        osl: request.output,
        class: request.class,
        session: request.session,
        turn: request.turn,
        replica: request.replica,
        sent: Seconds::new(request.sent.seconds()),
        queueing: since(request.admitted),
        ttft: since(request.first),
        e2e: since(request.last),
        hit_tokens: request.hits.min(request.input),
        preemptions: request.taken_back,
        retries: request.retries,
    }
}
