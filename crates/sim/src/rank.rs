//! One attention rank: its queue, its cache and its running sequences, held as sums.

use crate::Engine;
use crate::cache::{Cache, Caching, Found, Store};
use crate::queue::Queue;
use crate::request::{Request, Requests};
use crate::step::{Prompts, Step};
use crate::time::Time;
use rackplan_perf::Average;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// What a rank shares with others while something happens.
pub(crate) struct World<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) requests: &'a mut Requests,
    pub(crate) now: Time,
    /// The tier that all replicas share.
    pub(crate) shared: &'a mut Option<Store>,
    /// Requests that left the rank: answered, or handed over after their prompt.
    pub(crate) ended: &'a mut Vec<u32>,
}

/// A prompt of which a part is computed.
#[derive(Clone, Copy, Debug)]
struct Begun {
    request: u32,
    done: f64,
}

#[derive(Debug)]
pub(crate) struct Rank {
    pub(crate) queue: Queue,
    pub(crate) cache: Cache,
    begun: Option<Begun>,
    /// Let in, and waiting for their caches to be read: (when they are here, request).
    loading: BinaryHeap<Reverse<(Time, u32)>>,
    /// Let in, with their caches here, to be computed next.
    loaded: VecDeque<u32>,
    /// Prompts that the step at hand completes.
    completing: Vec<u32>,
    /// Prompt chunks of the step at hand.
    pub(crate) prompts: Prompts,
    /// Whether decodes run in the step at hand.
    pub(crate) decodes_run: bool,
    /// Decoding sequences, and the sum of their cached tokens.
    pub(crate) decodes: u32,
    context: f64,
    /// Cached tokens of each when it joined less the decode steps before, the longest first; if asked for.
    longest: Option<BinaryHeap<(i64, u32, u32)>>,
    /// Prompts being computed or read.
    prefills: u32,
    /// Blocks that are taken or reserved by all that were let in, as of when they were.
    committed: f64,
    /// Decode steps so far.
    pub(crate) steps: u64,
    /// When decoding sequences end: (decode step, request, its version).
    ending: BinaryHeap<Reverse<(u64, u32, u32)>>,
    /// All that were let in, the newest last: (request, its version); some may have ended.
    admitted: Vec<(u32, u32)>,
    /// Of the steps that are being played, those for which the cache has grown already.
    grown: u64,
    /// Steps for which waiting prompts have been held to fill a batch.
    held: u32,
    /// Steps for which they still are, as of the step at hand.
    hold_left: Option<u64>,
    /// Whether one was taken back for the step at hand, so that none is let in before the next.
    is_full: bool,
    /// Whether one whose prompt is computed joined the decoding sequences for the step at hand.
    pub(crate) has_joined: bool,
    /// Whether its decoding sequences are others than when that was last asked.
    changed: bool,
    /// Sequences by when their last token came, since the last decode step: (how many, when).
    pub(crate) last_tokens: Vec<(u32, Time)>,
    /// Prefills end here: their requests go on elsewhere.
    pub(crate) hands_over: bool,
    pub(crate) taken_back: u64,
}

impl Rank {
    pub(crate) fn new(engine: &Engine, caching: &Caching, piece: u32, wants_longest: bool) -> Self {
        let room = (engine.kv_blocks(), engine.kv_block.max(1));
        Self {
            queue: Queue::default(),
            cache: Cache::new(caching, room, engine.tokens_per_step, piece),
            begun: None,
            loading: BinaryHeap::new(),
            loaded: VecDeque::new(),
            completing: Vec::new(),
            prompts: Prompts::default(),
            decodes_run: false,
            decodes: 0,
            context: 0.0,
            longest: wants_longest.then(BinaryHeap::new),
            prefills: 0,
            committed: 0.0,
            steps: 0,
            ending: BinaryHeap::new(),
            admitted: Vec::new(),
            grown: 0,
            held: 0,
            hold_left: None,
            is_full: false,
            has_joined: false,
            changed: false,
            last_tokens: Vec::new(),
            hands_over: false,
            taken_back: 0,
        }
    }

    /// Requests here, waiting or running.
    pub(crate) fn requests(&self) -> usize {
        self.queue.len() + self.running() as usize
    }

    pub(crate) fn running(&self) -> u32 {
        self.decodes + self.prefills
    }

    pub(crate) fn push(&mut self, id: u32, request: &Request) {
        self.queue.push_back(id, request);
    }

    /// Whether there is anything to compute in the step at hand.
    pub(crate) fn is_busy(&self) -> bool {
        self.decodes_run || !self.prompts.is_empty()
    }

