//! `explain`: one step of one deployment, part by part, with what the deployment needs and reaches.

mod drafts;
mod fit;
mod plan;
mod read;
mod step;

pub(super) use drafts::drafted;
pub(super) use fit::{difficulty, memory};
pub(super) use read::{Asked, StepAsked, Target};
pub(super) use step::widest_peak;

use super::envelope::{read_values, wrap};
use crate::QuestionError;
use crate::answer::{Answer, ExplainAnswer, ExplainLayout};
use crate::inputs::Inputs;
use crate::layers::Layers;
use crate::predict_serving::bands::{ID as BANDS, class};
use crate::question::Phase;
use rackplan_catalog::Bands;
use rackplan_perf::{Compiled, Engines};

/// How far the parts can be trusted, in a sentence.
const BAND: &str = "of each part measured over predicted at the 10th and 90th percentile of its own table; the step's is \
                    that of whole measured servers, since worst cases of parts do not add up";

/// Why a step takes what it takes.
pub fn explain(inputs: &Inputs, layers: &Layers) -> Result<Answer<ExplainAnswer>, QuestionError> {
    let mut target = Target::read(inputs, layers)?;
    let answer = answer(inputs, &mut target);
    let mut question = layers.resolved();
    read_values(&target.question, &mut question);
    for (key, id) in [("model", &target.model.id), ("hardware", &target.gpu.id)] {
        if let Some(shown) = question.get_mut(key) {
            shown.value = id.clone().into();
        }
    }
    Ok(wrap(question, target.notes, &inputs.catalog, ("operators", BAND), answer))
}

fn answer(inputs: &Inputs, target: &mut Target) -> ExplainAnswer {
    let batch = target.batch();
    let deployment = target.deployment(target.plan);
    let compiled = Compiled::new(&deployment, &Engines::new(&inputs.catalog));
    let explained = compiled.explain(&batch);
    let time = compiled.step(&batch).get();
    let parts = step::parts(target, &explained, time);
    let memory = fit::memory(target, &deployment);
    let difficulty = fit::difficulty(target, &memory);
    let alone = step::alone(target, &compiled);
    let tpot = (target.phase != Phase::Prefill).then(|| time / target.tokens_per_step());
    let bands = SystemBands::of(inputs, target, step::weakest(&parts));
    ExplainAnswer {
        model: target.model.record.name.clone(),
        gpu: target.gpu.record.name.clone(),
        backend: target.backend.name().to_owned(),
        layout: layout(target),
        phase: target.phase.name().to_owned(),
        batch: step::carried(target, &compiled, &batch),
        fits: difficulty.is_none(),
        difficulty,
        memory,
        step: step::totals(target, &compiled, &batch, time),
        ttft_alone_s: alone,
        ttft_alone_band_s: bands.around("ttft", alone),
        tpot_s: tpot,
        tpot_band_s: tpot.and_then(|tpot| bands.around("tpot", tpot)),
        families: step::families(&parts, time),
        bounds: step::shares(&parts, time, |part| &part.bound),
        evidence: step::shares(&parts, time, |part| &part.evidence),
        layer_kinds: step::layer_kinds(target, &parts, time),
        parts,
        device: step::roofs(target),
    }
}

pub(super) fn layout(target: &Target) -> ExplainLayout {
    let (plan, formats) = (target.plan, target.formats);
    ExplainLayout {
        gpus: plan.gpus(),
        tp: plan.tp,
        pp: plan.pp,
        ep: plan.ep,
        dp: plan.dp,
        attention_dtype: formats.attention.name().to_owned(),
        weight_dtype: formats.weights.name().to_owned(),
        expert_dtype: formats.experts.name().to_owned(),
        kv_dtype: formats.kv.name().to_owned(),
        draft_tokens: target.speculative.map_or(0, |speculative| speculative.draft_tokens),
        tokens_per_step: target.tokens_per_step(),
    }
}

/// Bands of whole predictions, for a class of models.
struct SystemBands {
    bands: Option<Bands>,
    class: &'static str,
}

impl SystemBands {
    fn of(inputs: &Inputs, target: &Target, evidence: &str) -> Self {
        let bands = inputs.catalog.get::<Bands>(BANDS).ok().map(|entry| entry.record);
        Self { bands, class: class(target.model.record.parameters_routed() > 0, evidence) }
    }

    fn around(&self, figure: &str, value: f64) -> Option<[f64; 2]> {
        let classes = self.bands.as_ref()?.bands.get(figure)?;
        let band = classes.get(self.class).or_else(|| classes.get("all"))?;
        Some([value * band.p10, value * band.p90])
    }
}
