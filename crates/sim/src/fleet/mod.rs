//! Plays clients against a fleet: requests are sent, routed, computed and answered, event by event.
//!
//! There is one loop for everything from a lean benchmark client against one engine to a fleet that scales and fails.

mod control;
mod events;
mod router;
mod settings;
mod transfer;

use crate::cache::{KvBlocks, Store};
use crate::record::Recorder;
use crate::replica::{Around, Replica};
use crate::request::{Request, Requests};
use crate::time::Time;
use crate::{Refusal, StepTimes};
use control::Control;
use events::{Event, Events};
use rackplan_traffic::{Answered, Sent, Source};
use router::Routing;
pub use settings::{Decoders, Fleet, Outage, Router, Scaling};
pub use transfer::TransferTotals;
use transfer::Transfers;

/// How a fleet is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct How {
    pub(crate) skips_ahead: bool,
    pub(crate) seed: u64,
    /// How often the fleet is looked at; none for never.
    pub(crate) sample_every: Option<Time>,
    /// When the play ends, whatever is still under way.
    pub(crate) until: Time,
}

/// A fleet at play.
pub(crate) struct Playing<'a, 'r, T, S> {
    fleet: &'a Fleet,
    /// Step times: of the fleet, and of those that generate, if they are others.
    times: &'a [T],
    source: &'a mut S,
    pub(crate) recorder: Recorder<'r>,
    pub(crate) requests: Requests,
    pub(crate) replicas: Vec<Replica>,
    /// When something happens at each replica next.
    next: Vec<Time>,
    events: Events,
    coming: Option<(Time, Sent)>,
    pub(crate) control: Control,
    routing: Routing,
    decode_routing: Routing,
    pub(crate) transfers: Transfers,
    /// The tier that all replicas share.
    pub(crate) shared: Option<Store>,
    /// Requests for which no replica serves at the moment.
    stranded: Vec<u32>,
    ended: Vec<u32>,
    how: How,
    pub(crate) now: Time,
    pub(crate) sent: u64,
    pub(crate) lost: u64,
    answered: u64,
    pub(crate) stopped: bool,
}

/// Events between two questions whether to stop.
const LOOK_UP_EVERY: u64 = 4096;

impl<'a, 'r, T: StepTimes, S: Source> Playing<'a, 'r, T, S> {
    /// The first step times are those of all replicas; a second kind, if given, of those that generate.
    pub(crate) fn new(
        fleet: &'a Fleet,
        times: &'a [T],
        source: &'a mut S,
        recorder: Recorder<'r>,
        how: How,
    ) -> Self {
        let piece = source.block_tokens().unwrap_or(1);
        let wants_longest = times.iter().any(StepTimes::wants_longest);
        let (prompting, generating) =
            (fleet.most(), fleet.decoders.as_ref().map_or(0, |d| d.replicas.max(1)));
        let replica = |number: u32| {
            let engine = match &fleet.decoders {
                Some(decoders) if number >= prompting => &decoders.engine,
                _ => &fleet.engine,
            };
            let mut replica = Replica::new(
                number,
                &engine.checked(),
                (&fleet.caching, piece),
                (wants_longest, how.skips_ahead),
            );
            for rank in &mut replica.ranks {
                rank.hands_over = number < prompting && generating > 0;
            }
            replica
        };
        let all = prompting + generating;
        let shared = fleet.caching.tiers.iter().find(|tier| tier.is_shared);
        let mut playing = Self {
            times,
            recorder,
            requests: Requests::default(),
            replicas: (0..all).map(replica).collect(),
            next: vec![Time::NEVER; all as usize],
            events: Events::default(),
            coming: None,
            control: Control::new(fleet, all, how.seed),
            routing: Routing::new(fleet.router, all as usize, how.seed),
            decode_routing: Routing::new(
                fleet.decoders.as_ref().map_or(Router::LeastOutstanding, |decoders| decoders.router),
                all as usize,
                how.seed,
            ),
            transfers: Transfers::new(all),
            shared: shared.map(|tier| Store::new(tier, &fleet.caching)),
            stranded: Vec::new(),
            ended: Vec::new(),
            now: Time::ZERO,
            sent: 0,
            lost: 0,
            answered: 0,
            stopped: false,
            fleet,
            source,
            how,
        };
        playing.control.begin(fleet, &mut playing.events);
        if let Some(every) = how.sample_every {
            playing.events.at(every, Event::Sample);
        }
        playing
    }

