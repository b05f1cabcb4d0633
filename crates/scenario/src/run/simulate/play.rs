//! Plays the question's requests against its fleet, once or with several seeds.

use super::people::{Load, People};
use super::tap::{Passed, Tap};
use super::times::Times;
use super::watch::Watching;
use crate::answer::{Distributions, SeriesPoint};
use crate::simulation::Watch;
use rackplan_sim::{Fleet, Observer, Simulated, Simulation, simulate};
use rayon::prelude::*;

/// What was played, and what was seen of it.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) simulated: Simulated,
    pub(super) passed: Passed,
    pub(super) distributions: Distributions,
    pub(super) series: Vec<SeriesPoint>,
}

/// A fleet, its step times, and who sends it requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) times: &'a [Times],
    pub(super) load: &'a Load,
    pub(super) simulation: Simulation,
}

impl Stage<'_> {
    fn source(&self, seed: u64) -> Tap<People> {
        Tap::new(self.load.people(seed))
    }

    /// The first seed, looked on.
    pub(super) fn watched(&self, watch: &mut dyn Watch) -> Played {
        let mut source = self.source(self.simulation.seed);
        let expected = Some(self.load.requests).filter(|_| self.load.until.is_infinite());
        let mut watching = Watching::new(Some(watch), expected, self.simulation.warm_up.get());
        let simulated = simulate(self.fleet, self.times, &mut source, &self.simulation, Some(&mut watching));
        let (distributions, series) = (watching.distributions(), watching.series());
        Played { simulated, passed: source.passed, distributions, series }
    }

    /// Another seed, without anyone who looks on.
    pub(super) fn alone(&self, seed: u64) -> Simulated {
        let simulation = Simulation { seed, sample_every: None, ..self.simulation };
        let none: Option<&mut dyn Observer> = None;
        simulate(self.fleet, self.times, &mut self.source(seed), &simulation, none)
    }

    /// Seeds after the first, side by side.
    pub(super) fn others(&self, seeds: u64) -> Vec<Simulated> {
        let first = self.simulation.seed;
        (1..seeds).into_par_iter().map(|more| self.alone(first.wrapping_add(more))).collect()
    }
}
