//! One replica of a deployment: a front end, and attention ranks that step together.
//!
//! A step costs O(1): ranks hold sums, and while nothing begins or ends many decode steps are played as one.

use crate::cache::{Caching, KvBlocks, Store};
use crate::line::Line;
use crate::pipeline::{self, Pipeline};
use crate::rank::{Rank, World};
use crate::record::{Recorder, StepRecord};
use crate::request::{Request, Requests};
use crate::time::Time;
use crate::{Engine, StepTimes};
use rackplan_perf::Average;
use std::collections::VecDeque;

/// Share of a prompt that has to be cached for its rank to be preferred, and by how many requests, and times as many, that
/// rank may be busier than the idlest: the cache-aware policy of the routers of vLLM and SGLang, with their defaults
/// (`--cache-threshold`, `--balance-abs-threshold`, `--balance-rel-threshold`).
const CACHED_SHARE: f64 = 0.3;
const BUSIER_BY: usize = 64;
const BUSIER_TIMES: f64 = 1.5;

/// What is played at the moment: steps that began, and when they end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Running {
    pub(crate) began: Time,
    pub(crate) steps: u64,
    pub(crate) end: Time,
    /// One step with prompts in it.
    pub(crate) has_prompts: bool,
}

#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) number: u32,
    pub(crate) engine: Engine,
    caching: Caching,
    piece: u32,
    pub(crate) ranks: Vec<Rank>,
    /// Sent and not yet received by the scheduler, in the order in which it sees them.
    pub(crate) incoming: VecDeque<(Time, u32)>,
    /// Batches in flight, if there are several stages.
    pub(crate) pipeline: Option<Pipeline>,
    running: Option<Running>,
    line: Option<Line>,
    /// When the step that was played last began, or the first of several on a line.
    began: Time,
    first_token_overhead: Time,
    tokeniser_free: Time,
    /// Decode steps since the scheduler last looked for requests.
    since_receiving: u64,
    /// Steps for which prompts have been held until every rank has one, and for which they still are.
    balanced: u32,
    balance_left: Option<u64>,
    skips_ahead: bool,
}

/// What a replica touches outside itself while something happens.
pub(crate) struct Around<'a, 'r> {
    pub(crate) requests: &'a mut Requests,
    pub(crate) now: Time,
    pub(crate) shared: &'a mut Option<Store>,
    pub(crate) ended: &'a mut Vec<u32>,
    pub(crate) recorder: &'a mut Recorder<'r>,
}

impl Replica {
    pub(crate) fn new(
        number: u32,
        engine: &Engine,
        (caching, piece): (&Caching, u32),
        (wants_longest, skips_ahead): (bool, bool),
    ) -> Self {
        let pipeline = Pipeline::of(engine);
        let engine = &pipeline::of_a_batch(engine);
        let rank = |_| Rank::new(engine, caching, piece, wants_longest);
        Self {
            number,
            engine: *engine,
            pipeline,
            caching: caching.clone(),
            piece,
            ranks: (0..engine.ranks).map(rank).collect(),
            incoming: VecDeque::new(),
            running: None,
            line: None,
            began: Time::ZERO,
            first_token_overhead: Time::from_seconds(engine.first_token_overhead.get()),
            tokeniser_free: Time::ZERO,
            since_receiving: 0,
            balanced: 0,
            balance_left: None,
            skips_ahead,
        }
    }

    /// Requests here, not yet seen ones included.
    pub(crate) fn outstanding(&self) -> usize {
        self.queued() + self.ranks.iter().map(|rank| rank.running() as usize).sum::<usize>()
    }

    /// Requests that wait to be let in.
    pub(crate) fn queued(&self) -> usize {
        self.incoming.len() + pipeline::queued(self.pipeline.as_ref(), &self.ranks)
    }

    /// Cache blocks of each rank. Batches of a pipeline share one cache, whose free blocks the first shows.
    pub(crate) fn kv_blocks(&self) -> impl Iterator<Item = KvBlocks> {
        let share = self.pipeline.is_some();
        self.ranks.iter().enumerate().map(move |(at, rank)| match rank.cache.state() {
            state if share && at > 0 => KvBlocks { free: 0.0, ..state },
            state => state,
        })
    }

    /// Caches grow as far as steps have ended before now, so that who looks into them sees the same whether steps are
    /// played one by one or many at once.
    pub(crate) fn catch_up(&mut self, now: Time, shared: &mut Option<Store>) {
        if let Some(ended) = self.ended(now) {
            for rank in &mut self.ranks {
                rank.catch_up(ended.steps, (&mut *shared, now));
            }
        }
    }