    /// Plays until nobody sends any more and all is answered, or until it is told to stop.
    pub(crate) fn run(&mut self) {
        self.look_ahead();
        let mut played = 0_u64;
        while self.goes_on() {
            played += 1;
            if played.is_multiple_of(LOOK_UP_EVERY) && self.is_stopped() {
                self.stopped = true;
                break;
            }
            let arrival = self.coming.as_ref().map_or(Time::NEVER, |coming| coming.0);
            let event = self.events.next_time();
            let (replica, step) = self.first_replica();
            let next = arrival.min(event).min(step);
            if next > self.how.until {
                self.end_at(self.how.until);
                break;
            }
            if next == Time::NEVER {
                break;
            }
            self.now = self.now.max(next);
            if event == next {
                self.happen();
            } else if arrival == next {
                if let Some((_, sent)) = self.coming.take() {
                    self.look_ahead();
                    self.send_new(sent);
                }
            } else {
                self.step(replica);
            }
        }
    }

    /// The play ends with steps under way: those that have ended count.
    fn end_at(&mut self, until: Time) {
        self.now = until;
        for replica in &mut self.replicas {
            replica.stop(until, &mut self.shared, &mut self.recorder);
        }
    }

    fn look_ahead(&mut self) {
        self.coming = self.source.next_sent().map(|sent| (Time::from_seconds(sent.at), sent));
    }

    /// Whether anything is to come that a client sees.
    fn goes_on(&self) -> bool {
        self.coming.is_some() || self.events.pending > 0 || self.requests.len() > 0
    }

    fn is_stopped(&mut self) -> bool {
        let (now, answered) = (self.now, self.answered);
        self.recorder.observer.as_mut().is_some_and(|observer| observer.stops(now, answered))
    }

    /// The replica at which something happens first, the lowest number of several.
    fn first_replica(&self) -> (usize, Time) {
        let mut first = (0, self.next[0]);
        for (replica, &time) in self.next.iter().enumerate().skip(1) {
            if time < first.1 {
                first = (replica, time);
            }
        }
        first
    }

