//! Attention ranks that wait for one another: what prompts of any of them do to the steps of all.

use super::Replica;
use crate::root::root;
use rackplan_perf::{Average, Batch};

/// The largest exponent, far beyond what any load has.
const MOST_EXPONENT: f64 = 50.0;
/// Prompts of a rank in a step that are told apart.
const MOST_PROMPTS: u32 = 12;

impl Replica<'_> {
    /// Time per step that generates where ranks wait for one another: a step lasts as long as one with prompts where any rank
    /// has some, and those that come meanwhile, to whichever rank, share the next. With Λ prompts a second to all ranks, that a
    /// step with prompts follows one of length L has the chance 1 - exp(-Λ L): the share of such steps is
    /// q = a / (a + exp(-Λ s)) with a = 1 - exp(-Λ dec), and tpot = (1 - q) dec + q s; where decodes rest while prompts run
    /// tpot = dec + s a exp(Λ s). What comes, Λ = ranks · prompts / tpot, falls with tpot, so that one tpot fits both.
    pub(super) fn among_ranks(&self, batch: f64, (decode, prompt): (f64, f64), prompts: f64) -> f64 {
        let rests = self.scheduler.rests_decodes();
        let before = if rests { 0.0 } else { decode };
        let of = |halted: f64| shared_steps((decode, halted), self.room.ranks * prompts, rests);
        // How many prompts share a step is seen with that of one of them, and then what such a step takes.
        let first = of(before + prompt);
        let with_prompts = ((first - decode) / prompt).max(1e-9);
        of(self.halted(batch, (prompts / with_prompts).max(1.0 / self.room.ranks)).max(decode))
    }

    /// A step in which some rank has prompts, `of_rank` of them on average over ranks, as long as the rank with most of them takes;
    /// alone where decodes rest.
    fn halted(&self, batch: f64, of_rank: f64) -> f64 {
        let others = if self.scheduler.rests_decodes() { Batch::default() } else { self.decodes(batch) };
        let average = Average { decodes: others.decodes, prompt_tokens: of_rank * self.request.input };
        let most = most_on_a_rank(of_rank, self.room.ranks);
        let prompts = Batch { average: Some(average), ..self.prompts(others, most) };
        self.pace.slower * self.compiled.step(&prompts).get()
    }
}

/// Prompts of the rank that has most, in steps in which some rank has one: those of each are Poisson with a mean μ, of which
/// `of_rank` = μ / (1 - exp(-ranks μ)) is the mean of such steps. E[max] = Σ over k from 0 of 1 - F(k)^ranks.
fn most_on_a_rank(of_rank: f64, ranks: f64) -> f64 {
    let any = |mean: f64| -(-ranks * mean).exp_m1();
    let mut mean = of_rank;
    for _ in 0..MOST_PROMPTS {
        let last = mean;
        mean = of_rank * any(last);
        if last - mean <= CLOSE * last {
            break;
        }
    }
    if any(mean) < 1e-3 {
        return 1.0;
    }
    let (mut term, mut below, mut most) = ((-mean).exp(), 0.0, 0.0);
    for k in 1..=MOST_PROMPTS {
        below += term;
        if below >= 1.0 - CLOSE * CLOSE {
            break;
        }
        most += 1.0 - f64::min(below, 1.0).powf(ranks);
        term *= mean / f64::from(k);
    }
    (most / any(mean)).max(of_rank).max(1.0)
}

/// How far beside itself a time per token may be, as a part of it.
const CLOSE: f64 = 1e-6;

/// The time t per token with t = tpot(Λ = prompts / t): what is on the right falls where t rises.
fn shared_steps((decode, halted): (f64, f64), prompts: f64, rests: bool) -> f64 {
    let of = |t: f64| {
        let rate = prompts / t;
        let (begins, goes_on) = (1.0 - (-rate * decode).exp(), (rate * halted).min(MOST_EXPONENT).exp());
        if rests {
            return decode + halted * begins * goes_on;
        }
        let with_prompts = begins / (begins + 1.0 / goes_on);
        decode + with_prompts * (halted - decode)
    };
    let most = if rests { decode + prompts * halted } else { halted }.max(decode);
    let above = |t: f64| of(t) - t;
    root(above, (decode, above(decode)), (most, above(most)), CLOSE * decode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_steps_that_prompts_stretch() {
        // Hardly any prompts: each adds what its step takes beyond a decode, or all of it where decodes rest.
        let (decode, halted, few) = (0.02, 0.5, 1e-5);
        assert!((shared_steps((decode, halted), few, true) - (decode + few * halted)).abs() < 1e-5);
        assert!(
            (shared_steps((decode, halted), few, false) - (decode + few * (halted - decode))).abs() < 1e-5
        );
        // Prompts in every step: none is without one, and none lasts longer.
        assert!((shared_steps((decode, halted), 50.0, false) - halted).abs() < 1e-3);
        // A fixed point: t = dec + s (1 - exp(-x dec/t)) exp(x s/t), x = 0.05.
        let t = shared_steps((decode, 0.3), 0.05, true);
        let of = decode + 0.3 * (1.0 - (-0.05 * decode / t).exp()) * (0.05 * 0.3 / t).exp();
        assert!((of / t - 1.0).abs() < 1e-3, "{t} {of}");
    }

    #[test]
    fn hand_prompts_of_the_rank_with_most() {
        assert_eq!(most_on_a_rank(1e-5, 8.0), 1.0);
        // Two ranks with 1/2 each on average over all steps: E[max] = 0.832 with any in 0.632 of them, of whose mean 0.791.
        assert!(
            (most_on_a_rank(0.5 / 0.632, 2.0) - 0.832 / 0.632).abs() < 0.01,
            "{}",
            most_on_a_rank(0.791, 2.0)
        );
    }
}
