//! Plays the question's requests against its fleet, once or with several seeds.

use super::load::{Load, Requests};
use super::tap::{Passed, Tap};
use super::times::Times;
use super::watch::Watching;
use crate::answer::{Distributions, SeriesPoint};
use crate::simulation::Watch;
use rackplan_sim::{Fleet, Observer, Simulated, Simulation, Time, simulate};
use rayon::prelude::*;

/// What was played, and what was seen of it.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) simulated: Simulated,
    pub(super) passed: Passed,
    pub(super) distributions: Distributions,
    pub(super) series: Vec<SeriesPoint>,
}

/// Whether somebody ended the run.
pub(super) type Interrupted<'a> = &'a (dyn Fn() -> bool + Sync);

/// A fleet, its step times, and who sends it requests.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) times: &'a [Times],
    pub(super) load: &'a Load<'a>,
    pub(super) simulation: &'a Simulation,
    pub(super) interrupted: Interrupted<'a>,
}

/// Looks at nothing, and ends the play when somebody ends the run.
pub(super) struct Ender<'a>(pub(super) Interrupted<'a>);

impl Observer for Ender<'_> {
    fn stops(&mut self, _: Time, _: u64) -> bool {
        (self.0)()
    }
}

impl<'a> Stage<'a> {
    fn source(&self, seed: u64) -> Tap<Requests<'a>> {
        Tap::new(self.load.requests(seed))
    }

    /// The first seed, looked on.
    pub(super) fn watched(&self, watch: &mut dyn Watch) -> Played {
        let mut source = self.source(self.simulation.seed);
        let mut watching = Watching::new(Some(watch), self.load.expected(), self.simulation.warm_up.get());
        let simulated = simulate(self.fleet, self.times, &mut source, self.simulation, Some(&mut watching));
        let (distributions, series) = (watching.distributions(), watching.series());
        Played { simulated, passed: source.passed, distributions, series }
    }

    /// Another seed, without anyone who looks on.
    fn alone(&self, seed: u64) -> Simulated {
        let simulation = Simulation { seed, sample_every: None, ..self.simulation.clone() };
        let mut ender = Ender(self.interrupted);
        simulate(self.fleet, self.times, &mut self.source(seed), &simulation, Some(&mut ender))
    }

    /// Seeds after the first, side by side, as far as they came to their end.
    pub(super) fn others(&self, seeds: u64) -> Vec<Simulated> {
        let first = self.simulation.seed;
        let played: Vec<Simulated> =
            (1..seeds).into_par_iter().map(|more| self.alone(first.wrapping_add(more))).collect();
        played.into_iter().filter(|played| !played.stopped).collect()
    }
}
