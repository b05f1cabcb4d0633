//! One attention rank: its queue, its cache and its running sequences, held as sums.

use crate::Engine;
use crate::request::Request;
use crate::step::{Carried, Prompts};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// A prompt of which a part is computed.
#[derive(Clone, Copy, Debug)]
struct Begun {
    request: u32,
    done: f64,
}

#[derive(Debug, Default)]
pub(crate) struct Rank {
    waiting: VecDeque<u32>,
    /// Prompt tokens of those that wait.
    waiting_tokens: f64,
    begun: Option<Begun>,
    /// Prompts that the step at hand completes.
    completing: Vec<u32>,
    /// Prompt chunks of the step at hand.
    pub(crate) prompts: Prompts,
    /// Whether decodes run in the step at hand.
    pub(crate) decodes_run: bool,
    /// Decoding sequences, and the sum of their cached tokens.
    pub(crate) decodes: u32,
    context: f64,
    /// Prompts being computed and those tokens.
    prefills: u32,
    prefill_tokens: f64,
    /// Cached and reserved tokens of all that were let in, as of when they were.
    committed: f64,
    /// Decode steps so far.
    steps: u64,
    /// When decoding sequences end: (decode step, request, times it was taken back).
    ending: BinaryHeap<Reverse<(u64, u32, u32)>>,
    /// All that were let in, the newest last: (request, times it was taken back); some may have ended.
    admitted: Vec<(u32, u32)>,
    /// Steps for which waiting prompts have been held to fill a batch.
    held: u32,
    /// Steps for which they still are, as of the step at hand.
    hold_left: Option<u64>,
    /// The most tokens that were cached.
    pub(crate) kv_peak: f64,
    pub(crate) taken_back: u32,
}

impl Rank {
    /// Requests here, waiting or running.
    pub(crate) fn requests(&self) -> usize {
        self.waiting.len() + self.running() as usize
    }

    fn running(&self) -> u32 {
        self.decodes + self.prefills
    }

    pub(crate) fn push(&mut self, id: u32, request: &Request) {
        self.waiting_tokens += request.prompt();
        self.waiting.push_back(id);
    }

    /// Whether there is anything to compute in the step at hand.
    pub(crate) fn is_busy(&self) -> bool {
        self.decodes_run || !self.prompts.is_empty()
    }

    /// Tokens in the cache, with what is lost in last blocks.
    fn cached(&self, engine: &Engine) -> f64 {
        self.context + self.prefill_tokens + engine.block_waste() * f64::from(self.running())
    }

    /// Tokens that the decoding sequences add to the cache in a step.
    fn growth(&self, engine: &Engine) -> f64 {
        f64::from(self.decodes) * engine.tokens_per_step
    }

    /// Mean cached tokens of the decoding sequences.
    pub(crate) fn mean_context(&self) -> f64 {
        if self.decodes == 0 { 0.0 } else { self.context / f64::from(self.decodes) }
    }

    /// Sequences that generate in the step.
    pub(crate) fn decoding(&self) -> f64 {
        if self.decodes_run { f64::from(self.decodes) } else { 0.0 }
    }

    /// The step at hand, with contexts grown by so many tokens.
    pub(crate) fn carried(&self, growth: f64) -> Carried {
        let context = if self.decodes_run { self.mean_context() + growth } else { 0.0 };
        Carried { decodes: self.decoding(), context, prompts: self.prompts.chunks() }
    }

    /// Sum of the cached tokens of the decoding sequences that run in the step at hand.
    pub(crate) fn context_run(&self) -> f64 {
        if self.decodes_run { self.context } else { 0.0 }
    }

    /// Whether one waits and there is a place for it, though perhaps no room in the cache.
    pub(crate) fn has_waiting(&self, engine: &Engine) -> bool {
        !self.waiting.is_empty() && self.running() < engine.max_sequences
    }

