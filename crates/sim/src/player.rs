//! Plays a client against an engine: requests are sent, seen, let in, computed and answered, step by step.
//!
//! A step costs O(1): ranks hold sums, and where nothing begins or ends many decode steps are played as one.

use crate::metrics::{Played, Tally};
use crate::rank::Rank;
use crate::request::Request;
use crate::stretch::Stretch;
use crate::{Engine, Load, Policy, StepTimes, Workload};
use rackplan_perf::Average;
use rackplan_units::Seconds;
use std::collections::VecDeque;

/// How to play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Play many decode steps as one where nothing begins or ends. Off, every step is asked for.
    pub skip_ahead: bool,
    /// Keep a row per request.
    pub rows: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { skip_ahead: true, rows: false }
    }
}

/// Plays a workload to its end.
pub fn play(engine: &Engine, times: &impl StepTimes, workload: &Workload) -> Played {
    play_with(engine, times, workload, Options::default())
}

/// Plays a workload to its end, with options.
pub fn play_with(engine: &Engine, times: &impl StepTimes, workload: &Workload, options: Options) -> Played {
    let engine = match workload.load {
        Load::StaticBatch { batch } => static_engine(engine.checked(), batch),
        _ => engine.checked(),
    };
    let mut player = Player::new(engine, times, workload, options);
    player.send_unprompted(workload);
    player.run();
    player.tally.result(&player.requests, &player.ranks, options.rows)
}

/// The engine of a static batch: one step takes all prompts, nothing is in front of it.
fn static_engine(engine: Engine, batch: u32) -> Engine {
    Engine {
        policy: Policy::WholeWithDecodes,
        token_budget: u32::MAX,
        max_sequences: batch.max(1),
        tokenise_per_token: Seconds::new(0.0),
        first_token_overhead: Seconds::new(0.0),
        schedules_ahead: false,
        receive_interval: 1,
        batch_wait: None,
        balance_wait: 0,
        reserved_output: 1.0,
        ..engine
    }
}

struct Player<'a, T> {
    engine: Engine,
    times: &'a T,
    skip_ahead: bool,
    /// A closed loop: the end of a request sends the next one.
    answers: bool,
    requests: Vec<Request>,
    /// Requests sent so far.
    sent: usize,
    /// Sent and not yet received by the scheduler, in the order in which it sees them.
    incoming: VecDeque<u32>,
    ranks: Vec<Rank>,
    now: f64,
    /// When the running step began: what is seen later is not in the next one if that is scheduled ahead.
    step_began: f64,
    tokeniser_free: f64,
    /// Decode steps since the scheduler last looked for requests.
    since_receiving: u64,
    /// Steps for which prompts have been held until every rank has one, and for which they still are.
    balanced: u32,
    balance_left: Option<u64>,
    ended: Vec<u32>,
    tally: Tally,
}

impl<'a, T: StepTimes> Player<'a, T> {
    fn new(engine: Engine, times: &'a T, workload: &Workload, options: Options) -> Self {
        let requests: Vec<Request> = workload.lengths().map(|(i, o)| Request::new(i, o)).collect();
        Self {
            engine,
            times,
            skip_ahead: options.skip_ahead,
            answers: matches!(workload.load, Load::ClosedLoop { .. }),
            incoming: VecDeque::new(),
            ranks: (0..engine.ranks).map(|_| Rank::default()).collect(),
            now: 0.0,
            step_began: 0.0,
            sent: 0,
            tokeniser_free: 0.0,
            since_receiving: 0,
            balanced: 0,
            balance_left: None,
            ended: Vec::new(),
            tally: Tally::default(),
            requests,
        }
    }

    fn send_unprompted(&mut self, workload: &Workload) {
        for time in workload.sending_times() {
            self.send(time);
        }
    }

    /// Sends the next request, and those after it while they are refused.
    fn send(&mut self, time: f64) {
        while self.sent < self.requests.len() {
            let id = self.sent;
            self.sent += 1;
            let request = &mut self.requests[id];
            request.sent = time;
            let refusal = self.engine.refuses(request.input, request.output);
            if let Some(refusal) = refusal {
                self.tally.refuse(refusal);
                if self.answers { continue } else { return }
            }
            let tokenise = self.engine.tokenise_per_token.get() * f64::from(request.input);
            self.tokeniser_free = self.tokeniser_free.max(time) + tokenise;
            request.seen = self.tokeniser_free + self.engine.first_token_overhead.get();
            self.incoming.push_back(id as u32);
            return;
        }
    }

