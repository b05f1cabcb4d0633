//! Answers to rows, with the keys of the founding script and SI units.

use rackplan_first_order::communication::{Levels, Load};
use rackplan_first_order::training::{Steps, steps};
use rackplan_first_order::{KvPath, KvSystem, Memory, Mode, Offload, Plan, Setting};
use serde::{Serialize, Serializer};

/// The answer to a row; `null` where no plan is admissible.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Prediction {
    /// One plan.
    Plan(Option<Box<PlanOut>>),
    /// The best plan.
    Table(Option<Box<TableOut>>),
    /// A point of KV offload.
    Offload(Box<OffloadOut>),
}

/// A number that JSON may not hold: infinity becomes `"inf"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure(pub f64);

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_infinite() { serializer.serialize_str("inf") } else { serializer.serialize_f64(self.0) }
    }
}

/// One plan in full. Rates are tokens per second, sizes bytes per GPU; `bound` is before efficiency, `tps` after.
#[expect(missing_docs, reason = "the keys are the founding script's and say what they are")]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanOut {
    pub instance_tps: Figure,
    pub total_tps: Figure,
    pub tokens_per_gpu: Figure,
    pub limit: &'static str,
    pub instances: u64,
    pub gpus_per_instance: u64,
    pub ep: u32,
    pub tp: u32,
    pub pp: u32,
    pub memory_used: Figure,
    pub memory_breakdown: MemoryOut,
    pub network_loads: LoadsOut,
    pub link_limits_raw: LinkLimitsOut,
    pub compute_tps: Figure,
    pub hbm_tps: Figure,
    pub comm_tps: Figure,
    pub compute_bound: Figure,
    pub hbm_bound: Figure,
    pub comm_bound: Figure,
    pub compute_bound_per_gpu: Figure,
    pub hbm_bound_per_gpu: Figure,
    pub comm_bound_per_gpu: Figure,
    pub mode: &'static str,
    pub dp_degree: u64,
    #[serde(flatten)]
    pub steps: StepsOut,
    pub tokens_per_step: Option<f64>,
}

/// The best plan of a rack count, batch and number format.
#[expect(missing_docs, reason = "the keys are the founding script's and say what they are")]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableOut {
    pub tp: u32,
    pub pp: u32,
    pub ep: u32,
    pub instances: u64,
    pub gpus_per_instance: u64,
    pub instance_tps: Figure,
    pub total_tps: Figure,
    pub tokens_per_gpu: Figure,
    pub limit: &'static str,
    pub memory_used: Figure,
    pub compute_bound_per_gpu: Figure,
    pub hbm_bound_per_gpu: Figure,
    pub comm_bound_per_gpu: Figure,
    #[serde(flatten)]
    pub steps: StepsOut,
}

/// Pace of training; `null` in inference.
#[expect(missing_docs, reason = "the keys are the founding script's and say what they are")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct StepsOut {
    pub steps_per_sec: Option<f64>,
    pub total_steps_per_sec: Option<f64>,
    pub samples_per_sec: Option<f64>,
    pub total_samples_per_sec: Option<f64>,
}

/// Bytes per GPU by use; the keys of the other mode are absent.
#[expect(missing_docs, reason = "the keys are the founding script's and say what they are")]
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum MemoryOut {
    Inference { weights: f64, kv_cache: f64, overhead: f64, limit: f64 },
    Training { weights: f64, optimizer: f64, activations: f64, overhead: f64, limit: f64 },
}

/// Traffic of an instance on each level of the network.
#[expect(missing_docs, reason = "the keys are the founding script's and say what they are")]
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LoadsOut {
    pub intra: LoadOut,
    pub inter_server: LoadOut,
    pub inter_rack: LoadOut,
}

/// Traffic per token.
#[expect(missing_docs, reason = "the keys are the founding script's and say what they are")]
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LoadOut {
    pub bytes_per_token: f64,
    pub messages_per_token: f64,
}

/// Tokens per second that each level allows; levels without traffic are absent.
#[expect(missing_docs, reason = "the keys are the founding script's and say what they are")]
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LinkLimitsOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intra: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inter_server: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inter_rack: Option<f64>,
}

/// A point of KV offload. Bandwidths are bytes per second per GPU.
#[expect(missing_docs, reason = "the keys are the founding script's and say what they are")]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OffloadOut {
    pub tokens: u64,
    pub tokens_cached: f64,
    pub tokens_on_gpu: f64,
    pub tokens_offloaded: f64,
    pub offload_fraction: f64,
    pub available_kv_bytes: f64,
    pub total_gpu_memory_bytes: f64,
    pub usable_memory_bytes: f64,
    pub kv_bytes_per_token_total: f64,
    pub kv_bytes_per_token_per_gpu: f64,
    pub tokens_per_sec_instance: f64,
    pub tokens_per_sec_per_gpu: f64,
    pub evict_bw: f64,
    pub worst_read_bw: f64,
    pub amortized_read_bw: f64,
    pub mem_ok: bool,
    pub kv_tier_capacity_bytes: f64,
    pub kv_path_bandwidth_bytes: f64,
    pub total_worst_bw: f64,
    pub total_amortized_bw: f64,
    pub kv_tier_utilization: f64,
}

