//! Where prompts have workers of their own: the queue before all of these.

use super::{Replica, longest_wait, normal_quantile};
use crate::{Targets, Urgency};
use rackplan_perf::{Average, Batch};

/// The queue of prompts before the ranks of some workers, whose steps carry nothing else.
///
/// Ranks of one worker begin and end their steps together, so that a prompt which finds all workers busy waits for a step to
/// end, however many ranks are idle in it, and then shares the next with all that came meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PromptQueue {
    workers: f64,
    /// Of a worker.
    ranks: f64,
    /// A step of a prompt, on average.
    prompt: f64,
    /// A step in which each rank has a prompt: as long as the longest of them takes.
    alone: f64,
    /// The same, as long a prompt too, where no other rank has one, so that experts of all ranks meet little.
    single: f64,
    /// What each further prompt of that rank adds to it.
    more: f64,
    /// Prompts that a rank takes in a step at most.
    most: f64,
    /// 1 + c² of a prompt's time.
    scatter: f64,
    /// Times that a first token takes as long as slower steps say.
    later: f64,
    /// Whether the next step is put together when the one at hand begins.
    ahead: bool,
}

/// What prompts wait beyond a step of one of them, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Waits {
    /// Share of what workers take at most.
    pub(crate) load: f64,
    /// Of all prompts.
    pub(crate) mean: f64,
    /// How often all workers are busy, and how long the step at hand then is.
    step: (f64, f64),
    /// How often no place is left in the next step, and the mean wait for one.
    place: (f64, f64),
    /// How often another step has to pass, and how long it is.
    left_over: (f64, f64),
    /// Standard deviation of how long steps happen to be.
    deviation: f64,
}

impl PromptQueue {
    pub(crate) fn of(prefill: &Replica, workers: u32) -> Self {
        let (request, ranks) = (&prefill.request, prefill.room.ranks);
        let longest = prefill.longest_of_ranks();
        let most = (prefill.scheduler.token_budget / request.input).max(1.0);
        let two = || prefill.compiled.step(&prefill.prompts(Batch::default(), 2.0)).get() - prefill.alone;
        let prompt = prefill.prompt_alone();
        let more = if ranks > 1.0 && most >= 2.0 { prefill.pace.slower * two() } else { prompt };
        let average = Average { decodes: 0.0, prompt_tokens: request.input / ranks };
        let idle = Batch { average: Some(average), ..prefill.prompts(Batch::default(), 1.0) };
        let single = if ranks > 1.0 { prefill.compiled.step(&idle).get() / prefill.alone } else { 1.0 };
        Self {
            workers: f64::from(workers),
            ranks,
            prompt,
            alone: longest * prompt,
            single: longest * prompt * single.min(1.0),
            more: longest * more.clamp(0.0, prompt),
            most,
            scatter: prefill.scatter(),
            later: prefill.pace.later,
            ahead: prefill.scheduler.ahead > 0.0,
        }
    }

    /// The same before so many workers.
    pub(crate) fn before(self, workers: u32) -> Self {
        Self { workers: f64::from(workers), ..self }
    }

    /// Prompts per second at most, found by halving, whose time to first token is within the target where nothing but this
    /// queue and their own step takes time.
    pub(crate) fn highest(&self, targets: &Targets) -> Option<f64> {
        let most = self.workers * self.most_of_worker();
        let fits = |rate: f64| self.time(rate, targets.percentile) < targets.ttft.get();
        let halved = |(low, high): (f64, f64), _| {
            let middle = (low + high) / 2.0;
            if fits(middle) { (middle, high) } else { (low, middle) }
        };
        let (rate, _) = (0..HALVINGS).fold((0.0, HIGHEST_LOAD * most), halved);
        fits(0.0).then_some(rate.max(LEAST_LOAD * most))
    }

    /// Wait and own step of prompts that come at this rate, on average or at a percentile, in seconds.
    pub(crate) fn time(&self, rate: f64, percentile: Option<f64>) -> f64 {
        let waits = self.at(rate);
        let longer = percentile.map_or(0.0, |share| waits.beyond_mean(share));
        self.later * (self.prompt + waits.mean + longer)
    }

    fn most_of_worker(&self) -> f64 {
        if self.ranks > 1.0 { self.ranks * self.most / self.full() } else { 1.0 / self.alone }
    }

    /// A step in which the rank with most prompts has as many as it takes.
    fn full(&self) -> f64 {
        self.alone + (self.most - 1.0) * self.more
    }

