//! Which replicas serve: they break and are mended, come and go with the load; and what the fleet counts of them.

use super::events::{Event, Events};
use super::router::Signal;
use super::settings::Fleet;
use super::{NOWHERE, Playing};
use crate::StepTimes;
use crate::record::Sample;
use crate::replica::Replica;
use crate::request::Request;
use crate::time::Time;
use rackplan_traffic::{Source, Stream};

/// Whether a replica takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Serves,
    Starting,
    /// Finishes what it has and then stops.
    Draining,
    Off,
}

#[derive(Debug)]
pub(crate) struct Control {
    status: Vec<Status>,
    /// Parts broken at each replica.
    broken: Vec<u32>,
    /// Rises with each failure of a replica.
    pub(crate) epochs: Vec<u32>,
    /// Replicas that take new requests, and caches to generate from.
    pub(crate) open: Vec<u32>,
    pub(crate) open_decoders: Vec<u32>,
    pub(crate) signals: Vec<Signal>,
    /// Replicas that take new requests; further ones only generate.
    pub(crate) prompting: u32,
    random: Vec<Stream>,
    /// Since when the number of serving replicas has been what it is, and Σ replicas · seconds before.
    since: Time,
    pub(crate) replica_seconds: f64,
    pub(crate) failures: u64,
    /// What the sample before had seen: prompt, found and answer tokens, reads and their times.
    sampled: (u64, u64, u64, u64, f64),
}

impl Control {
    pub(crate) fn new(fleet: &Fleet, all: u32, seed: u64) -> Self {
        let prompting = fleet.most();
        let status = |replica| {
            let serves = replica < fleet.replicas.max(1) || replica >= prompting;
            if serves { Status::Serves } else { Status::Off }
        };
        let stream = |at| Stream::new(seed, &format!("outage {at}"));
        let mut control = Self {
            status: (0..all).map(status).collect(),
            broken: vec![0; all as usize],
            epochs: vec![0; all as usize],
            open: Vec::new(),
            open_decoders: Vec::new(),
            signals: vec![Signal::default(); all as usize],
            prompting,
            random: (0..fleet.outages.len()).map(stream).collect(),
            since: Time::ZERO,
            replica_seconds: 0.0,
            failures: 0,
            sampled: (0, 0, 0, 0, 0.0),
        };
        control.list();
        control
    }

    /// Schedules what happens without anyone asking.
    pub(crate) fn begin(&mut self, fleet: &Fleet, events: &mut Events) {
        if fleet.signal_age.get() > 0.0 {
            events.at(Time::ZERO, Event::Signals);
        }
        if let Some(scaling) = fleet.scaling {
            events.at(Time::from_seconds(scaling.interval.get()), Event::Scale);
        }
        for (at, outage) in fleet.outages.iter().enumerate() {
            let after = outage.mtbf.get() * self.random[at].gap();
            events.at(Time::from_seconds(after), Event::Breaks { outage: at as u32 });
        }
    }

    fn serves(&self, replica: usize) -> bool {
        self.status[replica] == Status::Serves && self.broken[replica] == 0
    }

    fn list(&mut self) {
        let (open, decoders): (Vec<u32>, Vec<u32>) = (0..self.status.len() as u32)
            .filter(|replica| self.serves(*replica as usize))
            .partition(|replica| *replica < self.prompting);
        (self.open, self.open_decoders) = (open, decoders);
    }

    /// Replicas that are paid for: all but those that are off.
    pub(crate) fn on(&self) -> u32 {
        self.status.iter().filter(|status| **status != Status::Off).count() as u32
    }

    pub(crate) fn count_time(&mut self, now: Time) {
        self.replica_seconds += f64::from(self.on()) * now.since(self.since);
        self.since = now;
    }

    fn set(&mut self, replica: usize, status: Status, now: Time) {
        self.count_time(now);
        self.status[replica] = status;
        self.list();
    }

