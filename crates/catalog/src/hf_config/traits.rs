//! What a `model_type` implies and its `config.json` does not say.

use crate::model::{Gate, Norm, QkNorm};

/// Properties that follow from the model's code. The default is a Llama-like decoder.
#[derive(Clone, Copy)]
pub(super) struct Traits {
    /// Query, key and value projections have biases.
    pub(super) bias: bool,
    /// The output projection has a bias.
    pub(super) output_bias: bool,
    /// The feed-forward matrices have biases.
    pub(super) mlp_bias: bool,
    /// Norms of queries and keys.
    pub(super) qk_norm: QkNorm,
    /// The attention output is gated.
    pub(super) output_gate: Gate,
    /// Heads have sink logits.
    pub(super) sinks: bool,
    /// Feed-forward networks have a gate matrix.
    pub(super) gated: bool,
    /// Embeddings are tied unless the file says otherwise.
    pub(super) tied: bool,
    /// The kind of norm.
    pub(super) norm: Norm,
    /// There is a norm after each half of a layer too.
    pub(super) post_norm: bool,
    /// Attention and feed-forward network work side by side.
    pub(super) parallel_block: bool,
    /// Positions are a learned table of the context's length and so many further rows.
    pub(super) learned_positions: Option<u64>,
    /// Shared experts where the file names none.
    pub(super) shared_experts: u64,
    /// The shared expert is gated.
    pub(super) shared_gate: bool,
    /// The router has a bias.
    pub(super) router_bias: bool,
    /// Attention works in chunks of `attention_chunk_size`.
    pub(super) chunked: bool,
    /// Every how many layers one has full attention, where the file gives a window and no pattern.
    pub(super) full_every: Option<u64>,
}

const LLAMA: Traits = Traits {
    bias: false,
    output_bias: false,
    mlp_bias: false,
    qk_norm: QkNorm::None,
    output_gate: Gate::None,
    sinks: false,
    gated: true,
    tied: false,
    norm: Norm::Rms,
    post_norm: false,
    parallel_block: false,
    learned_positions: None,
    shared_experts: 0,
    shared_gate: false,
    router_bias: false,
    chunked: false,
    full_every: None,
};

/// GPT-2 and its kin: layer norm, biases everywhere, two-matrix networks.
const GPT: Traits = Traits {
    bias: true,
    output_bias: true,
    mlp_bias: true,
    gated: false,
    tied: true,
    norm: Norm::Layer,
    ..LLAMA
};

const QWEN3: Traits = Traits { qk_norm: QkNorm::Head, ..LLAMA };
const QWEN3_NEXT: Traits = Traits { output_gate: Gate::Channel, shared_gate: true, ..QWEN3 };
const GEMMA2: Traits = Traits { tied: true, post_norm: true, full_every: Some(2), ..LLAMA };
const GEMMA3: Traits = Traits { qk_norm: QkNorm::Head, full_every: Some(6), ..GEMMA2 };
const COHERE: Traits = Traits { tied: true, norm: Norm::Layer, parallel_block: true, ..LLAMA };

impl Default for Traits {
    fn default() -> Self {
        LLAMA
    }
}

impl Traits {
    /// The traits of a type; `None` if it is not known.
    pub(super) fn of(model_type: &str) -> Option<Traits> {
        older(model_type).or_else(|| newer(model_type))
    }
}

/// Families whose blocks differ from Llama's.
fn older(model_type: &str) -> Option<Traits> {
    Some(match model_type {
        "gpt2" => Traits { learned_positions: Some(0), ..GPT },
        "gpt_bigcode" => Traits { learned_positions: Some(0), ..GPT },
        "opt" => Traits { learned_positions: Some(2), ..GPT },
        "bloom" | "starcoder2" => GPT,
        "gpt_neox" => Traits { tied: false, parallel_block: true, ..GPT },
        "phi" => Traits { tied: false, parallel_block: true, ..GPT },
        "gptj" => Traits { bias: false, output_bias: false, tied: false, parallel_block: true, ..GPT },
        "falcon" => Traits { bias: false, output_bias: false, mlp_bias: false, parallel_block: true, ..GPT },
        // MPT's layer norms have no bias, and so as many weights as an RMS norm.
        "mpt" => Traits { gated: false, tied: true, ..LLAMA },
        "nemotron" => Traits { gated: false, norm: Norm::Layer, ..LLAMA },
        "phimoe" => Traits { bias: true, output_bias: true, norm: Norm::Layer, ..LLAMA },
        "stablelm" => Traits { norm: Norm::Layer, ..LLAMA },
        "cohere" => COHERE,
        "cohere2" => Traits { full_every: Some(4), ..COHERE },
        "grok-1" | "grok" => Traits { tied: true, post_norm: true, ..LLAMA },
        "gemma" => Traits { tied: true, ..LLAMA },
        "gemma2" => GEMMA2,
        "gemma3" | "gemma3_text" | "gemma4" | "gemma4_text" => GEMMA3,
        _ => return None,
    })
}

/// Llama-like families.
fn newer(model_type: &str) -> Option<Traits> {
    Some(match model_type {
        "llama" | "mistral" | "mistral3" | "mistral4" | "ministral" | "ministral3" | "mixtral" | "phi3"
        | "granite" | "granitemoe" | "granitemoeshared" | "smollm3" | "internlm2" | "internlm3" | "deci"
        | "nemotron-nas" | "jamba" | "deepseek" | "deepseek_v2" | "deepseek_v3" | "deepseek_v32"
        | "deepseek_v4" | "kimi_k2" | "kimi_linear" | "minimax" | "minimax_text_01" | "minimax_m1"
        | "minimax_m2" | "minimax_m3" | "mimo_v2_flash" | "ernie4_5" | "ernie4_5_moe" | "dbrx" | "exaone"
        | "olmo" => LLAMA,
        "internlm" => Traits { bias: true, output_bias: true, ..LLAMA },
        "qwen2" | "seed_oss" | "mimo" => Traits { bias: true, ..LLAMA },
        "qwen2_moe" => Traits { bias: true, shared_gate: true, ..LLAMA },
        "qwen3" | "qwen3_moe" | "qwen3_vl" | "qwen3_vl_text" | "qwen3_vl_moe" | "qwen3_vl_moe_text"
        | "exaone4" | "step3p5" | "step3p7" | "hunyuan_v1_dense" | "hunyuan_v1_moe" => QWEN3,
        "bailing_moe" | "bailing_moe_v2" | "dots1" | "exaone_moe" => Traits { router_bias: true, ..QWEN3 },
        "apertus" => Traits { gated: false, ..QWEN3 },
        "qwen3_next" | "qwen3_5" | "qwen3_5_text" | "qwen3_5_moe" | "qwen3_5_moe_text" => QWEN3_NEXT,
        "olmo2" | "olmo3" | "olmoe" => Traits { qk_norm: QkNorm::Layer, ..LLAMA },
        "glm" => Traits { bias: true, ..LLAMA },
        "glm4" => Traits { bias: true, post_norm: true, ..LLAMA },
        "glm4_moe" => Traits { bias: true, router_bias: true, ..LLAMA },
        "glm_moe_dsa" | "glm4_moe_lite" | "nemotron_h" | "solar_open" => {
            Traits { router_bias: true, ..LLAMA }
        }
        "gpt_oss" => {
            Traits { bias: true, output_bias: true, mlp_bias: true, sinks: true, router_bias: true, ..LLAMA }
        }
        "llama4" | "llama4_text" => Traits { shared_experts: 1, chunked: true, full_every: Some(4), ..LLAMA },
        _ => return None,
    })
}