    /// Where so many prompts a second come to all workers.
    pub(crate) fn at(&self, rate: f64) -> Waits {
        let of_worker = rate / self.workers;
        let load = of_worker / self.most_of_worker();
        if load >= 1.0 {
            let never = (1.0, f64::INFINITY);
            return Waits {
                load,
                mean: f64::INFINITY,
                step: never,
                place: never,
                left_over: never,
                deviation: 0.0,
            };
        }
        if self.ranks > 1.0 { self.in_step(of_worker, load) } else { self.one_by_one(load) }
    }

    /// An M/D/c queue, each prompt for itself.
    fn one_by_one(&self, load: f64) -> Waits {
        let mean = self.scatter * shared_wait(load, self.alone, self.workers);
        let place = (all_busy(load, self.workers), mean);
        Waits { load, mean, step: (0.0, 0.0), place, left_over: (0.0, 0.0), deviation: 0.0 }
    }

    /// r ranks of each of P workers, with steps of f + k σ where the rank with most prompts has k of them. Λ prompts a second
    /// come to a worker, Λ T in a step of length T, and fill ceil(Λ T / r) places of each rank, on average by (r - 1) / 2r more
    /// than Λ T / r: steps settle at T = (f + σ (r - 1) / 2r) / (1 - ρ), with ρ = Λ σ / r, between that of one prompt and a full one.
    /// By chance they scatter with the variance V = ρ σ T / (r (1 - ρ²)), a P-th of it where workers share what comes; a
    /// prompt meets T + V / T. It waits for half of that where all workers are busy, and its own step has what came
    /// meanwhile. Where budgets of tokens leave no place it waits for another step, as in an M/D/c queue of full steps, and for
    /// one more while steps are scheduled ahead ([`PromptQueue::left_over`]).
    /// Agreement with such a queue played: the tests below.
    fn in_step(&self, rate: f64, load: f64) -> Waits {
        let Self { workers, ranks, prompt, most, scatter, .. } = *self;
        let alone = self.fullest_has_one(rate);
        let more = self.more * alone / self.alone;
        let (full, fixed) = (self.full(), alone - more);
        let growth = (rate * more / ranks).min(HIGHEST_GROWTH);
        let settled = ((fixed + more * (ranks - 1.0) / (2.0 * ranks)) / (1.0 - growth)).clamp(alone, full);
        let met_more =
            scatter * more * growth / (ranks * (1.0 - growth * growth) * workers) + (scatter - 1.0) * settled;
        let met = (settled + met_more).min(scatter * full);
        let own = (fixed + more * (ranks + 1.0) / (2.0 * ranks) + growth * met).clamp(alone, full.max(alone));
        let busy = all_busy((rate * alone).min(1.0), workers);
        let places = ranks * most * workers;
        let place = (all_busy(load, places), scatter * shared_wait(load, full, places));
        let left_over = if self.ahead { busy * self.left_over(rate * met) } else { 0.0 };
        let by_chance = (0.5 + growth).powi(2) * met_more * settled
            + scatter * more * growth * met / (ranks * workers)
            + more * more / 12.0;
        let by_chance = if most >= 2.0 { by_chance } else { 0.0 };
        Waits {
            load,
            mean: alone - prompt + busy * (own - alone + met / 2.0) + place.1 + left_over * met,
            step: (busy, met),
            place,
            left_over: (left_over, met),
            deviation: (busy * by_chance).sqrt(),
        }
    }

    /// A step in which the rank with most prompts has one, where so many a second come to the worker: as many ranks have one as
    /// come in it, Λ T of r, so that T = single + m (Λ T / r - 1 / r) with m from the step in which all have one.
    fn fullest_has_one(&self, rate: f64) -> f64 {
        let (alone, single) = (1.0 / self.ranks, self.single);
        let more = (self.alone - single) / (1.0 - alone);
        let left = 1.0 - more * rate * alone;
        if left <= 0.0 { self.alone } else { ((single - more * alone) / left).clamp(single, self.alone) }
    }

    /// How often a worker that schedules ahead begins a step with prompts that the one before had no place for, and so without
    /// those that came during it, which wait for another: from a step in which more come than have places to one in which
    /// none comes. What comes to a worker in a step is normal, with less than Poisson's variance where workers share it.
    fn left_over(&self, coming: f64) -> f64 {
        let deviation = (coming * (SHARED + (1.0 - SHARED) / self.workers)).sqrt().max(1e-9);
        let begins = normal((coming - self.ranks * self.most.floor() - 0.5) / deviation);
        let ends = normal((0.5 - coming) / deviation) + LEAST_END;
        begins / (begins + ends)
    }
}

impl Waits {
    /// By what a class that is more or less urgent waits longer: for places, since a step at hand ends for all alike.
    pub(crate) fn later(&self, urgency: Urgency) -> f64 {
        urgency.later(self.load, self.place.1)
    }

