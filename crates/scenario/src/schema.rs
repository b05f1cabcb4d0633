//! JSON Schemas of the question and the answers.

use crate::answer::{
    Answer, CompareAnswer, ExplainAnswer, MixAnswer, OffloadAnswer, ReasonsAnswer, SimulateAnswer,
    SizeAnswer, SweepAnswer,
};
use crate::question::Question;
use schemars::{Schema, schema_for};

/// Names that [`schema`] knows.
pub const SCHEMAS: [&str; 9] =
    ["question", "size", "mix", "sweep", "offload", "explain", "simulate", "reasons", "compare"];

/// The JSON Schema of a question, or of a verb's answer.
pub fn schema(what: &str) -> Option<Schema> {
    Some(match what {
        "question" => schema_for!(Question),
        "size" => schema_for!(Answer<SizeAnswer>),
        "mix" => schema_for!(Answer<MixAnswer>),
        "sweep" => schema_for!(Answer<SweepAnswer>),
        "explain" => schema_for!(Answer<ExplainAnswer>),
        "simulate" => schema_for!(Answer<SimulateAnswer>),
        "offload" => schema_for!(Answer<OffloadAnswer>),
        "reasons" => schema_for!(Answer<ReasonsAnswer>),
        "compare" => schema_for!(CompareAnswer),
        _ => return None,
    })
}
