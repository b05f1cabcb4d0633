//! Prompts on some workers and answers on others: what users of one unit of both see. A unit is replicated as a whole.

use crate::queueing::{PromptQueue, settles, wait};
use crate::{Binds, Point, Population, Replica, Request, Urgency};
use rackplan_perf::collectives::send::{Path, Transfer, send};

/// How a unit is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers {
    /// Workers that compute prompts.
    pub prefill: u32,
    /// Workers that generate.
    pub decode: u32,
}

/// Workers for prompts, workers for answers, and the link between them.
#[derive(Clone, Copy, Debug)]
pub struct Pools<'a> {
    /// One of those that compute prompts.
    pub prefill: Replica<'a>,
    /// One of those that generate.
    pub decode: Replica<'a>,
    /// How many of each.
    pub workers: Workers,
    /// What caches travel over.
    pub path: Path,
    queue: PromptQueue,
}

/// Of one accelerator's part of a cache on its way: the time alone, and the share of the link that is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Handover {
    /// From the first byte to the last, the wait for others included; in seconds.
    pub time: f64,
    /// Share of the time that the link is busy.
    pub load: f64,
    /// Bytes of one cache on one accelerator.
    pub bytes: f64,
}

impl<'a> Pools<'a> {
    /// So many workers, whose caches pass this path. Asks once for what no load changes.
    pub fn new(prefill: Replica<'a>, decode: Replica<'a>, workers: Workers, path: Path) -> Self {
        let queue = PromptQueue::of(&prefill, workers.prefill);
        Self { prefill, decode, workers, path, queue }
    }

    /// Accelerators of the unit.
    pub fn gpus(&self) -> u32 {
        self.workers.prefill * self.prefill.room.gpus + self.workers.decode * self.decode.room.gpus
    }

    /// What users see while `generating` requests generate on average.
    ///
    /// Answers: with b sequences on each decode rank a step takes dec(b) and nothing is between; λ follows as in
    /// [`Replica::at`]. Prompts: one queue before all prefill workers (`PromptQueue`), since each goes to the worker with
    /// least to do. The cache then passes the link, whose transfers queue too, and the first token leaves with the decode worker's next step, after
    /// that worker's front end. Source: the closed network of `predict serving`, for requests that come at random.
    pub fn at(&self, generating: f64) -> Point {
        self.settled(self.at_step(generating, self.decode_step(generating)))
    }

    fn decode_step(&self, generating: f64) -> f64 {
        self.decode.decode_step(generating / self.decode_ranks())
    }

    /// The same on average alone, where a step of so many is known.
    fn at_step(&self, generating: f64, step: f64) -> Point {
        let (decode, prefill) = (&self.decode, &self.prefill);
        let (output, accepted) = (decode.request.output, decode.pace.accepted);
        let rate = generating * accepted / (output * step);
        let of_rank = rate / self.prefill_ranks();
        let service = prefill.prompt_alone();
        let waits = self.queue.at(rate);
        let queue_wait = waits.mean;
        let (handed, reload) = (self.handover(rate), prefill.reload(of_rank));
        let front = prefill.tokenised(of_rank) + decode.tokenised(rate / self.decode_ranks());
        let fronts = front + prefill.scheduler.first_token + decode.scheduler.first_token;
        let first = prefill.pace.later * (fronts + queue_wait + service + step);
        let ttft = first + handed.time + prefill.policy.reloaded() * reload.time;
        let tpot = step / accepted;
        Point {
            generating,
            requests_per_second: rate,
            tpot,
            ttft,
            e2e: ttft + (output - 1.0).max(0.0) * tpot,
            prefill_load: 0.0,
            settles: 1.0,
            queue_load: waits.load.max(handed.load),
            queue_wait: prefill.pace.later * queue_wait,
            decode_step: step,
            reload,
        }
    }

    fn settled(&self, point: Point) -> Point {
        let batch = point.generating / self.decode_ranks();
        Point { settles: settles(self.decode.steeper(batch, point.decode_step) / point.decode_step), ..point }
    }

    /// The same for a percentile of requests, `(ttft, tpot)` in seconds.
    pub fn at_percentile(&self, point: &Point, percentile: f64, population: &Population) -> (f64, f64) {
        self.of_request(point, percentile, population, &self.prefill.request)
    }

    /// Time to first token, mean and at a percentile, and time per token at that percentile of one of its kinds of requests:
    /// all wait alike, and then differ by their own prompts.
    fn of_class(
        &self,
        point: &Point,
        percentile: f64,
        (class, urgency, population): (&Request, Urgency, &Population),
    ) -> (f64, f64, f64) {
        let prefill = &self.prefill;
        let class = &prefill.policy.request(class);
        // Both workers tokenise.
        let more = prefill.prompt_of(class) - prefill.prompt_alone()
            + 2.0 * (prefill.tokenise(class) - prefill.tokenise(&prefill.request));
        let (ttft, tpot) = self.of_request(point, percentile, population, class);
        let more = prefill.pace.later * (more + self.queue.at(point.requests_per_second).later(urgency));
        (point.ttft + more, ttft + more, tpot)
    }