impl PlanOut {
    /// A plan under the founding script's keys.
    pub fn new(setting: &Setting, plan: &Plan, batch: u32) -> Self {
        let (bounds, gpus) = (&plan.ceilings, plan.gpus_per_instance as f64);
        let after = |bound: f64| Figure(bound * plan.efficiency);
        let steps = training_steps(setting, plan, batch);
        Self {
            instance_tps: Figure(plan.tokens_per_second),
            total_tps: Figure(plan.tokens_per_second_total),
            tokens_per_gpu: Figure(plan.tokens_per_second_per_gpu()),
            limit: plan.limit.name(),
            instances: plan.instances,
            gpus_per_instance: plan.gpus_per_instance,
            ep: plan.layout.ep,
            tp: plan.layout.tp,
            pp: plan.layout.pp,
            memory_used: Figure(plan.memory.used.get()),
            memory_breakdown: MemoryOut::new(setting.mode, &plan.memory),
            network_loads: LoadsOut::new(&plan.loads),
            link_limits_raw: LinkLimitsOut::new(&plan.loads, &bounds.links),
            compute_tps: after(bounds.compute),
            hbm_tps: after(bounds.hbm),
            comm_tps: after(bounds.communication),
            compute_bound: Figure(bounds.compute),
            hbm_bound: Figure(bounds.hbm),
            comm_bound: Figure(bounds.communication),
            compute_bound_per_gpu: Figure(bounds.compute / gpus),
            hbm_bound_per_gpu: Figure(bounds.hbm / gpus),
            comm_bound_per_gpu: Figure(bounds.communication / gpus),
            mode: mode_name(setting.mode),
            dp_degree: plan.instances.max(1),
            steps: StepsOut::new(steps),
            tokens_per_step: steps.map(|steps| steps.tokens_per_step),
        }
    }
}

impl TableOut {
    /// A plan under the founding script's keys.
    pub fn new(setting: &Setting, plan: &Plan, batch: u32) -> Self {
        let (bounds, gpus) = (&plan.ceilings, plan.gpus_per_instance as f64);
        Self {
            tp: plan.layout.tp,
            pp: plan.layout.pp,
            ep: plan.layout.ep,
            instances: plan.instances,
            gpus_per_instance: plan.gpus_per_instance,
            instance_tps: Figure(plan.tokens_per_second),
            total_tps: Figure(plan.tokens_per_second_total),
            tokens_per_gpu: Figure(plan.tokens_per_second_per_gpu()),
            limit: plan.limit.name(),
            memory_used: Figure(plan.memory.used.get()),
            compute_bound_per_gpu: Figure(bounds.compute / gpus),
            hbm_bound_per_gpu: Figure(bounds.hbm / gpus),
            comm_bound_per_gpu: Figure(bounds.communication / gpus),
            steps: StepsOut::new(training_steps(setting, plan, batch)),
        }
    }
}

fn training_steps(setting: &Setting, plan: &Plan, batch: u32) -> Option<Steps> {
    (setting.mode == Mode::Training).then(|| steps(&setting.model, plan, batch))
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Inference => "inference",
        Mode::Training => "training",
    }
}

impl StepsOut {
    fn new(steps: Option<Steps>) -> Self {
        steps.map_or_else(Self::default, |steps| Self {
            steps_per_sec: Some(steps.steps_per_second),
            total_steps_per_sec: Some(steps.steps_per_second_total),
            samples_per_sec: Some(steps.samples_per_second),
            total_samples_per_sec: Some(steps.samples_per_second_total),
        })
    }
}

impl MemoryOut {
    fn new(mode: Mode, memory: &Memory) -> Self {
        let (weights, overhead) = (memory.weights.get(), memory.overhead.get());
        let (kv_cache, limit) = (memory.kv_cache.get(), memory.limit.get());
        let (optimizer, activations) = (memory.optimizer.get(), memory.activations.get());
        match mode {
            Mode::Inference => Self::Inference { weights, kv_cache, overhead, limit },
            Mode::Training => Self::Training { weights, optimizer, activations, overhead, limit },
        }
    }
}

impl LoadsOut {
    fn new(loads: &Levels<Load>) -> Self {
        let out = |load: &Load| LoadOut {
            bytes_per_token: load.bytes_per_token,
            messages_per_token: load.messages_per_token,
        };
        Self {
            intra: out(&loads.intra_server),
            inter_server: out(&loads.inter_server),
            inter_rack: out(&loads.inter_rack),
        }
    }
}

impl LinkLimitsOut {
    fn new(loads: &Levels<Load>, limits: &Levels<f64>) -> Self {
        let out = |load: &Load, limit: f64| load.is_some().then_some(limit);
        Self {
            intra: out(&loads.intra_server, limits.intra_server),
            inter_server: out(&loads.inter_server, limits.inter_server),
            inter_rack: out(&loads.inter_rack, limits.inter_rack),
        }
    }
}

impl OffloadOut {
    /// A point under the founding script's keys.
    pub fn new(tokens: u64, setting: &Setting, found: &Offload, system: &KvSystem) -> Self {
        Self {
            tokens,
            tokens_cached: found.tokens_cached,
            tokens_on_gpu: found.tokens_in_hbm,
            tokens_offloaded: found.tokens_offloaded,
            offload_fraction: found.offload_fraction(),
            available_kv_bytes: found.kv_room.get(),
            total_gpu_memory_bytes: setting.gpu.hbm_capacity.get(),
            usable_memory_bytes: found.memory_limit.get(),
            kv_bytes_per_token_total: found.kv_per_token.get(),
            kv_bytes_per_token_per_gpu: found.kv_per_token_per_gpu.get(),
            tokens_per_sec_instance: found.tokens_per_second,
            tokens_per_sec_per_gpu: found.tokens_per_second_per_gpu,
            evict_bw: found.evict.get(),
            worst_read_bw: found.read_worst_case.get(),
            amortized_read_bw: found.read_amortized.get(),
            mem_ok: found.fits,
            kv_tier_capacity_bytes: system.dram.get(),
            kv_path_bandwidth_bytes: system.bandwidth(KvPath::GpuDram).get(),
            total_worst_bw: found.total_worst_case().get(),
            total_amortized_bw: found.total_amortized().get(),
            kv_tier_utilization: found.tier_used(system),
        }
    }
}
