//! How far the closed form is from the player, on random shapes.

use rackplan_sim::{
    BatchWait, Engine, Load, Policy, Refusal, Simulate, Step, StepTimes, Workload, closed_form, play,
};
use rackplan_traffic::{Lengths, Stream};

/// Step times of a dense model: weights are read or multiplied, whichever takes longer; caches are read; prompts attend.
#[derive(Clone, Copy, Debug)]
struct Dense {
    host: f64,
    weights: f64,
    per_token: f64,
    per_cached: f64,
    per_pair: f64,
}

impl StepTimes for Dense {
    fn time(&self, step: &Step<'_>) -> f64 {
        let &Step { decodes, context, chunks, .. } = step;
        let prompts: f64 = chunks.iter().map(|c| c.prompts * c.tokens).sum();
        let pairs: f64 = chunks.iter().map(|c| c.prompts * c.tokens * (c.prefix + c.tokens / 2.0)).sum();
        let gemms = self.weights.max(self.per_token * (decodes + prompts));
        self.host + gemms + self.per_cached * decodes * context + self.per_pair * pairs
    }
}

fn between(random: &mut Stream, low: f64, high: f64) -> f64 {
    (low.ln() + (high / low).ln() * random.unit()).exp()
}

fn dense(random: &mut Stream) -> Dense {
    Dense {
        host: between(random, 5e-4, 3e-3),
        weights: between(random, 2e-3, 2e-2),
        per_token: between(random, 5e-6, 6e-5),
        per_cached: between(random, 1e-9, 2e-8),
        per_pair: between(random, 1e-10, 8e-10),
    }
}

fn shape(random: &mut Stream, ratio: f64) -> Workload {
    let (isl, osl) = (between(random, 128.0, 15e3) as u32, between(random, 64.0, 8e3) as u32);
    let load = Load::closed_loop(between(random, 1.0, 512.0) as u32);
    Workload::new(load, Lengths::up_to(isl, ratio), Lengths::up_to(osl, ratio))
}

/// Median and 90th percentile of |closed form / player - 1|, in percent.
type Deviation = (f64, f64);

/// Deviations of TTFT, TPOT and output rate over shapes and ratios of shortest to longest, and the share of shapes for
/// which the closed form gives an answer.
fn deviations(engine: &Engine, shapes: usize) -> ([Deviation; 3], f64) {
    let mut random = Stream::new(11, "shapes");
    let (mut errors, mut answered) = ([vec![], vec![], vec![]], 0.0);
    for at in 0..shapes {
        let ratio = [0.0, 0.5, 0.8][at % 3];
        let (times, workload) = (dense(&mut random), shape(&mut random, ratio));
        let Ok(estimate) = closed_form(engine, &times, &workload) else { continue };
        answered += 1.0 / shapes as f64;
        let played = play(engine, &times, &workload);
        let (ttft, tpot) = (played.ttft.expect("served").mean, played.tpot.expect("served").mean);
        let rate = estimate.output_tokens_per_second / played.output_tokens_per_second;
        let ratios = [estimate.ttft_mean / ttft, estimate.tpot_mean / tpot, rate];
        errors.iter_mut().zip(ratios).for_each(|(errors, ratio)| errors.push(100.0 * (ratio - 1.0).abs()));
    }
    let of = |mut errors: Vec<f64>| {
        errors.sort_by(f64::total_cmp);
        (errors[errors.len() / 2], errors[errors.len() * 9 / 10])
    };
    (errors.map(of), answered)
}

fn assert_near(name: &str, engine: &Engine, bars: [Deviation; 3]) {
    let (deviations, answered) = deviations(engine, 120);
    let [ttft, tpot, rate] = deviations;
    println!(
        "{name}: ttft {ttft:.1?} % tpot {tpot:.1?} % rate {rate:.1?} %, {:.0} % answered",
        100.0 * answered
    );
    for (found, bar) in deviations.iter().zip(bars) {
        assert!(found.0 <= bar.0 && found.1 <= bar.1, "{name}: {found:?} beyond {bar:?}");
    }
}

const BASE: Engine = Engine { token_budget: 16_384, ..Engine::VLLM };

#[test]
fn law_the_closed_form_is_near_the_player() {
    for policy in [Policy::ChunkedWithDecodes, Policy::WholeWithDecodes, Policy::PromptsFirst] {
        for ranks in [1, 8] {
            let engine = Engine { policy, ranks, ..BASE };
            let bars = [(6.0, 29.0), (2.0, 17.0), (6.0, 12.0)];
            assert_near(&format!("{policy:?} on {ranks} ranks"), &engine, bars);
        }
    }
}

#[test]
fn law_launch_flags_are_in_the_closed_form() {
    let bars = [(6.0, 38.0), (3.0, 32.0), (6.0, 12.0)];
    assert_near("not ahead", &Engine { schedules_ahead: false, ..BASE }, bars);
    assert_near("64 places", &Engine { max_sequences: 64, ..BASE }, bars);
    assert_near("speculation", &Engine { tokens_per_step: 2.5, ..BASE }, bars);
    // What makes prompts wait hangs on how full the engine is: right at the median, wide beyond.
    let bars = [(12.0, 60.0), (3.0, 27.0), (6.0, 17.0)];
    assert_near("interval 30", &Engine { receive_interval: 30, policy: Policy::PromptsFirst, ..BASE }, bars);
    let batch_wait = Some(BatchWait { steps: 20, filled: 0.9 });
    assert_near("batch wait", &Engine { batch_wait, policy: Policy::WholeWithDecodes, ..BASE }, bars);
    assert_near(
        "balance",
        &Engine { balance_wait: 60, ranks: 8, policy: Policy::WholeWithDecodes, ..BASE },
        bars,
    );
}

#[test]
fn hand_what_must_be_played() {
    let times = dense(&mut Stream::new(1, "times"));
    let why = |engine: Engine, load, ratio| {
        let workload = Workload::new(load, Lengths::up_to(1000, ratio), Lengths::up_to(1000, ratio));
        closed_form(&engine, &times, &workload).err()
    };
    let closed = Load::closed_loop(16);
    assert_eq!(why(BASE, closed, 0.8), None);
    assert_eq!(why(BASE, closed, 0.9), Some(Simulate::EqualLengths));
    assert_eq!(why(BASE, Load::closed_loop(1), 1.0), None);
    assert_eq!(why(BASE, Load::AllAtOnce { requests: 9 }, 0.8), Some(Simulate::NotClosedLoop));
    let small = |kv_capacity| Engine { kv_capacity, ..BASE };
    assert_eq!(why(small(16_000.0), closed, 0.8), Some(Simulate::KvBound));
    assert_eq!(why(small(1_999.0), closed, 0.8), Some(Simulate::Refused(Refusal::LongerThanCache)));
}
