//! Serving frameworks that rackplan knows by name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A serving framework; its kernels and its scheduler have entries of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// vLLM.
    Vllm,
    /// SGLang.
    Sglang,
    /// TensorRT-LLM.
    Trtllm,
}

impl Backend {
    /// Every one, in the order in which lists print them.
    pub const ALL: [Backend; 3] = [Backend::Vllm, Backend::Sglang, Backend::Trtllm];

    /// As files spell it.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Vllm => "vllm",
            Backend::Sglang => "sglang",
            Backend::Trtllm => "trtllm",
        }
    }

    /// From a name as people write it: `vLLM`, `TensorRT-LLM`, or an orchestrator around one, `dynamo+sglang`.
    pub fn from_name(name: &str) -> Option<Backend> {
        let plain: String = name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        let known = [
            ("vllm", Backend::Vllm),
            ("sglang", Backend::Sglang),
            ("trtllm", Backend::Trtllm),
            ("tensorrtllm", Backend::Trtllm),
        ];
        known.into_iter().find(|(end, _)| plain.ends_with(end)).map(|(_, backend)| backend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_names_people_write() {
        assert_eq!(Backend::from_name("TensorRT-LLM"), Some(Backend::Trtllm));
        assert_eq!(Backend::from_name("dynamo+sglang"), Some(Backend::Sglang));
        assert_eq!(Backend::from_name("vLLM"), Some(Backend::Vllm));
        assert_eq!(Backend::from_name("tgi"), None);
    }
}