    /// Tokens that the decoding sequences add to the cache in a step.
    pub(crate) fn growth(&self, engine: &Engine) -> f64 {
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

    /// The step at hand, with contexts grown by so many tokens, among ranks that carry this on average.
    pub(crate) fn step(&self, growth: f64, average: Option<Average>) -> Step<'_> {
        let context = if self.decodes_run { self.mean_context() + growth } else { 0.0 };
        let longest = self.longest_context().map_or(context, |longest| longest + growth);
        Step { decodes: self.decoding(), context, longest, chunks: self.prompts.chunks(), average }
    }

    fn longest_context(&self) -> Option<f64> {
        let (longest, ..) = self.longest.as_ref()?.peek().filter(|_| self.decodes_run)?;
        Some((longest + self.steps as i64) as f64)
    }

    /// Sum of the cached tokens of the decoding sequences that run in the step at hand.
    pub(crate) fn context_run(&self) -> f64 {
        if self.decodes_run { self.context } else { 0.0 }
    }

    /// Whether its decoding sequences changed since this was last asked.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Whether one waits and there is a place for it, though perhaps no room in the cache.
    pub(crate) fn has_waiting(&self, engine: &Engine) -> bool {
        !self.queue.is_empty() && self.running() < engine.max_sequences
    }

    /// When the next cache that is being read is here.
    pub(crate) fn next_loaded(&self) -> Option<Time> {
        self.loading.peek().map(|Reverse((time, _))| *time)
    }

    /// The first that waits, if it has a place and room, and what is cached of it.
    fn candidate(&self, world: &World) -> Option<(u32, Found)> {
        if !self.has_waiting(world.engine) {
            return None;
        }
        let id = self.queue.front()?;
        let request = &world.requests[id];
        let found = self.cache.find(id, request, world.shared.as_ref(), world.now);
        let needed = self.cache.needed(request, &found);
        let first = if request.is_computed() { self.cache.growth.first_step(request.own()) } else { 0.0 };
        let growing = self.cache.growth.next(self.steps) + first;
        let reserved = commitment(world.engine, request);
        let has_room =
            growing + needed <= self.cache.room() && self.committed + reserved <= self.cache.blocks;
        has_room.then_some((id, found))
    }

    /// Puts the next step together. With `hold`, no prompt is begun.
    pub(crate) fn schedule(&mut self, world: &mut World, hold: bool) {
        let engine = world.engine;
        self.prompts.clear();
        self.has_joined = false;
        self.is_full = self.make_room(world);
        let beside = if engine.policy.rests_decodes() { 0.0 } else { self.growth(engine) };
        let mut left = (f64::from(engine.token_budget) - beside).max(0.0);
        if let Some(begun) = self.begun.take() {
            left -= self.compute(world.requests, begun, left);
        }
        let hold_left = self.hold_left(engine);
        if hold_left.is_none() {
            self.held = 0;
        }
        self.hold_left = hold_left.filter(|steps| *steps > 0);
        while let Some(&Reverse((_, id))) = self.loading.peek().filter(|next| next.0.0 <= world.now) {
            self.loading.pop();
            self.loaded.push_back(id);
        }
        if !self.is_full && !hold && self.hold_left.is_none() {
            left = self.begin_loaded(world, left);
            self.admit(world, left);
        }
        self.cache.note_peak();
        self.prompts.settle();
        self.decodes_run = self.decodes > 0 && (self.prompts.is_empty() || !engine.policy.rests_decodes());
    }

    fn begin_loaded(&mut self, world: &World, mut left: f64) -> f64 {
        while left > 0.0 {
            let Some(id) = self.loaded.pop_front() else { break };
            left -= self.begin(world, id, left);
        }
        left
    }

    /// Lets in those that wait, in order, while budget, places and cache last.
    fn admit(&mut self, world: &mut World, mut left: f64) {
        while left > 0.0 {
            let Some((id, found)) = self.candidate(world) else { break };
            let tokens = f64::from(world.requests[id].prompt() - found.tokens);
            // A prompt longer than a step, as one taken back may be, runs alone.
            let alone = self.decodes == 0 && self.prompts.is_empty();
            if tokens > left && !world.engine.policy.cuts_prompts() && !alone {
                break;
            }
            let limit = if world.engine.policy.cuts_prompts() { left } else { tokens };
            if !self.let_in(world, id, found) {
                continue;
            }
            if world.requests[id].is_computed() {
                self.note_admitted(world.requests, id);
                self.join(world, id);
                self.has_joined = true;
            } else {
                left -= self.begin(world, id, limit);
            }
        }
    }

    /// Takes a request out of the queue and gives it its blocks; whether all that was found of it is here already.
    fn let_in(&mut self, world: &mut World, id: u32, found: Found) -> bool {
        self.held = 0;
        let request = &mut world.requests[id];
        self.queue.pop_front(request);
        self.prefills += 1;
        request.committed = commitment(world.engine, request);
        self.committed += request.committed;
        request.admitted = request.admitted.min(world.now);
        if request.carried == 0 {
            request.hits += found.tokens;
        }
        let loaded = self.cache.admit(id, request, found, (world.shared, world.now));
        let later = loaded.filter(|loaded| *loaded > world.now);
        self.loading.extend(later.map(|loaded| Reverse((loaded, id))));
        later.is_none()
    }