    /// Of the steps that are being played those that ended before now, if any did.
    fn ended(&self, now: Time) -> Option<Running> {
        let (running, line) = (self.running.filter(|running| running.steps > 1)?, self.line.as_ref()?);
        let steps = line.steps_to(now).saturating_sub(1).min(running.steps - 1);
        (steps > 0).then(|| Running { steps, end: line.end(steps), ..running })
    }

    /// The play ends here and now, with steps under way.
    pub(crate) fn stop(&mut self, now: Time, shared: &mut Option<Store>, recorder: &mut Recorder) {
        let after = now + Time::from_seconds(1e-9);
        self.catch_up(after, shared);
        if let Some(ended) = self.ended(after) {
            self.record(&ended, &self.ranks, recorder);
        }
    }

    /// Prompt tokens of a request that are cached on some rank.
    pub(crate) fn match_tokens(&self, request: &Request) -> u32 {
        self.ranks.iter().map(|rank| rank.cache.match_tokens(request)).max().unwrap_or(0)
    }

    /// When something happens here next.
    pub(crate) fn next_event(&self) -> Time {
        if let Some(running) = self.running {
            return running.end;
        }
        let seen = self.incoming.front().map(|next| next.0);
        if let Some(pipeline) = &self.pipeline {
            return pipeline.next_event(seen, &self.ranks);
        }
        let loaded = self.ranks.iter().filter_map(Rank::next_loaded);
        loaded.chain(seen).min().unwrap_or(Time::NEVER)
    }

    /// A request arrives at the front end.
    pub(crate) fn submit(&mut self, id: u32, requests: &mut Requests, now: Time) {
        let request = &mut requests[id];
        request.replica = self.number;
        let seen = if request.is_computed() {
            now
        } else {
            let tokenise = self.engine.tokenise_per_token.get() * f64::from(request.input);
            // Of several front ends each takes its share of the requests, and as long for one.
            let of_all = tokenise / f64::from(self.engine.front_ends);
            self.tokeniser_free = self.tokeniser_free.max(now) + Time::from_seconds(of_all);
            self.tokeniser_free + Time::from_seconds(tokenise - of_all) + self.first_token_overhead
        };
        request.seen = seen;
        self.incoming.push_back((seen, id));
        if let (Some(running), Some(line)) = (&mut self.running, &self.line) {
            let steps = steps_to_receiving(&self.engine, line, self.incoming[0].0, self.since_receiving);
            if steps < running.steps {
                (running.steps, running.end) = (steps, line.end(steps));
            }
        }
    }

    /// Something happens: what runs has ended, or an idle replica has something to do.
    pub(crate) fn finish(&mut self, around: &mut Around) {
        if self.pipeline.is_some() {
            return self.finish_batches(around);
        }
        let Some(running) = self.running.take() else {
            // An idle engine takes a request at once.
            self.began = around.now;
            self.since_receiving = 0;
            return;
        };
        let steps = running.steps;
        self.since_receiving = if running.has_prompts { 0 } else { self.since_receiving + steps };
        self.began = running.began;
        if self.balance_left.is_some() {
            self.balanced += steps as u32;
        }
        self.record(&running, &self.ranks, around.recorder);
        if let Some(line) = &mut self.line {
            line.played += steps;
        }
        let mut world = World {
            engine: &self.engine,
            requests: around.requests,
            now: around.now,
            shared: around.shared,
            ended: around.ended,
        };
        for rank in &mut self.ranks {
            rank.finish(&mut world, steps);
        }
    }

    pub(crate) fn record(&self, running: &Running, ranks: &[Rank], recorder: &mut Recorder) {
        let &Running { began, steps, end, .. } = running;
        let first = self.line.as_ref().filter(|_| steps > 1).map_or(end, |line| line.end(1));
        let mut step = StepRecord { replica: self.number, began, end, steps, ..StepRecord::default() };
        // Sequences whose last token came as the first step began: their gap is that step.
        let mut in_time = 0;
        for rank in ranks {
            step.prompt_tokens += rank.prompts.tokens();
            if rank.decodes_run {
                step.decodes += rank.decodes;
                step.context += rank.context_run();
                step.growth += rank.growth(&self.engine);
                for &(sequences, last) in &rank.last_tokens {
                    if last == began {
                        in_time += sequences;
                    } else {
                        recorder.itl.add(first - last, sequences);
                    }
                }
            }
        }
        match &self.line {
            Some(line) => {
                recorder.itl.add_steps(line, 0..1, first - began, in_time);
                recorder.itl.add_steps(line, 1..steps, end - first, step.decodes);
            }
            None => recorder.itl.add(end - began, in_time),
        }
        recorder.step(&step);
    }

