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

    /// From a name as people write it: `vLLM`, `TensorRT-LLM`, one with a version, `SGLang 0.5`, or one with an
    /// orchestrator around it, `dynamo+sglang`; none where it names two.
    pub fn from_name(name: &str) -> Option<Backend> {
        let plain: String = name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        // llm-d serves with vLLM alone.
        let words = [("vllm", Backend::Vllm), ("llmd", Backend::Vllm), ("sglang", Backend::Sglang)];
        let words = words.into_iter().chain(["trt", "tensorrt"].map(|word| (word, Backend::Trtllm)));
        let mut named = words.filter(|(word, _)| plain.contains(word)).map(|(_, backend)| backend);
        let first = named.next()?;
        named.all(|other| other == first).then_some(first)
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
        for (name, backend) in [
            ("SGLang-0.5", Backend::Sglang),
            ("dynamo-trt", Backend::Trtllm),
            ("TRT-LLM 1.0", Backend::Trtllm),
            ("TensorRT", Backend::Trtllm),
            ("vllm-disagg", Backend::Vllm),
        ] {
            assert_eq!(Backend::from_name(name), Some(backend), "{name}");
        }
        assert_eq!(Backend::from_name("tgi"), None);
        assert_eq!(Backend::from_name("vllm or sglang"), None);
    }
}
