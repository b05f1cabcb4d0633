//! Whether the engines of a catalog have every constant that their operators take.

use crate::collectives::all_reduce::AllReduceConstants;
use crate::collectives::all_to_all::AllToAllConstants;
use crate::collectives::nccl::NcclConstants;
use crate::operators::attention_decode::AttentionDecodeConstants;
use crate::operators::attention_mla_bmm::MlaBmmConstants;
use crate::operators::attention_mla_decode::MlaDecodeConstants;
use crate::operators::attention_mla_module::MlaModuleConstants;
use crate::operators::attention_mla_prefill::MlaPrefillConstants;
use crate::operators::attention_prefill::AttentionPrefillConstants;
use crate::operators::gemm::GemmConstants;
use crate::operators::moe::MoeConstants;
use crate::{Constants, Parameter};
use rackplan_catalog::{Catalog, Engine, Kind};

/// What an engine lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineProblem {
    /// Id of the engine.
    pub engine: String,
    /// Where in it: `operators.gemm.fp8.constants.launch_us`.
    pub field: String,
    /// What is wrong there.
    pub problem: String,
}

/// The first operator that is not one, or constant that is absent. Without it the operator's priors would stand in, and
/// nobody would see.
pub fn check_engines(catalog: &Catalog) -> Result<(), EngineProblem> {
    for id in catalog.ids(Kind::Engines) {
        let Ok(entry) = catalog.get::<Engine>(&id) else { continue };
        if let Some((field, problem)) = first_problem(&entry.record) {
            return Err(EngineProblem { engine: id, field, problem });
        }
    }
    Ok(())
}

fn first_problem(engine: &Engine) -> Option<(String, String)> {
    for (operator, groups) in &engine.operators {
        let Some(parameters) = parameters(operator) else {
            return Some((format!("operators.{operator}"), "it is no operator".to_owned()));
        };
        for (group, fitted) in groups {
            let absent = |parameter: &&Parameter| !fitted.constants.contains_key(parameter.name);
            if let Some(parameter) = parameters.iter().find(absent) {
                let field = format!("operators.{operator}.{group}.constants.{}", parameter.name);
                return Some((field, "it is absent".to_owned()));
            }
        }
    }
    None
}

/// The constants of an operator, by the name that files give it.
fn parameters(operator: &str) -> Option<&'static [Parameter]> {
    Some(match operator {
        "gemm" => GemmConstants::PARAMETERS,
        "attn_decode" => AttentionDecodeConstants::PARAMETERS,
        "attn_prefill" => AttentionPrefillConstants::PARAMETERS,
        "mla_decode" => MlaDecodeConstants::PARAMETERS,
        "mla_prefill" => MlaPrefillConstants::PARAMETERS,
        "mla_decode_module" => MlaModuleConstants::PARAMETERS,
        "mla_bmm" => MlaBmmConstants::PARAMETERS,
        "moe" => MoeConstants::PARAMETERS,
        "custom_allreduce" => AllReduceConstants::PARAMETERS,
        "nccl" => NcclConstants::PARAMETERS,
        "moe_a2a" => AllToAllConstants::PARAMETERS,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rackplan_catalog::OverlayFile;

    #[test]
    fn law_built_in_engines_have_every_constant() {
        assert_eq!(check_engines(&Catalog::builtin()), Ok(()));
    }

    #[test]
    fn hand_an_engine_without_a_constant_is_named_with_its_place() {
        let text = "name = \"mine\"\nbackend = \"vllm\"\narchitecture = \"ada\"\nsource = \"me\"\nbasis = \"measured\"\n\
                    [operators.nccl.all_gather]\ngpus = [\"l40s\"]\nrows = 1\n\
                    held_out = { rows = 0, median = 0.0, p90 = 0.0, bias = 0.0 }\n\
                    residuals = { p10 = 1.0, p50 = 1.0, p90 = 1.0 }\n\
                    [operators.nccl.all_gather.constants]\nlaunch_us = 5.0\n";
        let file = OverlayFile {
            shown: "mine.toml".to_owned(),
            relative: "engines/mine.toml".to_owned(),
            text: text.to_owned(),
        };
        let catalog = Catalog::builtin().with_overlay(&[file]).expect("the entry itself is readable");
        let problem = check_engines(&catalog).expect_err("eight constants are missing");
        assert_eq!(problem.engine, "mine");
        assert_eq!(problem.field, "operators.nccl.all_gather.constants.hop_us");
    }
}