    /// Begins to compute what is not cached of a prompt; returns the tokens that the step at hand does of it.
    fn begin(&mut self, world: &World, id: u32, limit: f64) -> f64 {
        self.note_admitted(world.requests, id);
        let done = f64::from(world.requests[id].hit);
        self.compute(world.requests, Begun { request: id, done }, limit)
    }

    fn note_admitted(&mut self, requests: &Requests, id: u32) {
        self.admitted.push((id, requests[id].version));
        if self.admitted.len() > 64 + 4 * self.running() as usize {
            self.admitted.retain(|(id, version)| requests[*id].version == *version);
        }
    }

    /// Adds a prompt's next chunk to the step at hand and returns its tokens.
    fn compute(&mut self, requests: &Requests, begun: Begun, limit: f64) -> f64 {
        let rest = f64::from(requests[begun.request].prompt()) - begun.done;
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
        let filling = self.growth(engine) + self.queue.tokens().min(budget);
        let waits = self.decodes > 0 && filling < wait.filled * budget && self.has_waiting(engine);
        waits.then(|| u64::from(wait.steps.saturating_sub(self.held)))
    }

    /// Takes back the newest until the cache has room for another token of every sequence; whether any was.
    fn make_room(&mut self, world: &mut World) -> bool {
        let before = self.taken_back;
        while self.running() > 1 && self.growth_left(1) < 1 {
            let Some(at) = self.victim(world.requests) else { break };
            let (id, version) = self.admitted.remove(at);
            if world.requests[id].version == version {
                self.take_back(world, id);
            }
        }
        self.taken_back > before
    }

    /// The newest of the least urgent.
    fn victim(&self, requests: &Requests) -> Option<usize> {
        let newest = self.admitted.len().checked_sub(1)?;
        if self.queue.has_one_level() {
            return Some(newest);
        }
        let priority = |at: &usize| {
            let (id, version) = self.admitted[*at];
            let request = &requests[id];
            // What has ended is cleared away first.
            if request.version == version { request.priority } else { u16::MAX }
        };
        (0..=newest).max_by_key(|at| (priority(at), *at))
    }

    fn take_back(&mut self, world: &mut World, id: u32) {
        let engine = world.engine;
        let request = &mut world.requests[id];
        self.committed -= request.committed;
        let holding = if let Some(begun) = self.begun.filter(|begun| begun.request == id) {
            self.begun = None;
            self.prefills -= 1;
            let holding = (self.cache.growth.held(request.own(), 0), begun.done - f64::from(request.shared));
            self.cache.release(id, request, holding);
            request.take_back(None, engine.tokens_per_step);
            holding
        } else {
            let holding = self.leave(engine, request);
            self.cache.release(id, request, holding);
            request.take_back(Some(self.steps), engine.tokens_per_step);
            holding
        };
        debug_assert!(holding.0 >= 0.0);
        self.taken_back += 1;
        self.queue.push_front(id, request);
    }

    /// A sequence decodes no more: returns what it holds by itself in whole blocks, and the tokens in them.
    fn leave(&mut self, engine: &Engine, request: &Request) -> (f64, f64) {
        let steps = request.decoded(self.steps);
        let grown = steps as f64 * engine.tokens_per_step;
        self.changed = true;
        self.decodes -= 1;
        self.context -= f64::from(request.prompt()) + grown;
        self.cache.growth.remove(request.phase(engine.kv_block.max(1)));
        (self.cache.growth.held(request.own(), steps), f64::from(request.own()) + grown)
    }

    /// Decode steps for which the cache has room, if they are no more than `most`; unbounded for one sequence alone,
    /// which was seen to fit.
    fn growth_left(&self, most: u64) -> u64 {
        let room = self.cache.room();
        if self.decodes == 0 || self.running() < 2 || room.is_infinite() {
            return u64::MAX;
        }
        self.cache.growth.steps_within(self.steps, room, most)
    }

    /// Steps without prompts until something happens here, at most so many: a sequence ends, the cache is full, held
    /// prompts go.
    pub(crate) fn steps_to_event(&mut self, requests: &Requests, most: u64) -> u64 {
        if self.is_full {
            return 1;
        }
        let most = most.min(self.steps_to_end(requests)).min(self.hold_left.unwrap_or(u64::MAX));
        let most = most.min(self.cache.steps_to_sharing(self.steps, most));
        most.min(self.growth_left(most)).max(1)
    }

