//! Saturation and the highest rate within limits.

use rackplan_sim::{
    Engine, Highest, Limits, Requests, Step, StepTimes, highest_rate, open_loop, saturated_rate,
};
use rackplan_traffic::Lengths;
use rackplan_units::Seconds;

struct Linear;

impl StepTimes for Linear {
    fn time(&self, step: &Step<'_>) -> f64 {
        let &Step { decodes, context, chunks, .. } = step;
        let prompts: f64 = chunks.iter().map(|chunk| chunk.prompts * chunk.tokens).sum();
        5e-3 + 2e-5 * decodes + 2e-9 * decodes * context + 2e-5 * prompts
    }
}

fn requests(isl: u32, osl: u32) -> Requests {
    Requests { input: Lengths::Fixed(isl), output: Lengths::up_to(osl, 0.5), count: 500, seed: 1 }
}

fn engine() -> Engine {
    Engine { max_sequences: 64, ..Engine::default() }
}

fn limits(ttft: f64, tpot: f64) -> Limits {
    Limits { ttft_p99: Seconds::new(ttft), tpot_p99: Seconds::new(tpot) }
}

#[test]
fn hand_one_prompt_at_a_time_saturates_at_its_service() {
    // One token each: a step of 5 ms + 1000 · 20 µs = 25 ms, 40 a second.
    let one = Engine { max_sequences: 1, schedules_ahead: false, ..engine() };
    let prefills = Requests { output: Lengths::Fixed(1), ..requests(1000, 1) };
    let rate = saturated_rate(&one, &Linear, &prefills).expect("served");
    assert!((rate - 40.0).abs() < 1e-6, "{rate}");
}

#[test]
fn law_beyond_saturation_the_queue_grows() {
    let requests = requests(1000, 400);
    let saturated = saturated_rate(&engine(), &Linear, &requests).expect("served");
    let at = |share: f64| open_loop(&engine(), &Linear, &requests, share * saturated);
    assert!(!at(0.8).grows_without_bound && at(1.1).grows_without_bound);
    // Twice as many requests wait longer if it grows, and as long if it does not.
    let mean = |share: f64, count| {
        let requests = Requests { count, ..requests.clone() };
        let played = open_loop(&engine(), &Linear, &requests, share * saturated).played;
        played.ttft.expect("served").mean.get()
    };
    assert!(mean(1.3, 4000) > 1.5 * mean(1.3, 2000));
    assert!(mean(0.7, 4000) < 1.5 * mean(0.7, 2000));
}

#[test]
fn law_looser_limits_allow_higher_rates() {
    let rates: Vec<f64> = [(0.5, 0.010), (0.5, 0.020), (2.0, 0.020), (50.0, 1.0)]
        .map(|(ttft, tpot)| {
            match highest_rate(&engine(), &Linear, &requests(1000, 400), &limits(ttft, tpot)) {
                Highest::Rate { requests_per_second, played } => {
                    assert!(limits(ttft, tpot).are_met(&played));
                    requests_per_second
                }
                Highest::Never { .. } => 0.0,
            }
        })
        .to_vec();
    assert!(rates[0] > 0.0 && rates.windows(2).all(|pair| pair[0] <= pair[1]), "{rates:?}");
    let saturated = saturated_rate(&engine(), &Linear, &requests(1000, 400)).expect("served");
    assert!(rates[3] <= saturated && rates[3] > 0.95 * saturated, "{rates:?} {saturated}");
}

#[test]
fn hand_limits_below_an_idle_engine_are_never_met() {
    let never = |engine, limits| {
        matches!(highest_rate(&engine, &Linear, &requests(1000, 400), &limits), Highest::Never { .. })
    };
    // An idle engine takes 3 ms + 30 ms + 25 ms.
    assert!(never(engine(), limits(0.057, 1.0)));
    assert!(!never(engine(), limits(0.060, 1.0)));
    assert!(never(Engine { kv_capacity: 1200.0, ..engine() }, limits(10.0, 1.0)));
}
