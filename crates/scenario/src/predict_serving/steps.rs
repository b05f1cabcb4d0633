//! Constants of composed steps, found from serving results: how far ranks drift apart, what hosts do for each sequence, how
//! unevenly experts are met, and how many drafts are accepted.

use super::ServingPredictor;
use super::results::{FittedEntry, Found, fit, report, targets};
use crate::serving::{Load, ServingCase, geometric};
use rackplan_catalog::{Basis, Catalog, HeldOut, HostPerSequence, StepConstants, Steps};
use rackplan_perf::Parameter;
use rackplan_perf::operators::moe_routing::Routing;
use std::collections::BTreeMap;

/// What each is before any result: a kernel's launch, and even odds, both known badly; and the popularity that aiconfigurator
/// takes for DeepSeek (1.01; 1.2 for Qwen3-235B), known to a third.
const DRIFT: Parameter = Parameter { name: "drift_us", prior: 4.0, low: 0.2, high: 40.0, spread: 1.0 };
const ACCEPTED: Parameter =
    Parameter { name: "accepted_on_random", prior: 0.5, low: 0.1, high: 0.95, spread: 0.5 };
const SKEW: Parameter = Parameter { name: "skew", prior: 1.0, low: 0.3, high: 1.8, spread: 0.3 };
/// A host's time for a sequence: what a prototype found in published maximum throughputs, known badly.
const HOST: Parameter = Parameter { name: "host_us", prior: 8.0, low: 0.2, high: 100.0, spread: 1.0 };
const SOURCE: &str = "fitted by `rackplan calibrate fit-steps` to time per output token of published closed loops on \
                      accelerators whose kernels were measured: the drift and the hosts to dense models, as errors of experts \
                      would pass for them, the skew to others, with rates of queued sets, the chance of drafts to runs with drafts on random \
                      text; each source's results of a model on an accelerator count as the root of their number, the newest \
                      of each configuration";

/// Fits the constants of steps to a table of results; nothing without rows.
pub fn fit_steps(text: &str, catalog: &Catalog) -> Option<FittedEntry> {
    let plain = ServingPredictor::new(catalog);
    let known = |case: &ServingCase| plain.engines.measured(case.gpu.record.architecture);
    let measured = |case: &ServingCase| matches!(case.load, Load::Closed { .. }) && known(case);
    let drafts = |case: &ServingCase| case.speculative.is_some_and(|speculative| speculative.random);
    let dense = |case: &ServingCase| case.model.record.parameters_routed() == 0;
    let undrafted = |case: &ServingCase| case.speculative.is_none();
    let with = |dense: &[f64], skew: f64| {
        let (drift, host) = on_dense_models(dense);
        let routing = Routing::PowerLaw { alpha: skew };
        plain.with_engines(plain.engines.with_drift(drift).with_host(host).with_routing(routing))
    };
    let on_dense = targets(text, catalog, |case| measured(case) && dense(case) && undrafted(case));
    let plain_steps =
        fit(&[DRIFT, HOST, HOST, HOST], &on_dense, |values| with(values, SKEW.prior), |_, _| ())?;
    let at = &plain_steps.values;
    let on_experts = targets(text, catalog, |case| known(case) && !dense(case) && undrafted(case));
    let skew = fit(&[SKEW], &on_experts, |values| with(at, values[0]), |_, _| ())?;
    let on_drafts = targets(text, catalog, |case| measured(case) && drafts(case));
    let accepted = fit(&[ACCEPTED], &on_drafts, |_| with(at, skew.values[0]), accept)?;
    Some(entry(&steps(&plain_steps, &skew, &accepted)))
}

/// The drift and the hosts among the constants that are fitted to dense models.
fn on_dense_models(values: &[f64]) -> (f64, HostPerSequence) {
    let [drift, sglang, trtllm, vllm] = *values else { panic!("the fit has these four") };
    (drift, HostPerSequence { sglang, trtllm, vllm })
}

/// The fits as an entry.
fn steps(dense: &Found, skew: &Found, accepted: &Found) -> Steps {
    let (drift_us, host_us) = on_dense_models(&dense.values);
    let (accepted_on_random, skew_of_all) = (accepted.values[0], skew.values[0]);
    let best = rounded(StepConstants { drift_us, accepted_on_random, skew: skew_of_all, host_us });
    let without = |what: &str, found: &Found, constants: &dyn Fn(&[f64]) -> StepConstants| {
        let of = |(part, values, held): &(String, Vec<f64>, HeldOut)| {
            (format!("{what} without {part}"), rounded(constants(values)), *held)
        };
        found.without.iter().map(of).collect::<Vec<_>>()
    };
    let without = [
        without("drift and hosts", dense, &|values| {
            let (drift_us, host_us) = on_dense_models(values);
            StepConstants { drift_us, host_us, ..best }
        }),
        without("skew", skew, &|values| StepConstants { skew: values[0], ..best }),
        without("drafts", accepted, &|values| StepConstants { accepted_on_random: values[0], ..best }),
    ]
    .concat();
    Steps {
        name: "Steps of serving".to_owned(),
        aliases: Vec::new(),
        source: SOURCE.to_owned(),
        basis: Basis::Measured,
        notes: None,
        other_sources: BTreeMap::new(),
        rows: dense.rows + skew.rows + accepted.rows,
        constants: best,
        without: without.iter().map(|(part, constants, _)| (part.clone(), *constants)).collect(),
        left_out: without.into_iter().map(|(part, _, held)| (part, held)).collect(),
    }
}

/// Gives a case the chance that a draft is accepted, where it rests on random text.
fn accept(values: &[f64], case: &mut ServingCase) {
    if let Some(speculative) = case.speculative.as_mut().filter(|speculative| speculative.random) {
        speculative.accepted_per_step = geometric(values[0], speculative.draft_tokens);
    }
}

fn rounded(constants: StepConstants) -> StepConstants {
    let StepConstants { drift_us, accepted_on_random, skew, host_us } = constants;
    let HostPerSequence { sglang, trtllm, vllm } = host_us;
    let [drift_us, accepted_on_random, skew, sglang, trtllm, vllm] =
        [drift_us, accepted_on_random, skew, sglang, trtllm, vllm].map(|value| (value * 1e3).round() / 1e3);
    StepConstants { drift_us, accepted_on_random, skew, host_us: HostPerSequence { sglang, trtllm, vllm } }
}

fn entry(steps: &Steps) -> FittedEntry {
    let said = |constants: &StepConstants| {
        let StepConstants { drift_us, accepted_on_random, skew, host_us } = *constants;
        let HostPerSequence { sglang, trtllm, vllm } = host_us;
        let hosts = format!("hosts {sglang}, {trtllm}, {vllm} us (SGLang, TensorRT-LLM, vLLM)");
        format!("drift {drift_us} us, {hosts}, skew {skew}, {accepted_on_random} accepted")
    };
    let first = format!("{} from {} rows", said(&steps.constants), steps.rows);
    let report = report(first, &steps.without, &steps.left_out, said);
    let text = toml::to_string(steps).expect("constants are plain data");
    let text = format!("# Written by `rackplan calibrate fit-steps`; do not edit.\n{text}");
    FittedEntry { id: "serving".to_owned(), text, report }
}