    /// A request comes to a replica where so many tokens of it are cached.
    pub(crate) fn arrives(&mut self, replica: usize, request: &mut Request, cached: u32) {
        let signal = &mut self.signals[replica];
        if request.carried == 0 {
            signal.outstanding += 1;
            request.routed = request.input.saturating_sub(cached);
            signal.tokens += f64::from(request.routed);
        }
    }

    /// A cache is on its way to a replica.
    pub(crate) fn expects(&mut self, replica: usize) {
        self.signals[replica].outstanding += 1;
    }

    pub(crate) fn leaves(&mut self, replica: usize, request: &Request) {
        let signal = &mut self.signals[replica];
        signal.outstanding = signal.outstanding.saturating_sub(1);
        if (replica as u32) < self.prompting {
            signal.tokens = (signal.tokens - f64::from(request.routed)).max(0.0);
        }
    }

    /// A replica that is to stop and has nothing left stops.
    pub(crate) fn check_drained(&mut self, replica: &Replica, now: Time) {
        let at = replica.number as usize;
        if self.status[at] == Status::Draining && replica.outstanding() == 0 {
            self.set(at, Status::Off, now);
        }
    }
}

impl<T: StepTimes, S: Source> Playing<'_, '_, T, S> {
    /// The next event happens.
    pub(super) fn happen(&mut self) {
        let Some(event) = self.events.pop() else { return };
        match event {
            Event::Send { id, is_new: true } => self.send_first(id),
            Event::Send { id, is_new: false } => self.route(id),
            Event::Transferred { id, replica, epoch } => self.transferred(id, replica as usize, epoch),
            Event::Breaks { outage } => self.breaks(outage as usize),
            Event::Mended { outage } => self.mended(outage as usize),
            Event::Signals => {
                self.look_at_replicas();
                self.again(self.fleet.signal_age.get(), event);
            }
            Event::Scale => self.scale(),
            Event::Started { replica } => self.started(replica as usize),
            Event::Sample => {
                self.sample();
                let every = self.how.sample_every.map_or(1.0, Time::seconds);
                self.again(every, event);
            }
        }
    }

    fn again(&mut self, seconds: f64, event: Event) {
        self.events.at(self.now + Time::from_seconds(seconds.max(1e-6)), event);
    }

    fn transferred(&mut self, id: u32, replica: usize, epoch: u32) {
        if self.control.epochs[replica] == epoch {
            self.submit(id, replica);
        } else {
            self.retry(id);
        }
    }

    fn breaks(&mut self, outage: usize) {
        let random = &mut self.control.random[outage];
        let after = self.fleet.outages[outage].mttr.get() * random.gap();
        self.again(after, Event::Mended { outage: outage as u32 });
        for &replica in &self.fleet.outages[outage].replicas {
            let at = replica as usize;
            if at >= self.replicas.len() {
                continue;
            }
            self.control.broken[at] += 1;
            self.control.epochs[at] += 1;
            self.control.failures += 1;
            self.control.signals[at] = Signal::default();
            self.replicas[at].fail(self.now, &mut self.recorder);
            self.next[at] = Time::NEVER;
            for id in self.requests.at_replica(replica) {
                self.retry(id);
            }
        }
        self.control.list();
    }

    fn mended(&mut self, outage: usize) {
        let random = &mut self.control.random[outage];
        let after = self.fleet.outages[outage].mtbf.get() * random.gap();
        self.again(after, Event::Breaks { outage: outage as u32 });
        for &replica in &self.fleet.outages[outage].replicas {
            if let Some(broken) = self.control.broken.get_mut(replica as usize) {
                *broken -= 1;
            }
        }
        self.control.list();
        self.route_stranded();
    }

    fn route_stranded(&mut self) {
        for id in std::mem::take(&mut self.stranded) {
            self.route(id);
        }
    }

