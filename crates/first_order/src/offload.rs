//! What it takes to keep long contexts when they do not fit HBM: bandwidth, delay and how full the KV tier gets.

use crate::ceilings::{compute, efficiency, hbm};
use crate::inputs::{KvPath, KvSystem, Mode, Model, Setting};
use crate::memory::{kv_per_token, kv_per_token_per_gpu, memory};
use crate::plan::Layout;
use rackplan_units::{Bytes, BytesPerSecond, Seconds};

/// One point: a context length on a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OffloadPoint {
    /// How an instance is spread.
    pub layout: Layout,
    /// Sequences per instance.
    pub batch: u32,
    /// Tokens of context of each sequence; nothing more is generated.
    pub context: u64,
}

/// What a point needs, per GPU unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offload {
    /// Tokens cached by the whole batch, `T b`.
    pub tokens_cached: f64,
    /// Of these in HBM.
    pub tokens_in_hbm: f64,
    /// Of these outside.
    pub tokens_offloaded: f64,
    /// Room for cache in HBM.
    pub kv_room: Bytes,
    /// HBM that may be used.
    pub memory_limit: Bytes,
    /// Whether everything fits HBM.
    pub fits: bool,
    /// KV bytes of a token over all GPUs.
    pub kv_per_token: Bytes,
    /// KV bytes of a token on one GPU.
    pub kv_per_token_per_gpu: Bytes,
    /// Tokens per second of the instance.
    pub tokens_per_second: f64,
    /// Tokens per second of each GPU.
    pub tokens_per_second_per_gpu: f64,
    /// Writes of new cache to the tier.
    pub evict: BytesPerSecond,
    /// Reads if the whole offloaded slice is streamed in every step.
    pub read_worst_case: BytesPerSecond,
    /// Reads if it is fetched once per generation.
    pub read_amortized: BytesPerSecond,
}

/// Evaluates a point on a setting whose context it replaces.
///
/// On GPU min(T b, room / kv); tokens/s = efficiency · min(C, B / (1.1 kv)), the links left out;
/// evict = tokens/s/GPU · kv; worst-case read = tokens/s/GPU · offloaded · kv;
/// amortised read = offloaded · kv / (T b / tokens/s), with kv the KV bytes of a token on one GPU.
/// Source: the founding documents' three-ceiling method.
pub fn offload(setting: &Setting, point: &OffloadPoint) -> Offload {
    let OffloadPoint { layout, batch, context } = *point;
    let model = Model { context, generation: 0, ..setting.model };
    let setting = Setting { model, mode: Mode::Inference, ..*setting };
    let memory = memory(&setting, layout, batch);
    let kv = kv_per_token_per_gpu(&model, &setting.quantisation, layout);
    let tokens_cached = model.tokens_cached() * f64::from(batch);
    let tokens_in_hbm = tokens_cached.min(memory.kv_room() / kv);
    let tokens_offloaded = (tokens_cached - tokens_in_hbm).max(0.0);
    let ceiling = compute(&setting, layout).min(hbm(&setting, layout));
    let tokens_per_second = ceiling * efficiency(setting.mode, batch);
    let tokens_per_second_per_gpu = tokens_per_second / layout.gpus() as f64;
    let rate = |tokens: f64| BytesPerSecond::new(tokens * kv.get());
    Offload {
        tokens_cached,
        tokens_in_hbm,
        tokens_offloaded,
        kv_room: memory.kv_room(),
        memory_limit: memory.limit,
        fits: memory.used <= memory.limit,
        kv_per_token: kv_per_token(&model, &setting.quantisation),
        kv_per_token_per_gpu: kv,
        tokens_per_second,
        tokens_per_second_per_gpu,
        evict: rate(tokens_per_second_per_gpu),
        read_worst_case: rate(tokens_per_second_per_gpu * tokens_offloaded),
        read_amortized: rate(share(tokens_offloaded, tokens_cached) * tokens_per_second),
    }
}

/// part / whole, and 0 of nothing.
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

impl Offload {
    /// Share of the cached tokens that is outside HBM.
    pub fn offload_fraction(&self) -> f64 {
        share(self.tokens_offloaded, self.tokens_cached)
    }