    /// Whether the first that waits has a place and room.
    fn has_candidate(&self, engine: &Engine, requests: &[Request]) -> bool {
        let Some(&id) = self.waiting.front() else { return false };
        let request = &requests[id as usize];
        let needed = request.prompt() + engine.block_waste();
        let reserved = needed + engine.reserved_output * request.output_left();
        self.has_waiting(engine)
            && self.cached(engine) + self.growth(engine) + needed <= engine.kv_capacity
            && self.committed + reserved <= engine.kv_capacity
    }

    /// Puts the next step together. With `hold`, no prompt is begun.
    pub(crate) fn schedule(&mut self, engine: &Engine, requests: &mut [Request], hold: bool) {
        self.prompts = Prompts::default();
        let full = self.make_room(engine, requests);
        let beside = if engine.policy.rests_decodes() { 0.0 } else { self.growth(engine) };
        let mut left = (f64::from(engine.token_budget) - beside).max(0.0);
        if let Some(begun) = self.begun.take() {
            left -= self.compute(requests, begun, left);
        }
        let hold_left = self.hold_left(engine);
        if hold_left.is_none() {
            self.held = 0;
        }
        self.hold_left = hold_left.filter(|steps| *steps > 0);
        if !full && !hold && self.hold_left.is_none() {
            self.admit(engine, requests, left);
        }
        self.decodes_run = self.decodes > 0 && (self.prompts.is_empty() || !engine.policy.rests_decodes());
    }

    /// Lets in those that wait, in order, while budget, places and cache last.
    fn admit(&mut self, engine: &Engine, requests: &[Request], mut left: f64) {
        while left > 0.0 && self.has_candidate(engine, requests) {
            let id = self.waiting[0];
            let request = &requests[id as usize];
            let tokens = request.prompt();
            // A prompt longer than a step, as one taken back may be, runs alone.
            let alone = self.decodes == 0 && self.prompts.is_empty();
            if tokens > left && !engine.policy.cuts_prompts() && !alone {
                break;
            }
            let limit = if engine.policy.cuts_prompts() { left } else { tokens };
            self.held = 0;
            self.waiting.pop_front();
            self.waiting_tokens -= tokens;
            self.prefills += 1;
            self.prefill_tokens += tokens;
            self.committed += Self::commitment(engine, request);
            self.admitted.push((id, request.taken_back));
            left -= self.compute(requests, Begun { request: id, done: 0.0 }, limit);
        }
    }

    /// What a request has reserved from when it is let in until it ends.
    fn commitment(engine: &Engine, request: &Request) -> f64 {
        request.prompt() + engine.block_waste() + engine.reserved_output * request.output_left()
    }

    /// Adds a prompt's next chunk to the step at hand and returns its tokens.
    fn compute(&mut self, requests: &[Request], begun: Begun, limit: f64) -> f64 {
        let rest = requests[begun.request as usize].prompt() - begun.done;
        let tokens = rest.min(limit);
        let is_last = tokens >= rest;
        if tokens > 0.0 {
            self.prompts.add(tokens, begun.done, is_last);
        }
        if is_last {
            self.completing.push(begun.request);
        } else {
            self.begun = Some(Begun { done: begun.done + tokens, ..begun });
        }
        tokens
    }

    /// Steps for which waiting prompts are still held back, so that more of them share a step; none if none is to be.
    fn hold_left(&self, engine: &Engine) -> Option<u64> {
        let wait = engine.batch_wait?;
        let budget = f64::from(engine.token_budget);
        let filling = self.growth(engine) + self.waiting_tokens.min(budget);
        let waits = self.decodes > 0 && filling < wait.filled * budget && self.has_waiting(engine);
        waits.then(|| u64::from(wait.steps.saturating_sub(self.held)))
    }

    /// Takes back the newest until the cache has room for another token of every sequence; whether any was.
    fn make_room(&mut self, engine: &Engine, requests: &mut [Request]) -> bool {
        let before = self.taken_back;
        while self.running() > 1 && self.growth_left(engine) < 1 {
            let Some((id, times)) = self.admitted.pop() else { break };
            let request = &mut requests[id as usize];
            if request.taken_back == times && request.last.is_none() {
                self.take_back(engine, id, request);
            }
        }
        self.taken_back > before
    }

