//! Classes of requests on the same replicas: how often each is asked, and what its users see.

use super::asked::{Asked, read_targets};
use super::context::Context;
use super::lengths::read_request;
use super::outcome::{Choice, Outcome};
use crate::QuestionError;
use crate::answer::SizedClass;
use crate::inputs::Request;
use crate::question;
use rackplan_plan::{Class, Population, Request as Asking, Targets, Urgency, seen_by};
use rackplan_units::Seconds;

/// Classes as they are asked for; none where all requests are alike.
#[derive(Clone, Debug, Default)]
pub(super) struct Classes {
    pub(super) named: Vec<Named>,
    /// What plans are asked for each.
    pub(super) kinds: Vec<Class>,
    /// Part of all requests that each sends; all add up to 1.
    pub(super) parts: Vec<f64>,
}

/// What plans need not know of a class.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: String,
    /// Part of the users, or of the requests a second.
    pub(super) share: f64,
    /// 0 is let in before 1.
    pub(super) priority: u16,
    /// Between an answer and the next request, in seconds.
    pub(super) think: f64,
}

/// Time per token that answers are taken to have before a plan is known.
const TPOT: f64 = 0.02;
/// Parts of requests that are told apart, and how often plans are sought at most until they agree.
const PRECISION: f64 = 0.002;
pub(super) const ROUNDS: u32 = 4;

impl Classes {
    /// Reads them; what all of them say of targets is said at the same percentile.
    pub(super) fn read(request: &mut Request) -> Result<Self, QuestionError> {
        let mut all = Self::default();
        for class in question::classes(request.layers, &request.question)? {
            let notes = std::mem::take(&mut request.notes);
            let question = class.question.clone();
            let mut own = Request { layers: &class.layers, question, notes, ..request.clone() };
            let asking = read_request(&mut own)?;
            let (targets, _) = read_targets(&mut own)?;
            let think = think(&mut own);
            request.notes = own.notes;
            all.kinds.push(Class { request: asking, targets, urgency: Urgency::ALIKE });
            let question::Class { name, share, priority, .. } = class;
            all.named.push(Named { name, share, priority, think });
        }
        Ok(all)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The request that all of them are on average.
    pub(super) fn blended(&self) -> Asking {
        let parts: Vec<(f64, Asking)> =
            self.parts.iter().copied().zip(self.kinds.iter().map(|class| class.request)).collect();
        Asking::blended(&parts)
    }

    /// What holds for all requests: the time per token, which all share, where it is strictest, other limits where they are
    /// loosest.
    pub(super) fn targets(&self) -> Targets {
        let of = |of: fn(&Targets) -> Seconds, pick: fn(f64, f64) -> f64, start: f64| {
            Seconds::new(self.kinds.iter().map(|class| of(&class.targets).get()).fold(start, pick))
        };
        let percentile = self.kinds.first().and_then(|class| class.targets.percentile);
        Targets {
            ttft: of(|t| t.ttft, f64::max, 0.0),
            tpot: of(|t| t.tpot, f64::min, f64::INFINITY),
            e2e: of(|t| t.e2e, f64::max, 0.0),
            percentile,
        }
    }

    /// Mean time between an answer and the next request, over requests.
    pub(super) fn think(&self) -> f64 {
        self.parts.iter().zip(&self.named).map(|(part, named)| part * named.think).sum()
    }

    /// Sets how many of all requests each class sends, where its answers take so many seconds: users of a class ask every
    /// Z + R seconds, so that its part goes as share / (Z + R); of requests that merely come it is the share.
    fn weigh(&mut self, population: &Population, answers: impl Fn(usize) -> f64) {
        let rate = |(place, named): (usize, &Named)| match population {
            Population::Rate(_) => named.share,
            Population::Users { .. } => named.share / (named.think + answers(place)).max(1e-3),
        };
        let rates: Vec<f64> = self.named.iter().enumerate().map(rate).collect();
        let all: f64 = rates.iter().sum();
        self.parts = rates.into_iter().map(|rate| rate / all).collect();
        self.rank();
    }

    /// Says how much of the work of prompts, which goes as their tokens, is let in before that of each class.
    fn rank(&mut self) {
        let work: Vec<(u16, f64)> = (self.named.iter().zip(&self.parts).zip(&self.kinds))
            .map(|((named, part), class)| (named.priority, part * class.request.input))
            .collect();
        let all: f64 = work.iter().map(|(_, tokens)| tokens).sum();
        let urgent = |is: &dyn Fn(u16) -> bool| {
            work.iter().filter(|(priority, _)| is(*priority)).map(|(_, tokens)| tokens).sum::<f64>() / all
        };
        for (named, class) in self.named.iter().zip(&mut self.kinds) {
            let own = named.priority;
            class.urgency =
                Urgency { before: urgent(&|other| other < own), with: urgent(&|other| other <= own) };
        }
    }

    /// The same before any plan is known.
    pub(super) fn weigh_at_first(&mut self, population: &Population) {
        let tpot = self.targets().tpot.get().min(TPOT);
        let outputs: Vec<f64> = self.kinds.iter().map(|class| class.request.output).collect();
        self.weigh(population, |place| outputs[place] * tpot);
    }
}

/// Time between an answer and the next request, where users wait for answers.
fn think(request: &mut Request) -> f64 {
    let workload = &request.question.workload;
    if workload.rate.is_some() || workload.concurrency.is_some() {
        return 0.0;
    }
    let given = workload.think_time;
    if given.is_none() {
        request.notes.assume("workload.think_time", "0 s", "every user generates all the time");
    }
    given.map_or(0.0, Seconds::get)
}

impl Asked {
    /// Takes what its classes ask on average for what is asked.
    pub(super) fn blend(&mut self) {
        self.request = self.classes.blended();
        self.targets = self.classes.targets();
        if let Population::Users { think_time, .. } = &mut self.people.population {
            *think_time = Seconds::new(self.classes.think());
        }
    }