    /// Decode steps until a sequence ends.
    fn steps_to_end(&mut self, requests: &Requests) -> u64 {
        while let Some(&Reverse((step, id, version))) = self.ending.peek() {
            if requests[id].version == version {
                return step - self.steps;
            }
            self.ending.pop();
        }
        u64::MAX
    }

    /// The cache grows as it has by the end of so many of the steps that are being played.
    pub(crate) fn catch_up(&mut self, steps: u64, shared: (&mut Option<Store>, Time)) {
        if self.decodes_run && steps > self.grown {
            self.cache.grow(self.steps + self.grown, steps - self.grown, shared);
            self.grown = steps;
        }
    }

    /// Ends a step, or as many steps without prompts.
    pub(crate) fn finish(&mut self, world: &mut World, steps: u64) {
        if self.decodes_run {
            self.catch_up(steps, (&mut *world.shared, world.now));
            self.grown = 0;
            self.steps += steps;
            self.context += self.growth(world.engine) * steps as f64;
        }
        if self.hold_left.is_some() {
            self.held += steps as u32;
        }
        if self.decodes_run {
            self.end_decodes(world);
            self.last_tokens.clear();
            self.last_tokens.push((self.decodes, world.now));
        }
        for at in 0..self.completing.len() {
            self.end_prefill(world, self.completing[at]);
        }
        self.completing.clear();
        self.trim_longest(world.requests);
    }

    fn trim_longest(&mut self, requests: &Requests) {
        let Some(longest) = &mut self.longest else { return };
        while longest.peek().is_some_and(|(_, id, version)| requests[*id].version != *version) {
            longest.pop();
        }
    }

    fn end_decodes(&mut self, world: &mut World) {
        while self.steps_to_end(world.requests) == 0 {
            let Some(Reverse((_, id, _))) = self.ending.pop() else { break };
            let request = &mut world.requests[id];
            let holding = self.leave(world.engine, request);
            self.end(world, id, holding);
        }
    }

    /// A request is answered to its last token.
    fn end(&mut self, world: &mut World, id: u32, holding: (f64, f64)) {
        let request = &mut world.requests[id];
        self.committed -= request.committed;
        request.last = world.now;
        request.version += 1;
        self.cache.release(id, request, holding);
        world.ended.push(id);
    }

    /// A prompt is computed: it gives a token, and the request decodes here, elsewhere, or not at all.
    fn end_prefill(&mut self, world: &mut World, id: u32) {
        let request = &mut world.requests[id];
        self.cache.store_prompt(request);
        if self.hands_over && request.output_left() > 1.0 {
            request.first = request.first.min(world.now);
            self.prefills -= 1;
            return self.hand_over(world, id);
        }
        self.join(world, id);
    }

    /// A request whose prompt is cached whole has its first token, and decodes.
    fn join(&mut self, world: &mut World, id: u32) {
        let engine = world.engine;
        let request = &mut world.requests[id];
        request.first = request.first.min(world.now);
        self.prefills -= 1;
        let Some(step) = request.join(self.steps, engine.tokens_per_step) else {
            let holding = (self.cache.growth.held(request.own(), 0), f64::from(request.own()));
            return self.end(world, id, holding);
        };
        self.changed = true;
        self.decodes += 1;
        self.context += f64::from(request.prompt());
        self.cache.growth.add(request.phase(engine.kv_block.max(1)));
        self.ending.push(Reverse((step, id, request.version)));
        if let Some(longest) = &mut self.longest {
            longest.push((i64::from(request.prompt()) - self.steps as i64, id, request.version));
        }
        match self.last_tokens.last_mut() {
            Some((sequences, last)) if *last == world.now => *sequences += 1,
            _ => self.last_tokens.push((1, world.now)),
        }
    }

    fn hand_over(&mut self, world: &mut World, id: u32) {
        let request = &mut world.requests[id];
        self.committed -= request.committed;
        let holding = (self.cache.growth.held(request.own(), 0), f64::from(request.own()));
        self.cache.release(id, request, holding);
        self.cache.drop_request(id);
        request.hand_over();
        world.ended.push(id);
    }

    /// Everything that was here leaves, as when the replica fails.
    pub(crate) fn fail(&mut self, engine: &Engine, caching: &Caching, piece: u32) -> Rank {
        let fresh = Self::new(engine, caching, piece, self.longest.is_some());
        let fresh = Self { hands_over: self.hands_over, taken_back: self.taken_back, ..fresh };
        std::mem::replace(self, fresh)
    }
}

/// Blocks that a request takes or reserves from when it is let in until it leaves.
fn commitment(engine: &Engine, request: &Request) -> f64 {
    let reserved = engine.reserved_output * (request.output_left() - 1.0);
    ((f64::from(request.prompt()) + reserved) / f64::from(engine.kv_block.max(1))).ceil()
}