    /// Puts the next step together, if there is anything to do.
    pub(crate) fn wake(&mut self, times: &impl StepTimes, around: &mut Around) {
        if self.pipeline.is_some() {
            return self.wake_batches(times, around);
        }
        self.receive(around.requests, around.now);
        self.schedule(around);
        if self.ranks.iter().any(Rank::is_busy) {
            self.start(times, around);
        } else {
            self.line = None;
        }
    }

    /// Hands what the scheduler sees to the ranks.
    fn receive(&mut self, requests: &Requests, now: Time) {
        if self.incoming.is_empty()
            || !self.since_receiving.is_multiple_of(u64::from(self.engine.receive_interval))
        {
            return;
        }
        let horizon = if self.engine.schedules_ahead { self.last_step_began() } else { now };
        while let Some(&(_, id)) = self.incoming.front().filter(|next| next.0 <= horizon) {
            self.incoming.pop_front();
            let request = &requests[id];
            let rank = if self.ranks.len() == 1 { 0 } else { self.rank_for(request) };
            self.ranks[rank].push(id, request);
        }
    }

    /// When the last step began: what is seen later is not in the next one if that is scheduled ahead.
    fn last_step_began(&self) -> Time {
        self.line.as_ref().map_or(self.began, Line::last_began)
    }

    /// The rank that has most of a prompt in its cache, if that is enough of it and the rank is not far busier than others;
    /// else the one with the fewest requests.
    fn rank_for(&self, request: &Request) -> usize {
        let (mut fewest, mut cached) = ((0, usize::MAX), (0, 0));
        for (at, rank) in self.ranks.iter().enumerate() {
            let (requests, tokens) = (rank.requests(), rank.cache.match_tokens(request));
            if requests < fewest.1 {
                fewest = (at, requests);
            }
            if tokens > cached.1 {
                cached = (at, tokens);
            }
        }
        let busy = self.ranks[cached.0].requests();
        let is_worth = f64::from(cached.1) > CACHED_SHARE * f64::from(request.input);
        let is_far = busy > fewest.1 + BUSIER_BY && busy as f64 > BUSIER_TIMES * fewest.1 as f64;
        if is_worth && !is_far { cached.0 } else { fewest.0 }
    }

    fn schedule(&mut self, around: &mut Around) {
        let balance_left = self.balance_left();
        if balance_left.is_none() {
            self.balanced = 0;
        }
        self.balance_left = balance_left.filter(|steps| *steps > 0);
        let hold = self.balance_left.is_some();
        let mut world = World {
            engine: &self.engine,
            requests: around.requests,
            now: around.now,
            shared: around.shared,
            ended: around.ended,
        };
        for rank in &mut self.ranks {
            rank.schedule(&mut world, hold);
        }
    }

    /// Steps for which prompts are still held until every rank has one; none if none is to be. They are held only
    /// while every rank decodes.
    fn balance_left(&self) -> Option<u64> {
        if self.engine.balance_wait == 0 || self.ranks.len() < 2 {
            return None;
        }
        let ready = self.ranks.iter().filter(|rank| rank.has_waiting(&self.engine)).count();
        let waits = ready > 0 && ready < self.ranks.len() && self.ranks.iter().all(|rank| rank.decodes > 0);
        waits.then(|| u64::from(self.engine.balance_wait.saturating_sub(self.balanced)))
    }

    /// Begins the step at hand, or as many decode steps as pass before something can happen.
    fn start(&mut self, times: &impl StepTimes, around: &Around) {
        let began = around.now;
        let changed = self.ranks.iter_mut().fold(false, |changed, rank| rank.take_changed() | changed);
        if self.ranks.iter().any(|rank| !rank.prompts.is_empty()) {
            self.line = None;
            let end = began + Time::from_seconds(self.slowest(times, 0.0));
            self.running = Some(Running { began, steps: 1, end, has_prompts: true });
            return;
        }
        let line = match self.line.take().filter(|line| !changed && line.left() > 0) {
            Some(line) => line,
            None => self.new_line(times, began),
        };
        let mut steps = if self.skips_ahead { self.steps_to_event(&line, around.requests) } else { 1 };
        if let Some(next) = self.incoming.front() {
            steps = steps.min(steps_to_receiving(&self.engine, &line, next.0, self.since_receiving));
        }
        if let Some(loaded) = self.ranks.iter().filter_map(Rank::next_loaded).min() {
            steps = steps.min(line.steps_to(loaded).max(1));
        }
        self.running = Some(Running { began, steps, end: line.end(steps), has_prompts: false });
        self.line = Some(line);
    }