    fn of_request(
        &self,
        point: &Point,
        percentile: f64,
        population: &Population,
        request: &Request,
    ) -> (f64, f64) {
        let peak = self.decode.peak(point, percentile, population).max(point.generating);
        let step = self.decode_step(peak).max(point.decode_step);
        let tpot = step / self.decode.pace.accepted;
        if point.queue_load >= 1.0 || point.reload.read_load >= 1.0 {
            return (f64::INFINITY, tpot);
        }
        let waits = self.queue.at(point.requests_per_second);
        let longer = self.prefill.pace.later * waits.beyond_mean(percentile);
        let later = self.prefill.later_by_reload(point, percentile);
        let own = self.prefill.longer_prompt(request, percentile);
        (point.ttft + longer.hypot(own) + step - point.decode_step + later, tpot)
    }

    /// What has no place.
    pub fn lacks(&self, point: &Point, percentile: f64, population: &Population) -> Option<Binds> {
        let peak = self.decode.peak(point, percentile, population).max(point.generating);
        let each = peak / f64::from(self.workers.decode);
        let thinking = population.thinking(point.requests_per_second) / f64::from(self.workers.prefill);
        let (room, scheduler) = (&self.decode.room, &self.decode.scheduler);
        if point.generating > 1.0 && each * room.sequence > room.cache * room.ranks {
            return Some(Binds::Memory);
        }
        if point.generating > 1.0 && each > scheduler.max_sequences * room.ranks {
            return Some(Binds::Sequences);
        }
        let tier = self.prefill.room.tier_holds(thinking, &self.prefill.policy) && point.reload.keeps_up();
        (!tier).then_some(Binds::Tier)
    }

    /// A cache from one worker to another: what one accelerator sends or takes, whichever is more, while `rate` of them a
    /// second pass all prefill ranks.
    pub fn handover(&self, rate: f64) -> Handover {
        let bytes = self.prefill.room.handed.max(self.decode.room.handed);
        let message = Transfer { bytes, messages: 1.0, path: self.path, among: f64::from(self.gpus()) };
        let alone = send(&message, self.prefill.compiled.device()).time.get();
        let load = rate / self.prefill_ranks() * alone;
        Handover { time: alone + wait(load, alone), load, bytes }
    }

    fn prefill_ranks(&self) -> f64 {
        self.prefill.room.ranks * f64::from(self.workers.prefill)
    }

    fn decode_ranks(&self) -> f64 {
        self.decode.room.ranks * f64::from(self.workers.decode)
    }
}

/// A replica that does both, or a unit of workers for each.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one lives on the stack while a plan is evaluated, and none is stored"
)]
pub enum Station<'a> {
    /// Prompts and answers share their steps.
    Together(Replica<'a>),
    /// Prompts have workers of their own.
    Apart(Pools<'a>),
}

impl Station<'_> {
    /// What users see while `generating` requests generate on average.
    pub fn at(&self, generating: f64) -> Point {
        self.settled(self.mean_at(generating))
    }

    /// The same on average alone.
    pub(crate) fn mean_at(&self, generating: f64) -> Point {
        self.at_step(generating, self.decode_step(generating))
    }

    /// A step in which nobody's prompt runs.
    pub fn decode_step(&self, generating: f64) -> f64 {
        match self {
            Self::Together(replica) => replica.decode_step(generating / replica.room.ranks),
            Self::Apart(pools) => pools.decode_step(generating),
        }
    }

    /// What users see on average where a step of so many is known.
    pub fn at_step(&self, generating: f64, step: f64) -> Point {
        match self {
            Self::Together(replica) => replica.at_step(generating, step),
            Self::Apart(pools) => pools.at_step(generating, step),
        }
    }

    /// The same, asked for how it settles.
    pub(crate) fn settled(&self, point: Point) -> Point {
        match self {
            Self::Together(replica) => replica.settled(point),
            Self::Apart(pools) => pools.settled(point),
        }
    }

    /// The same for a percentile of requests, `(ttft, tpot)` in seconds.
    pub fn at_percentile(&self, point: &Point, percentile: f64, population: &Population) -> (f64, f64) {
        match self {
            Self::Together(replica) => replica.at_percentile(point, percentile, population),
            Self::Apart(pools) => pools.at_percentile(point, percentile, population),
        }
    }

    /// Time to first token of one of its kinds of requests, mean and at a percentile, and its time per token there.
    pub(crate) fn of_class(
        &self,
        point: &Point,
        percentile: f64,
        class: (&Request, Urgency, &Population),
    ) -> (f64, f64, f64) {
        match self {
            Self::Together(replica) => replica.of_class(point, percentile, class),
            Self::Apart(pools) => pools.of_class(point, percentile, class),
        }
    }

    /// What has no place.
    pub fn lacks(&self, point: &Point, percentile: f64, population: &Population) -> Option<Binds> {
        match self {
            Self::Together(replica) => replica.lacks(point, percentile, population),
            Self::Apart(pools) => pools.lacks(point, percentile, population),
        }
    }

    /// Where answers are generated.
    pub fn decode(&self) -> &Replica<'_> {
        match self {
            Self::Together(replica) => replica,
            Self::Apart(pools) => &pools.decode,
        }
    }

    /// Where prompts are computed.
    pub fn prefill(&self) -> &Replica<'_> {
        match self {
            Self::Together(replica) => replica,
            Self::Apart(pools) => &pools.prefill,
        }
    }

    /// Requests that generate at once at most while nobody thinks.
    pub(crate) fn places(&self) -> f64 {
        match self {
            Self::Together(replica) => replica.places(),
            Self::Apart(pools) => pools.decode.places() * f64::from(pools.workers.decode),
        }
    }
}
