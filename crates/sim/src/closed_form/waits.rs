//! What launch flags make prompts wait, on average, and how many of them they gather.

use crate::Engine;

/// Waits in decode steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    /// For the scheduler to look, while no prompts run.
    pub(super) polled: f64,
    /// For a full step, or for the other ranks.
    pub(super) held: f64,
    /// Other prompts of the rank that come meanwhile and then run with it.
    pub(super) gathered: f64,
}

impl Waits {
    /// With prompts coming at so many a step and rank.
    ///
    /// A scheduler that looks every n steps is waited for (n - 1)/2. Prompts are held until it is enough or they have
    /// what they wait for: a full step, or one on each of the ranks.
    pub(super) fn new(engine: &Engine, coming: f64, (clients, ranks): (f64, f64), input: f64) -> Self {
        let interval = f64::from(engine.receive_interval - 1);
        let filled = engine.batch_wait.map_or(0.0, |wait| {
            let prompts = (wait.filled * f64::from(engine.token_budget) - clients) / input;
            f64::from(wait.steps).min((prompts / coming).max(0.0))
        });
        let balanced = f64::from(engine.balance_wait).min(all_ranks(engine, coming, ranks));
        Self {
            polled: interval / 2.0,
            held: held(filled, coming) + held(balanced, coming * ranks),
            gathered: coming * interval.max(filled).max(balanced),
        }
    }
}

/// Steps from the first prompt on any rank until all have one: (H(ranks) - 1/ranks)/coming; ranks without clients end it.
fn all_ranks(engine: &Engine, coming: f64, ranks: f64) -> f64 {
    if ranks < f64::from(engine.ranks) {
        return 0.0;
    }
    let harmonic: f64 = (1..=engine.ranks).map(|rank| 1.0 / f64::from(rank)).sum();
    (harmonic - 1.0 / ranks) / coming
}

/// Mean wait of prompts that are held for some steps from the first on, while others join: T (1 + N/2)/(1 + N).
fn held(steps: f64, coming: f64) -> f64 {
    let joining = coming * steps;
    steps * (1.0 + joining / 2.0) / (1.0 + joining)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BatchWait;

    #[test]
    fn hand_waits() {
        let waits = |engine: Engine| Waits::new(&engine, 0.1, (50.0, 2.0), 1000.0);
        let polled = waits(Engine { receive_interval: 31, ..Engine::VLLM });
        assert_eq!((polled.polled, polled.held, polled.gathered), (15.0, 0.0, 3.0));
        // (0.5 · 8,192 - 50)/1000 = 4.05 prompts take 40 steps to come; 20 are waited, and two join.
        let wait = Some(BatchWait { steps: 20, filled: 0.5 });
        let filled = waits(Engine { batch_wait: wait, ..Engine::VLLM });
        assert!((filled.held - 20.0 * 2.0 / 3.0).abs() < 1e-12 && (filled.gathered - 2.0).abs() < 1e-12);
        // The other of two ranks has one after 10 steps on average, while two come.
        let balanced = waits(Engine { balance_wait: 60, ranks: 2, ..Engine::VLLM });
        assert!((balanced.held - 10.0 * 2.0 / 3.0).abs() < 1e-12, "{balanced:?}");
    }
}