    /// What a share of prompts does not wait longer than, less the mean: of a step that all see the end of by chance, of places
    /// and of longer steps, which add up as deviations do.
    pub(crate) fn beyond_mean(&self, share: f64) -> f64 {
        if self.mean.is_infinite() {
            return f64::INFINITY;
        }
        let (busy, step) = self.step;
        let rest =
            if busy > 1.0 - share { step * (1.0 - (1.0 - share) / busy) - busy * step / 2.0 } else { 0.0 };
        let place = longest_wait(self.place, share) - self.place.1;
        let (often, step) = self.left_over;
        let another = if often > 1.0 - share { (1.0 - often) * step } else { 0.0 };
        let chance = normal_quantile(share) * self.deviation;
        [rest, place, another, chance].into_iter().fold(0.0, |sum: f64, part| sum.hypot(part.max(0.0)))
    }
}

/// Halvings of the load of prefill workers, the highest and the least one.
const HALVINGS: u32 = 12;
const HIGHEST_LOAD: f64 = 0.98;
const LEAST_LOAD: f64 = 0.01;

/// Of the variance of what comes to a worker in a step the part that sharing leaves, and how often, at least, steps without
/// prompts left over begin again; both found on such a queue played.
const SHARED: f64 = 0.2;
const LEAST_END: f64 = 0.003;

/// Standard normal law, within 2e-4. Source: Page 1977, Approximations to the cumulative normal function.
fn normal(z: f64) -> f64 {
    let z = z.clamp(-10.0, 10.0);
    1.0 / (1.0 + (-1.5976 * z - 0.07056 * z.powi(3)).exp())
}

/// The steps of a worker grow by no more of those before.
const HIGHEST_GROWTH: f64 = 0.98;

/// Chance that all of c servers at this load are busy, ρ^(sqrt(2 (c + 1)) - 1); ρ for one.
/// Source: Sakasegawa 1977, An approximation formula for the mean number of waiting customers.
fn all_busy(load: f64, servers: f64) -> f64 {
    load.powf((2.0 * (servers + 1.0)).sqrt() - 1.0)
}

