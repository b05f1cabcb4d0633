//! What a prediction of a serving configuration says.

use serde::Serialize;

/// One predicted row, as `predict serving` writes it. What a load does not define is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ServingPrediction {
    /// The row.
    pub id: String,
    /// Mean time to first token.
    pub ttft_s: Option<f64>,
    /// Its median.
    pub ttft_p50_s: Option<f64>,
    /// Its 99th percentile.
    pub ttft_p99_s: Option<f64>,
    /// Mean time per output token of a request.
    pub tpot_s: Option<f64>,
    /// Its median.
    pub tpot_p50_s: Option<f64>,
    /// Its 99th percentile.
    pub tpot_p99_s: Option<f64>,
    /// Mean time to the last token.
    pub e2e_s: Option<f64>,
    /// Its median.
    pub e2e_p50_s: Option<f64>,
    /// Output tokens per second and accelerator, over all of them.
    pub output_tok_s_per_gpu: f64,
    /// Input and output tokens per second and accelerator.
    pub total_tok_s_per_gpu: f64,
    /// Output tokens per second of all accelerators.
    pub total_output_tok_s: f64,
    /// Input and output tokens per second of all accelerators.
    pub total_tok_s: f64,
    /// Prompt tokens per second and prefill accelerator, of disaggregated layouts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tok_s_per_prefill_gpu: Option<f64>,
    /// Output tokens per second and decode accelerator, of disaggregated layouts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tok_s_per_decode_gpu: Option<f64>,
    /// Accelerators.
    pub gpus: u32,
    /// Weights and the cache at its fullest, of one accelerator.
    pub memory_bytes_per_gpu: f64,
    /// Whether weights and one request fit.
    pub fits: bool,
    /// What binds: `memory`, `kv_cache`, `prefill`, `decode`, `ttft`, `tpot`.
    pub limit: &'static str,
    /// Where one measurement in ten is below and one in ten above.
    pub band: Band,
    /// The weakest evidence that more than a tenth of a step's time rests on.
    pub evidence: &'static str,
    /// What the row does not say and what was taken instead.
    pub assumed: Vec<String>,
}

/// 10th and 90th percentile of the figures; null where a figure or its band is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Band {
    /// Of `ttft_s`.
    pub ttft_s: Option<[f64; 2]>,
    /// Of `tpot_s`.
    pub tpot_s: Option<[f64; 2]>,
    /// Of `e2e_s`.
    pub e2e_s: Option<[f64; 2]>,
    /// Of `output_tok_s_per_gpu`.
    pub output_tok_s_per_gpu: Option<[f64; 2]>,
    /// Of `total_tok_s_per_gpu`.
    pub total_tok_s_per_gpu: Option<[f64; 2]>,
    /// Of `total_output_tok_s`.
    pub total_output_tok_s: Option<[f64; 2]>,
}