    /// The line on which decode steps lie from now on.
    fn new_line(&self, times: &impl StepTimes, now: Time) -> Line {
        let tokens = self.engine.tokens_per_step;
        let straight = |rank: &Rank| {
            let step = rank.step(0.0, None);
            (times.straight_to(&step) - step.context) / tokens
        };
        let decoding = self.ranks.iter().filter(|rank| rank.decodes_run);
        let more = decoding.map(straight).fold(f64::INFINITY, f64::min).clamp(0.0, 1e9) as u64;
        let first = self.slowest(times, 0.0);
        let last = more as f64;
        let slope = if more > 0 { (self.slowest(times, last * tokens) - first) / last } else { 0.0 };
        Line::new(now, (first, slope), more + 1)
    }

    fn steps_to_event(&mut self, line: &Line, requests: &Requests) -> u64 {
        // Those who joined without a prompt may change whether others are held, which shows when the next step is scheduled.
        let holds = || self.balanced > 0 || self.ranks.iter().any(|rank| !rank.queue.is_empty());
        if self.ranks.iter().any(|rank| rank.has_joined) && holds() {
            return 1;
        }
        let mut steps = self.balance_left.unwrap_or(u64::MAX).min(line.left());
        for rank in self.ranks.iter_mut().filter(|rank| rank.decodes > 0) {
            steps = rank.steps_to_event(requests, steps);
        }
        steps.max(1)
    }

    /// Time of the step at hand with contexts grown by so many tokens: that of the slowest rank.
    ///
    /// Only the ranks with the most sequences, the most cached tokens and the most prompt tokens are asked for.
    fn slowest(&self, times: &impl StepTimes, growth: f64) -> f64 {
        if let [rank] = self.ranks.as_slice() {
            return times.time(&rank.step(growth, None)).max(0.0);
        }
        let average = Some(self.average());
        let time_of = |rank: usize| times.time(&self.ranks[rank].step(growth, average)).max(0.0);
        let most = |key: fn(&Rank) -> (f64, f64)| {
            let better = |best: usize, at: usize| {
                if key(&self.ranks[at]) > key(&self.ranks[best]) { at } else { best }
            };
            (1..self.ranks.len()).fold(0, better)
        };
        let decodes = most(|rank| (rank.decoding(), rank.context_run()));
        let context = most(|rank| (rank.context_run(), 0.0));
        let prompts = most(|rank| (rank.prompts.tokens(), rank.context_run()));
        let mut slowest = time_of(decodes);
        if context != decodes {
            slowest = slowest.max(time_of(context));
        }
        if prompts != decodes && prompts != context && !self.ranks[prompts].prompts.is_empty() {
            slowest = slowest.max(time_of(prompts));
        }
        slowest
    }

    /// What ranks carry on average, idle ones included.
    fn average(&self) -> Average {
        let ranks = self.ranks.len() as f64;
        let sum = |of: fn(&Rank) -> f64| self.ranks.iter().map(of).sum::<f64>() / ranks;
        Average { decodes: sum(Rank::decoding), prompt_tokens: sum(|rank| rank.prompts.tokens()) }
    }

    /// Everything that was here is lost; steps that had ended were played.
    pub(crate) fn fail(&mut self, now: Time, recorder: &mut Recorder) {
        if let Some(ended) = self.ended(now) {
            self.record(&ended, &self.ranks, recorder);
        }
        for rank in &mut self.ranks {
            rank.fail(&self.engine, &self.caching, self.piece);
        }
        self.incoming.clear();
        self.pipeline = Pipeline::of(&self.engine);
        (self.running, self.line) = (None, None);
        (self.began, self.tokeniser_free) = (now, now);
        (self.since_receiving, self.balanced, self.balance_left) = (0, 0, None);
    }
}

/// Steps of a line after which the scheduler gets a request that it sees at a given time.
fn steps_to_receiving(engine: &Engine, line: &Line, seen: Time, since_receiving: u64) -> u64 {
    let ahead = u64::from(engine.schedules_ahead);
    let steps = line.steps_to(seen).saturating_add(ahead).max(1);
    let interval = u64::from(engine.receive_interval);
    let over = since_receiving.saturating_add(steps) % interval;
    if over == 0 { steps } else { steps.saturating_add(interval - over) }
}