    fn take_back(&mut self, engine: &Engine, id: u32, request: &mut Request) {
        self.committed -= Self::commitment(engine, request);
        if self.begun.is_some_and(|begun| begun.request == id) {
            self.begun = None;
            self.prefills -= 1;
            self.prefill_tokens -= request.prompt();
            request.take_back(None, engine.tokens_per_step);
        } else {
            self.decodes -= 1;
            self.context -= request.cached(self.steps, engine.tokens_per_step);
            request.take_back(Some(self.steps), engine.tokens_per_step);
        }
        self.taken_back += 1;
        self.waiting.push_front(id);
        self.waiting_tokens += request.prompt();
    }

    /// Decode steps for which the cache has room; unbounded for one sequence alone, which was seen to fit.
    fn growth_left(&self, engine: &Engine) -> u64 {
        if self.decodes == 0 || self.running() < 2 || engine.kv_capacity.is_infinite() {
            return u64::MAX;
        }
        let room = engine.kv_capacity - self.cached(engine);
        (room / self.growth(engine)).max(0.0) as u64
    }

    /// Steps without prompts until something happens here: a sequence ends, the cache is full, held prompts go.
    pub(crate) fn steps_to_event(&mut self, engine: &Engine, requests: &[Request]) -> u64 {
        let end = self.steps_to_end(requests);
        end.min(self.growth_left(engine)).min(self.hold_left.unwrap_or(u64::MAX)).max(1)
    }

    /// Decode steps until a sequence ends.
    fn steps_to_end(&mut self, requests: &[Request]) -> u64 {
        while let Some(&Reverse((step, id, times))) = self.ending.peek() {
            if requests[id as usize].taken_back == times {
                return step - self.steps;
            }
            self.ending.pop();
        }
        u64::MAX
    }

    /// Ends a step, or as many steps without prompts, at the given time. Requests that end are added to `ended`.
    pub(crate) fn finish(
        &mut self,
        engine: &Engine,
        requests: &mut [Request],
        (steps, now): (u64, f64),
        ended: &mut Vec<u32>,
    ) {
        if self.decodes_run {
            self.steps += steps;
            self.context += self.growth(engine) * steps as f64;
        }
        if self.hold_left.is_some() {
            self.held += steps as u32;
        }
        self.kv_peak = self.kv_peak.max(self.cached(engine));
        if self.decodes_run {
            self.end_decodes(engine, requests, now, ended);
        }
        let mut completing = std::mem::take(&mut self.completing);
        for id in completing.drain(..) {
            self.end_prefill(engine, requests, (id, now), ended);
        }
        self.completing = completing;
    }

    fn end_decodes(&mut self, engine: &Engine, requests: &mut [Request], now: f64, ended: &mut Vec<u32>) {
        while self.steps_to_end(requests) == 0 {
            let Some(Reverse((_, id, _))) = self.ending.pop() else { break };
            let request = &mut requests[id as usize];
            self.decodes -= 1;
            self.context -= request.cached(self.steps, engine.tokens_per_step);
            self.committed -= Self::commitment(engine, request);
            request.last = Some(now);
            ended.push(id);
        }
    }

    /// A prompt is computed: it gives a token, and the request decodes unless that was its last.
    fn end_prefill(
        &mut self,
        engine: &Engine,
        requests: &mut [Request],
        (id, now): (u32, f64),
        ended: &mut Vec<u32>,
    ) {
        let request = &mut requests[id as usize];
        request.first.get_or_insert(now);
        self.prefills -= 1;
        self.prefill_tokens -= request.prompt();
        if let Some(step) = request.join(self.steps, engine.tokens_per_step) {
            self.decodes += 1;
            self.context += request.prompt();
            self.ending.push(Reverse((step, id, request.taken_back)));
        } else {
            self.committed -= Self::commitment(engine, request);
            request.last = Some(now);
            ended.push(id);
        }
    }
}