    fn run(&mut self) {
        loop {
            self.receive();
            self.schedule();
            if self.ranks.iter().any(Rank::is_busy) {
                self.step();
            } else if let Some(seen) = self.next_seen() {
                // An idle engine takes a request at once.
                self.now = self.now.max(seen);
                self.step_began = self.now;
                self.since_receiving = 0;
            } else {
                break;
            }
        }
    }

    fn next_seen(&self) -> Option<f64> {
        self.incoming.front().map(|&id| self.requests[id as usize].seen)
    }

    /// Hands what the scheduler sees to the rank with the fewest requests.
    fn receive(&mut self) {
        if !self.since_receiving.is_multiple_of(u64::from(self.engine.receive_interval)) {
            return;
        }
        let horizon = if self.engine.schedules_ahead { self.step_began } else { self.now };
        while self.next_seen().is_some_and(|seen| seen <= horizon) {
            let Some(id) = self.incoming.pop_front() else { break };
            if let Some(rank) = self.ranks.iter_mut().min_by_key(|rank| rank.requests()) {
                rank.push(id, &self.requests[id as usize]);
            }
        }
    }

    fn schedule(&mut self) {
        let balance_left = self.balance_left();
        if balance_left.is_none() {
            self.balanced = 0;
        }
        self.balance_left = balance_left.filter(|steps| *steps > 0);
        for rank in &mut self.ranks {
            rank.schedule(&self.engine, &mut self.requests, self.balance_left.is_some());
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

    /// Plays the step at hand, or a stretch of decode steps, and what comes of it.
    fn step(&mut self) {
        let has_prompts = self.ranks.iter().any(|rank| !rank.prompts.is_empty());
        let steps = if has_prompts || !self.skip_ahead { self.single() } else { self.stretch() };
        self.since_receiving = if has_prompts { 0 } else { self.since_receiving + steps };
        if self.balance_left.is_some() {
            self.balanced += steps as u32;
        }
        self.tally.steps(steps, &self.ranks);
        let mut ended = std::mem::take(&mut self.ended);
        for rank in &mut self.ranks {
            rank.finish(&self.engine, &mut self.requests, (steps, self.now), &mut ended);
        }
        for _ in ended.drain(..) {
            if self.answers {
                self.send(self.now);
            }
        }
        self.ended = ended;
    }

    fn single(&mut self) -> u64 {
        self.step_began = self.now;
        self.now += self.slowest(0.0);
        1
    }

    /// As many decode steps as pass before something can happen.
    fn stretch(&mut self) -> u64 {
        let limit = self.steps_to_event();
        let first = self.slowest(0.0);
        let growth = (limit - 1) as f64 * self.engine.tokens_per_step;
        let last = if limit > 1 { self.slowest(growth) } else { first };
        let stretch = Stretch::through(first, last, limit);
        let steps = self.steps_to_receiving(&stretch).clamp(1, limit);
        self.step_began = self.now + stretch.elapsed(steps - 1);
        self.now += stretch.elapsed(steps);
        steps
    }

    fn steps_to_event(&mut self) -> u64 {
        let mut steps = self.balance_left.unwrap_or(u64::MAX);
        for rank in self.ranks.iter_mut().filter(|rank| rank.decodes > 0) {
            let limit = Stretch::limit(rank.mean_context(), self.engine.tokens_per_step);
            steps = steps.min(limit).min(rank.steps_to_event(&self.engine, &self.requests));
        }
        steps.max(1)
    }

    /// Steps after which the scheduler gets the next request.
    fn steps_to_receiving(&self, stretch: &Stretch) -> u64 {
        let Some(seen) = self.next_seen() else { return u64::MAX };
        let ahead = u64::from(self.engine.schedules_ahead);
        let steps = stretch.steps_to(seen - self.now).saturating_add(ahead).max(1);
        let interval = u64::from(self.engine.receive_interval);
        let over = self.since_receiving.saturating_add(steps) % interval;
        if over == 0 { steps } else { steps.saturating_add(interval - over) }
    }

    /// Time of the step at hand with contexts grown by so many tokens: that of the slowest rank.
    ///
    /// Only the ranks with the most sequences, the most cached tokens and the most prompt tokens are asked for.
    fn slowest(&self, growth: f64) -> f64 {
        if let [rank] = self.ranks.as_slice() {
            let carried = rank.carried(growth);
            return self.times.step(carried.decodes, carried.context, carried.chunks()).max(0.0);
        }
        let average = Some(self.average());
        let time_of = |rank: usize| {
            let carried = self.ranks[rank].carried(growth);
            self.times.step_among(carried.decodes, carried.context, carried.chunks(), average).max(0.0)
        };
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
}