    fn times_of(&self, replica: usize) -> &'a T {
        let generates = replica >= self.control.prompting as usize;
        if generates { &self.times[self.times.len() - 1] } else { &self.times[0] }
    }

    /// What runs at a replica ends, its clients react, and it goes on.
    fn step(&mut self, replica: usize) {
        self.at_replica(replica, |replica, _, around| replica.finish(around));
        for at in 0..self.ended.len() {
            self.leave(self.ended[at]);
        }
        self.ended.clear();
        self.at_replica(replica, |replica, times, around| replica.wake(times, around));
        self.next[replica] = self.replicas[replica].next_event();
        if self.fleet.scaling.is_some() {
            self.control.check_drained(&self.replicas[replica], self.now);
        }
    }

    fn at_replica(&mut self, replica: usize, act: impl FnOnce(&mut Replica, &T, &mut Around)) {
        let times = self.times_of(replica);
        let mut around = Around {
            requests: &mut self.requests,
            now: self.now,
            shared: &mut self.shared,
            ended: &mut self.ended,
            recorder: &mut self.recorder,
        };
        act(&mut self.replicas[replica], times, &mut around);
    }

    /// A request leaves its replica: answered, or to be continued where caches are generated from.
    fn leave(&mut self, id: u32) {
        let request = &self.requests[id];
        let replica = request.replica as usize;
        self.control.leaves(replica, request);
        if !request.is_done() {
            return self.hand_over(id);
        }
        self.recorder.answered(request);
        self.answered += 1;
        let answered = answered(request, self.now);
        self.requests.remove(id);
        if let Some(sent) = self.source.answered(&answered) {
            self.send_later_or_now(sent);
        }
    }

    fn send_later_or_now(&mut self, sent: Sent) {
        let at = Time::from_seconds(sent.at);
        if at <= self.now {
            return self.send_new(sent);
        }
        let id = self.requests.add(Request::new(sent, 0));
        self.requests[id].replica = NOWHERE;
        self.events.at(at, Event::Send { id, is_new: true });
    }

    fn send_new(&mut self, sent: Sent) {
        let id = self.requests.add(Request::new(sent, 0));
        self.send_first(id);
    }

    /// A request is sent for the first time; if it is refused, its client may send the next.
    fn send_first(&mut self, mut id: u32) {
        loop {
            let request = &mut self.requests[id];
            request.number = self.sent;
            request.sent = self.now;
            self.sent += 1;
            self.recorder.sent(request);
            let Some(refusal) = refuses(self.fleet, &self.replicas, request) else {
                return self.route(id);
            };
            self.recorder.refuse(request, refusal);
            let answered = Answered { output: 0, ..answered(request, self.now) };
            self.requests.remove(id);
            let Some(sent) = self.source.answered(&answered) else { return };
            let at = Time::from_seconds(sent.at);
            id = self.requests.add(Request::new(sent, 0));
            if at > self.now {
                self.requests[id].replica = NOWHERE;
                return self.events.at(at, Event::Send { id, is_new: true });
            }
        }
    }

    /// Hands a request to a replica.
    fn route(&mut self, id: u32) {
        self.refresh_signals();
        if self.fleet.router == Router::PrefixAware {
            self.catch_up();
        }
        let request = &self.requests[id];
        let chosen = self.routing.choose(&self.control.open, &self.replicas, request);
        match chosen {
            Some(replica) => self.submit(id, replica as usize),
            None => {
                self.requests[id].replica = NOWHERE;
                self.stranded.push(id);
            }
        }
    }

    /// Caches are as full as they would be had steps been played one by one.
    fn catch_up(&mut self) {
        for replica in &mut self.replicas {
            replica.catch_up(self.now, &mut self.shared);
        }
    }

    fn submit(&mut self, id: u32, replica: usize) {
        let cached = if self.fleet.router == Router::PrefixAware {
            self.replicas[replica].match_tokens(&self.requests[id])
        } else {
            0
        };
        self.control.arrives(replica, &mut self.requests[id], cached);
        self.replicas[replica].submit(id, &mut self.requests, self.now);
        self.next[replica] = self.replicas[replica].next_event();
    }

    /// What the router knows, if it is always up to date.
    fn refresh_signals(&mut self) {
        if self.fleet.signal_age.get() <= 0.0 {
            self.look_at_replicas();
        }
    }

    fn look_at_replicas(&mut self) {
        let counts_queues = self.fleet.router == Router::LeastQueued;
        for (known, (signal, replica)) in
            self.routing.known.iter_mut().zip(self.control.signals.iter().zip(&self.replicas))
        {
            *known = *signal;
            if counts_queues {
                known.queued = replica.queued() as u32;
            }
        }
    }

    fn hand_over(&mut self, id: u32) {
        let Some(decoders) = &self.fleet.decoders else { return };
        self.decode_routing.known.copy_from_slice(&self.control.signals);
        let chosen =
            self.decode_routing.choose(&self.control.open_decoders, &self.replicas, &self.requests[id]);
        let Some(to) = chosen else {
            // Nobody generates at the moment: the client tries again.
            return self.retry(id);
        };
        let request = &mut self.requests[id];
        if decoders.sends_first_token {
            request.first = Time::NEVER;
        }
        let (from, tokens) = (request.replica, request.carried);
        let arrives = self.transfers.send(decoders, (from, to), tokens, self.now);
        request.replica = NOWHERE;
        self.control.expects(to as usize);
        self.events
            .at(arrives, Event::Transferred { id, replica: to, epoch: self.control.epochs[to as usize] });
    }

    /// Sends a request again, or gives it up.
    fn retry(&mut self, id: u32) {
        let request = &mut self.requests[id];
        request.restart();
        request.replica = NOWHERE;
        self.recorder.retries += 1;
        if request.retries > self.fleet.retries {
            self.lost += 1;
            let answered = Answered { output: 0, ..answered(request, self.now) };
            self.requests.remove(id);
            if let Some(sent) = self.source.answered(&answered) {
                self.send_later_or_now(sent);
            }
            return;
        }
        let at = self.now + Time::from_seconds(self.fleet.retry_after.get());
        self.events.at(at, Event::Send { id, is_new: false });
    }

    /// Blocks of all ranks by what they are.
    pub(crate) fn kv_blocks(&self) -> KvBlocks {
        self.replicas.iter().flat_map(Replica::kv_blocks).fold(KvBlocks::default(), |sum, state| KvBlocks {
            used: sum.used + state.used,
            shared: sum.shared + state.shared,
            idle: sum.idle + state.idle,
            free: sum.free + state.free,
        })
    }
}

/// The replica of a request that is at none.
pub(crate) const NOWHERE: u32 = u32::MAX;

fn answered(request: &Request, now: Time) -> Answered {
    let &Request { input, output, session, turn, class, .. } = request;
    Answered { at: now.seconds(), input, output, session, turn, class }
}

/// Why a fleet can never serve a request.
fn refuses(fleet: &Fleet, replicas: &[Replica], request: &Request) -> Option<Refusal> {
    let of = |replica: &Replica, output| replica.engine.refuses(request.input, output);
    let (first, last) = (&replicas[0], &replicas[replicas.len() - 1]);
    if fleet.decoders.is_some() {
        of(first, 1).or_else(|| of(last, request.output))
    } else {
        of(first, request.output)
    }
}