    /// The question of one class alone.
    pub(super) fn of_class(&self, class: usize) -> Self {
        let (named, kind) = (&self.classes.named[class], self.classes.kinds[class]);
        let mut asked = self.clone();
        asked.people.population = match self.people.population {
            Population::Users { users, .. } => {
                Population::Users { users: users * named.share, think_time: Seconds::new(named.think) }
            }
            Population::Rate(rate) => Population::Rate(rate * named.share),
        };
        asked.classes = Classes::default();
        Self { request: kind.request, targets: kind.targets, ..asked }
    }

    /// The same question with classes asking as often as a plan's answers let them; nothing where they do already.
    pub(super) fn once_more(&self, context: Context, best: &Outcome) -> Option<Self> {
        let population = &self.people.population;
        if self.classes.is_empty() || matches!(population, Population::Rate(_)) {
            return None;
        }
        let choice = best.choice.as_ref()?;
        let seen = means(context, best, choice);
        let mut asked = self.clone();
        asked.classes.weigh(population, |place| seen[place]);
        let moved = asked.classes.parts.iter().zip(&self.classes.parts).map(|(new, old)| (new - old).abs());
        if moved.fold(0.0, f64::max) < PRECISION {
            return None;
        }
        asked.blend();
        Some(asked)
    }
}

/// From a request of each class to its last token, on average.
fn means(context: Context, best: &Outcome, choice: &Choice) -> Vec<f64> {
    let question = best.setup.question(context);
    let operators = question.operators(&choice.found);
    let station = question.station(&choice.found, &operators);
    let (population, point) = (&context.asked.people.population, &choice.seen.point);
    let mean = |class: &Class| {
        let seen = seen_by(&station, class, population, &choice.seen);
        seen.ttft_mean + (class.request.output - 1.0).max(0.0) * point.tpot
    };
    context.asked.classes.kinds.iter().map(mean).collect()
}

/// What users of each class see of a choice.
pub(super) fn classes(context: Context, best: &Outcome, choice: &Choice) -> Vec<SizedClass> {
    let asked = context.asked;
    let question = best.setup.question(context);
    let operators = question.operators(&choice.found);
    let station = question.station(&choice.found, &operators);
    let all = choice.asked_per_second();
    let seen = |(place, class): (usize, &Class)| {
        let seen = seen_by(&station, class, &asked.people.population, &choice.seen);
        let Named { name, share, .. } = &asked.classes.named[place];
        let part = (name.as_str(), *share, all * asked.classes.parts[place]);
        sized(asked, class, part, [seen.ttft, seen.tpot, seen.e2e])
    };
    asked.classes.kinds.iter().enumerate().map(seen).collect()
}

/// What users of a class see of a choice that serves no other.
pub(super) fn alone(context: Context, name: &str, choice: &Choice) -> SizedClass {
    let (asked, seen) = (context.asked, &choice.seen);
    let class = Class { request: asked.request, targets: asked.targets, urgency: Urgency::ALIKE };
    sized(asked, &class, (name, 1.0, choice.asked_per_second()), [seen.ttft, seen.tpot, seen.e2e])
}

fn sized(
    asked: &Asked,
    class: &Class,
    (name, share, requests_per_s): (&str, f64, f64),
    [ttft_s, tpot_s, e2e_s]: [f64; 3],
) -> SizedClass {
    let (request, targets) = (&class.request, &class.targets);
    SizedClass {
        name: name.to_owned(),
        share,
        users: asked.people.users.map(|_| share * asked.people.users_sized() as f64),
        requests_per_s,
        isl: (request.input + request.prefix - request.kept).round() as u64,
        osl: request.output as u64,
        ttft_s,
        ttft_target_s: targets.ttft.get(),
        tpot_s,
        tpot_target_s: targets.tpot.get(),
        e2e_s,
        e2e_target_s: Some(targets.e2e.get()).filter(|limit| limit.is_finite()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_who_waits_longer_asks_less_often() {
        let named = |name: &str, share, think| Named { name: name.to_owned(), share, priority: 0, think };
        let targets = Targets {
            ttft: Seconds::new(1.0),
            tpot: Seconds::new(0.05),
            e2e: Seconds::new(f64::INFINITY),
            percentile: None,
        };
        let class = |input, ttft| Class {
            request: Asking::new(input, 100.0),
            targets: Targets { ttft: Seconds::new(ttft), ..targets },
            urgency: Urgency::ALIKE,
        };
        let mut classes = Classes {
            named: vec![named("a", 0.5, 10.0), named("b", 0.5, 25.0)],
            kinds: vec![class(100.0, 1.0), class(900.0, 4.0)],
            parts: Vec::new(),
        };
        let users = Population::Users { users: 60.0, think_time: Seconds::new(0.0) };
        // Every 15 and every 30 s: two of three requests are of the first.
        classes.weigh(&users, |_| 5.0);
        assert!((classes.parts[0] - 2.0 / 3.0).abs() < 1e-12 && (classes.think() - 15.0).abs() < 1e-12);
        assert_eq!((classes.targets().ttft.get(), classes.targets().tpot.get()), (4.0, 0.05));
        classes.weigh(&Population::Rate(3.0), |_| 5.0);
        assert_eq!(classes.blended().input, 500.0);
        assert_eq!(classes.kinds[1].urgency, Urgency::ALIKE);
        // Of 1,000 tokens of two prompts 100 are let in before the others.
        classes.named[1].priority = 1;
        classes.weigh(&Population::Rate(3.0), |_| 5.0);
        let urgencies = classes.kinds.iter().map(|class| class.urgency).collect::<Vec<_>>();
        assert_eq!(urgencies, [Urgency { before: 0.0, with: 0.1 }, Urgency { before: 0.1, with: 1.0 }]);
    }
}