    /// Bytes of one GPU outside HBM.
    pub fn bytes_offloaded(&self) -> Bytes {
        self.kv_per_token_per_gpu * self.tokens_offloaded
    }

    /// Share of a KV tier's DRAM that they fill, at most 1; 0 without a tier.
    pub fn tier_used(&self, system: &KvSystem) -> f64 {
        share(self.bytes_offloaded().get(), system.dram.get()).min(1.0)
    }

    /// Time in which the instance generates as many tokens as it caches, `T b / tokens/s`.
    pub fn generation_time(&self) -> Seconds {
        Seconds::new(share(self.tokens_cached, self.tokens_per_second))
    }

    /// Evict and amortised read together.
    pub fn total_amortized(&self) -> BytesPerSecond {
        self.evict + self.read_amortized
    }

    /// Evict and worst-case read together.
    pub fn total_worst_case(&self) -> BytesPerSecond {
        self.evict + self.read_worst_case
    }

    /// What fetching the offloaded slice adds over a path.
    ///
    /// amortised = offloaded bytes / bandwidth, once per generation; worst case once per cached token.
    pub fn delay(&self, system: &KvSystem, path: KvPath) -> Delay {
        let bandwidth = system.bandwidth(path);
        let amortized =
            if bandwidth.get() > 0.0 { self.bytes_offloaded() / bandwidth } else { Seconds::default() };
        let worst_case = amortized * self.tokens_cached;
        let of_generation = |time: Seconds| share(time.get(), self.generation_time().get());
        Delay {
            path,
            bandwidth,
            amortized,
            worst_case,
            amortized_share: of_generation(amortized),
            worst_case_share: of_generation(worst_case),
        }
    }

    /// The delays over every path of a system.
    pub fn delays(&self, system: &KvSystem) -> [Delay; 3] {
        KvPath::ALL.map(|path| self.delay(system, path))
    }
}

/// What a path adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delay {
    /// The path.
    pub path: KvPath,
    /// Its bandwidth.
    pub bandwidth: BytesPerSecond,
    /// Fetched once per generation.
    pub amortized: Seconds,
    /// Streamed with every cached token.
    pub worst_case: Seconds,
    /// The same as a share of the generation time.
    pub amortized_share: f64,
    /// The same as a share of the generation time.
    pub worst_case_share: f64,
}

/// One point on several KV systems side by side: how full each gets, and its delays.
pub fn compare(offload: &Offload, systems: &[KvSystem]) -> Vec<(f64, [Delay; 3])> {
    systems.iter().map(|system| (offload.tier_used(system), offload.delays(system))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{gb200_host, qwen_on_gb200};

    const POINT: OffloadPoint =
        OffloadPoint { layout: Layout { tp: 1, pp: 1, ep: 1 }, batch: 8, context: 128_000 };

    #[test]
    fn hand_offload_of_qwen_at_4_bits() {
        // kv = 2 · 94 · 1536 · 0.75 = 216,576 B a token. Weights 235e9 · 0.5 = 117.5 GB; room 163.2 - 117.5 - 9.6 =
        // 36.1 GB, or 166,685 tokens of 8 · 128,000 = 1,024,000.
        let found = offload(&qwen_on_gb200(), &POINT);
        assert_eq!(found.kv_per_token_per_gpu.get(), 216_576.0);
        assert!((found.tokens_in_hbm - 36.1e9 / 216_576.0).abs() < 1e-3);
        assert!(!found.fits);
        // The rest, 857,315 tokens or 185.7 GB, takes 362.6 ms at 512 GB/s.
        let delay = found.delay(&gb200_host(), KvPath::GpuDram);
        assert!((delay.amortized.get() - 0.3626).abs() < 1e-4);
        assert_eq!(delay.worst_case, delay.amortized * 1_024_000.0);
    }

    #[test]
    fn hand_nothing_cached_costs_nothing_to_read() {
        let found = offload(&qwen_on_gb200(), &OffloadPoint { context: 0, ..POINT });
        assert_eq!(found.read_amortized, BytesPerSecond::default());
        assert_eq!(found.delay(&gb200_host(), KvPath::GpuCpu).amortized_share, 0.0);
    }
}
