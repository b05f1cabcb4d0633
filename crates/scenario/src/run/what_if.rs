//! A changed link or catalog figure: what stood without it, the same plan with it, and the best plan with it.

use super::decision::decision;
use super::trial::{Change, Trial};
use crate::QuestionError;
use crate::answer::{Alternative, Decision, SizeAnswer, WhatIf, WhatIfCase};
use crate::inputs::Inputs;
use crate::layers::Layers;
use crate::question::Question;

/// The cases of a question that changes links or figures with `--link`, `--oversubscription` or `--set`; nothing where it changes none.
pub(crate) fn what_if(
    inputs: &Inputs,
    layers: &Layers,
    answer: &SizeAnswer,
) -> Result<Option<WhatIf>, QuestionError> {
    let mut changes: Vec<String> =
        layers.catalog_changes().into_iter().map(|change| format!("--set {change}")).collect();
    let question: Question = layers.read()?;
    changes.extend(question.links.map(|links| format!("--link {}", links.0.join(","))));
    let ratios = question.oversubscription;
    changes.extend(ratios.map(|ratios| format!("--oversubscription {}", ratios.0.join(","))));
    if changes.is_empty() {
        return Ok(None);
    }
    let unchanged = inputs.unchanged();
    let mut before = layers.clone();
    before.remove("links");
    before.remove("oversubscription");
    let stood = Trial::new(&unchanged, &before).ask(&Change::default())?;
    let mut cases = vec![case("as built", &stood)];
    if let Some(plan) = pinned(inputs, layers, &stood) {
        cases.push(case("same plan", &plan.ask(&Change::default())?));
    }
    cases.push(case("best plan", answer));
    Ok(Some(WhatIf { changes, cases }))
}

/// The plan that stood, in the changed world.
fn pinned<'a>(inputs: &'a Inputs, layers: &Layers, stood: &SizeAnswer) -> Option<Trial<'a>> {
    Trial::new(inputs, layers).pinned(stood)
}

fn case(name: &str, answer: &SizeAnswer) -> WhatIfCase {
    let binding = answer.difficulty.as_ref().map(|difficulty| difficulty.binding.clone());
    WhatIfCase { case: name.to_owned(), decision: decision(answer), binding }
}

/// The cases that stand beside the answer, as alternatives to it.
pub(crate) fn as_alternatives(what_if: &WhatIf) -> Vec<Alternative> {
    let best = what_if.cases.iter().find(|case| case.case == "best plan").and_then(|c| c.decision.as_ref());
    let others = what_if.cases.iter().filter(|case| case.case != "best plan");
    others.filter_map(|case| Some(alternative(case, case.decision.as_ref()?, best))).collect()
}

fn alternative(case: &WhatIfCase, d: &Decision, best: Option<&Decision>) -> Alternative {
    let change = match case.case.as_str() {
        "as built" => "without the change".to_owned(),
        _ => "with it, the plan of before".to_owned(),
    };
    Alternative {
        change,
        plan: format!("{} {} {}", d.hardware, d.quant, d.layout),
        racks: d.racks,
        gpus_active: d.gpus_active,
        gpus_provisioned: d.gpus_provisioned,
        total_tokens_per_s: d.tokens_per_s_per_gpu * d.gpus_active as f64,
        tokens_per_s_per_user: d.tpot_s.map_or(0.0, |tpot| 1.0 / tpot),
        trade: trade(d, best),
    }
}

/// `1 rack, 12 GPUs active as TP2 x EP2 (4 fewer), waits 9 % for the network`.
fn trade(d: &Decision, best: Option<&Decision>) -> String {
    let racks = if d.racks == 1 { "rack" } else { "racks" };
    let against = best.map_or(String::new(), |best| match d.gpus_active.cmp(&best.gpus_active) {
        std::cmp::Ordering::Less => format!(" ({} fewer)", best.gpus_active - d.gpus_active),
        std::cmp::Ordering::Equal => " (as many)".to_owned(),
        std::cmp::Ordering::Greater => format!(" ({} more)", d.gpus_active - best.gpus_active),
    });
    let waits = d
        .communication_share
        .map_or(String::new(), |share| format!(", a step waits {:.0} % for the network", share * 100.0));
    let tpot = d.tpot_s.map_or(String::new(), |tpot| format!(", tpot {:.1} ms", tpot * 1e3));
    format!("{} {racks}, {} GPUs active as {}{against}{tpot}{waits}", d.racks, d.gpus_active, d.layout)
}