/// Mean wait in an M/D/c queue, by the same: σ all_busy / (2 c (1 - ρ)).
fn shared_wait(load: f64, service: f64, servers: f64) -> f64 {
    if load < 1.0 {
        all_busy(load, servers) * service / (2.0 * servers * (1.0 - load))
    } else {
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queueing::wait;
    use rackplan_units::Seconds;

    #[test]
    fn hand_waits_of_servers_that_share_a_queue() {
        assert_eq!(shared_wait(0.5, 2.0, 1.0), wait(0.5, 2.0));
        assert_eq!(shared_wait(1.0, 2.0, 4.0), f64::INFINITY);
        // Of eight servers at 0.7 all are busy in 0.7^(sqrt(18) - 1) = 0.314 of the time: 0.314 / (2 · 8 · 0.3) = 0.0655.
        assert!((shared_wait(0.7, 1.0, 8.0) - 0.0655).abs() < 1e-3, "{}", shared_wait(0.7, 1.0, 8.0));
    }

    const EIGHT: PromptQueue = PromptQueue {
        workers: 1.0,
        ranks: 8.0,
        prompt: 1.0,
        alone: 1.0,
        single: 1.0,
        more: 1.0,
        most: 8.0,
        scatter: 1.0,
        later: 1.0,
        ahead: false,
    };

    #[test]
    fn hand_waits_for_the_step_of_other_ranks() {
        // Hardly anything comes: nothing waits. So much that steps settle at 1 · 7/16 / (1 - 0.9) = 4.375 of them, which scatter by
        // V / T = 0.9 / (8 · 0.19) = 0.592: half of 4.967 for the step at hand, then 9/16 + 0.9 · 4.967 for the own one; all 64 places
        // are taken in 0.9^(sqrt(130) - 1) = 0.334 of the time, and are waited for for 0.334 · 8 / (2 · 64 · 0.1) = 0.209.
        assert!(EIGHT.time(1e-9, None) - 1.0 < 1e-6);
        let waits = [2.4835, 0.5625, 4.470, 0.209];
        assert!(
            (EIGHT.time(7.2, None) - waits.iter().sum::<f64>()).abs() < 0.01,
            "{}",
            EIGHT.time(7.2, None)
        );
        assert_eq!(EIGHT.time(8.0, None), f64::INFINITY);
    }

    #[test]
    fn hand_a_lone_prompt_of_many_ranks_takes_less() {
        // 0.4 alone, 1 where all eight have one, 0.6 / (7/8) = 0.686 a share: at 4.5 a second T = (0.4 - 0.086) / (1 - 0.386) = 0.512.
        let wide = PromptQueue { single: 0.4, ..EIGHT };
        assert!((wide.fullest_has_one(1e-9) - 0.4).abs() < 1e-9);
        assert!((wide.fullest_has_one(4.5) - 0.5116).abs() < 1e-3, "{}", wide.fullest_has_one(4.5));
        assert_eq!(wide.fullest_has_one(100.0), 1.0);
        assert!(wide.time(4.5, None) < EIGHT.time(4.5, None) && EIGHT.fullest_has_one(4.5) == 1.0);
    }

    #[test]
    fn hand_the_highest_rate_is_just_within_the_target() {
        let whenever = Seconds::new(f64::INFINITY);
        let targets =
            Targets { ttft: Seconds::new(3.0), tpot: whenever, e2e: whenever, percentile: Some(0.95) };
        let rate = EIGHT.highest(&targets).unwrap_or_default();
        assert!(EIGHT.time(rate, Some(0.95)) < 3.0 && EIGHT.time(1.01 * rate, Some(0.95)) > 3.0, "{rate}");
        assert_eq!(EIGHT.highest(&Targets { ttft: Seconds::new(0.9), ..targets }), None);
    }

    /// Mean and 95th percentile of wait and own step, played: prompts at random, each to the worker with the fewest.
    fn played(queue: &PromptQueue, rate: f64) -> (f64, f64) {
        let (places, mut seed) = ((queue.ranks * queue.most) as usize, 1_u64);
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((seed >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
        };
        // Of each worker: when its step began and ends, who is in it, who waits.
        let idle = ((0.0, f64::INFINITY), Vec::new(), Vec::new());
        let mut workers = vec![idle; queue.workers as usize];
        let (mut next, mut times) = (0.0, Vec::new());
        while times.len() < 40_000 {
            let first =
                (0..workers.len()).min_by(|a, b| workers[*a].0.1.total_cmp(&workers[*b].0.1)).unwrap();
            let ended = workers[first].0.1 < next;
            let (now, at) = if ended {
                (workers[first].0.1, first)
            } else {
                let fewest = |at: &usize| workers[*at].1.len() + workers[*at].2.len();
                (next, (0..workers.len()).min_by_key(fewest).unwrap())
            };
            let ((began, end), running, waiting) = &mut workers[at];
            if ended {
                times.extend(running.drain(..).map(|came: f64| now - came));
            } else {
                waiting.push(now);
                next -= random().ln() / rate;
            }
            if running.is_empty() {
                let seen = waiting.iter().filter(|came| !queue.ahead || !ended || **came <= *began).count();
                let seen = if seen == 0 { waiting.len() } else { seen };
                running.extend(waiting.drain(..seen.min(places)));
                *began = now;
                let deepest = (running.len() as f64 / queue.ranks).ceil();
                let step = queue.alone + (deepest - 1.0) * queue.more;
                *end = if running.is_empty() { f64::INFINITY } else { now + step };
            }
        }
        times.drain(..4_000);
        times.sort_by(f64::total_cmp);
        (times.iter().sum::<f64>() / times.len() as f64, times[times.len() * 95 / 100])
    }

    #[test]
    fn val_waits_are_those_of_a_queue_that_is_played() {
        let mut ratios = [Vec::new(), Vec::new()];
        for (ranks, workers, most) in [2.0, 4.0, 8.0].into_iter().flat_map(|ranks| {
            [1.0, 3.0, 8.0]
                .into_iter()
                .flat_map(move |workers| [1.0, 2.0, 8.0].map(|most| (ranks, workers, most)))
        }) {
            for (load, ahead) in
                [0.2, 0.5, 0.7, 0.85].into_iter().flat_map(|load| [(load, false), (load, true)])
            {
                let queue = PromptQueue { workers, ranks, most, ahead, more: 0.8, ..EIGHT };
                let rate = load * workers * queue.most_of_worker();
                let (mean, p95) = played(&queue, rate);
                ratios[0].push(queue.time(rate, None) / mean);
                ratios[1].push(queue.time(rate, Some(0.95)) / p95);
            }
        }
        for ratios in &mut ratios {
            ratios.sort_by(f64::total_cmp);
            let [low, middle, high] = [5, 50, 95].map(|share| ratios[ratios.len() * share / 100]);
            let is_close = low > 0.8 && high < 1.35 && (0.97..1.06).contains(&middle);
            assert!(is_close, "{low} {middle} {high}");
        }
    }
}