    /// Starts or stops replicas, so that each has about as many requests as it should.
    fn scale(&mut self) {
        let Some(scaling) = self.fleet.scaling else { return };
        let control = &mut self.control;
        let prompting = control.prompting as usize;
        let requests: u32 = control.signals[..prompting].iter().map(|signal| signal.outstanding).sum();
        let waiting = f64::from(requests) + self.stranded.len() as f64;
        let wanted = (waiting / scaling.requests_per_replica.max(1e-9)).ceil();
        let wanted = wanted.clamp(f64::from(scaling.least.max(1)), f64::from(scaling.most.max(1))) as usize;
        let is_on = |status: Status| matches!(status, Status::Serves | Status::Starting);
        let mut on = control.status[..prompting].iter().filter(|status| is_on(**status)).count();
        for replica in 0..prompting {
            let status = self.control.status[replica];
            if on < wanted && !is_on(status) {
                on += 1;
                if status == Status::Draining {
                    self.control.set(replica, Status::Serves, self.now);
                } else {
                    self.control.set(replica, Status::Starting, self.now);
                    self.again(scaling.start_up.get(), Event::Started { replica: replica as u32 });
                }
            }
        }
        for replica in (0..prompting).rev() {
            if on > wanted && self.control.status[replica] == Status::Serves {
                on -= 1;
                let is_empty = self.replicas[replica].outstanding() == 0;
                let status = if is_empty { Status::Off } else { Status::Draining };
                self.control.set(replica, status, self.now);
            }
        }
        self.again(scaling.interval.get(), Event::Scale);
    }

    fn started(&mut self, replica: usize) {
        if self.control.status[replica] == Status::Starting {
            self.control.set(replica, Status::Serves, self.now);
            self.route_stranded();
        }
    }

    /// Shows the fleet to who looks on.
    fn sample(&mut self) {
        if self.recorder.observer.is_none() {
            return;
        }
        self.catch_up();
        let kv = self.kv_blocks();
        let all = (kv.used + kv.shared + kv.idle + kv.free).max(1.0);
        let lower = self.replicas.iter().flat_map(|replica| &replica.ranks).map(|rank| &rank.cache.stores);
        let mut tier_tokens = vec![0; self.fleet.caching.tiers.len()];
        let (mut reads, mut waited) = (0, 0.0);
        let mut see = |tier: usize, store: &crate::cache::Store| {
            tier_tokens[tier] += store.pieces.tokens();
            reads += store.totals.reads;
            waited += store.totals.waited_s;
        };
        for stores in lower {
            stores.iter().enumerate().for_each(|(tier, store)| see(tier, store));
        }
        if let Some(shared) = &self.shared {
            see(self.fleet.caching.tiers.len() - 1, shared);
        }
        let recorder = &self.recorder;
        let seen = (recorder.prompt_tokens, recorder.hit_tokens, recorder.output_tokens, reads, waited);
        let before = std::mem::replace(&mut self.control.sampled, seen);
        let running =
            self.replicas.iter().flat_map(|replica| &replica.ranks).map(|rank| u64::from(rank.running()));
        let sample = Sample {
            time: self.now,
            replicas: (self.control.open.len() + self.control.open_decoders.len()) as u32,
            waiting: self.replicas.iter().map(|replica| replica.queued() as u64).sum::<u64>()
                + self.stranded.len() as u64,
            running: running.sum(),
            kv_used: (kv.used + kv.shared) / all,
            kv_idle: kv.idle / all,
            tier_tokens,
            prompt_tokens: seen.0 - before.0,
            hit_tokens: seen.1 - before.1,
            output_tokens: seen.2 - before.2,
            reload_s: (reads > before.3).then(|| (waited - before.4) / (reads - before.3) as f64),
        };
        if let Some(observer) = &mut self.recorder.observer {
            observer.sample(&sample);
        }
    }
}

impl crate::request::Requests {
    /// Requests at a replica.
    fn at_replica(&self, replica: u32) -> Vec<u32> {
        assert!(replica != NOWHERE, "a replica has a number");
        self.ids().filter(|id| self[*id].replica == replica && !self[*id].is_done()).collect()
    }
}
