//! The racks that are there, as the question names them.

use crate::QuestionError;
use crate::layers::{Layers, Origin};
use crate::question::{Method, Objective, Question};
use rackplan_first_order::MAX_RACKS;

/// A kind of rack by name, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) racks: u64,
}

/// What says otherwise which racks there may be.
const OTHERS: [&str; 3] = ["hardware", "limits.max_racks", "limits.fixed_racks"];

/// Reads the stock, and refuses what does not go with it.
pub(super) fn read(layers: &Layers) -> Result<Vec<Named>, QuestionError> {
    let question: Question = layers.read()?;
    let place = layers.place("limits.stock");
    if let Some(other) = OTHERS.into_iter().find(|other| layers.origin(other).is_some()) {
        let error = QuestionError::value(layers.place(other), "the stock says already which racks there are");
        return Err(error.with_hint(format!("leave out one of it and {place}")));
    }
    check_search(layers, &question)?;
    let list = question.limits.stock.unwrap_or_default().0;
    let named: Vec<Named> = list.iter().map(|text| one(text, &place)).collect::<Result<_, _>>()?;
    if named.iter().all(|kind| kind.racks == 0) {
        return Err(
            QuestionError::value(place, "there is not one rack").with_hint("e.g. `gb200_nvl72=2,h200_hgx=8`")
        );
    }
    Ok(named)
}

fn check_search(layers: &Layers, question: &Question) -> Result<(), QuestionError> {
    if question.search.method == Some(Method::FirstOrder) {
        let error =
            QuestionError::value(layers.place("search.method"), "it knows one kind of rack at a time");
        return Err(error.with_hint("leave it out with --stock"));
    }
    match question.search.objective.unwrap_or_default() {
        Objective::Gpus | Objective::Cost | Objective::Power => Ok(()),
        Objective::Throughput | Objective::Ttft => {
            let place = layers.place("search.objective");
            let error = QuestionError::value(place, "racks of several kinds are not filled by it");
            Err(error.with_hint("expected gpus, cost or power"))
        }
    }
}

/// `gb200_nvl72=2`.
fn one(text: &str, place: &str) -> Result<Named, QuestionError> {
    let wrong = |problem: String| {
        QuestionError::value(place, problem).with_hint("expected RACK=N, e.g. `gb200_nvl72=2,h200_hgx=8`")
    };
    let Some((name, count)) = text.split_once('=') else {
        return Err(wrong(format!("`{text}` is not RACK=N")));
    };
    let (name, count) = (name.trim(), count.trim());
    if name.is_empty() || name == "all" {
        return Err(wrong(format!("`{text}` names no rack")));
    }
    let racks: u64 = count.parse().map_err(|_| wrong(format!("`{count}` is no number of racks")))?;
    if racks > MAX_RACKS {
        return Err(wrong(format!("{racks} racks are more than the {MAX_RACKS} that are modelled")));
    }
    Ok(Named { name: name.to_owned(), racks })
}

/// The question about these racks: `hardware` named where the stock was, so that errors point there.
pub(super) fn layers(layers: &Layers, named: &[Named]) -> Layers {
    let names: Vec<&str> = named.iter().map(|kind| kind.name.as_str()).collect();
    let mut narrowed = layers.clone();
    narrowed.add("hardware", &names.join(","), Origin::Flag(layers.place("limits.stock")));
    narrowed.add("limits.max_racks", &MAX_RACKS.to_string(), Origin::Set);
    narrowed
}
