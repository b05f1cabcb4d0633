//! What the three ceilings are computed from: plain `Copy` data in SI units, checked by whoever fills it in.

use rackplan_units::{Bytes, BytesPerSecond, FlopsPerSecond, Seconds};

/// A model as the three-ceiling method sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// Parameters, all experts included (P).
    pub parameters: f64,
    /// Transformer layers (L).
    pub layers: u32,
    /// Width of the residual stream, in elements (h).
    pub hidden: u32,
    /// Attention heads (H); tensor parallelism splits them evenly.
    pub heads: u32,
    /// Prompt tokens cached per sequence (ctx).
    pub context: u64,
    /// Generated tokens cached per sequence (gen).
    pub generation: u64,
    /// Elements that one token adds to the KV cache, over all layers. The founding documents take `2 L h`.
    pub kv_elements_per_token: f64,
    /// Ways in which tensor parallelism can divide the cache: KV heads, 1 for a latent. Beyond it GPUs hold copies. The
    /// founding documents know no such limit: none.
    pub kv_ways: Option<u32>,
    /// The experts; none for a dense model.
    pub moe: Option<Moe>,
}

/// The mixture of experts of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moe {
    /// Experts per layer (E).
    pub experts: u32,
    /// Experts that work on a token, per layer (k).
    pub active: u32,
    /// Share of the parameters that sit in experts (f_e).
    pub expert_fraction: f64,
    /// Share of the parameters that every token uses (f_s).
    pub shared_fraction: f64,
    /// Messages per token and factor on the bytes dispatched (d).
    pub dispatch_factor: f64,
}

impl Model {
    /// KV elements per token of the founding presets, `2 L h`: one key and one value of width `h` a layer.
    pub fn full_width_kv_elements(layers: u32, hidden: u32) -> f64 {
        2.0 * f64::from(layers) * f64::from(hidden)
    }

    /// With `tokens` cached per sequence: the context is used first, the rest counts as generated.
    ///
    /// ctx = min(ctx, T), gen = T - ctx. Zero leaves the model as it is.
    pub fn with_tokens_cached(self, tokens: u64) -> Self {
        if tokens == 0 {
            return self;
        }
        let context = self.context.min(tokens);
        Self { context, generation: tokens - context, ..self }
    }

    /// Tokens cached per sequence, `ctx + gen`.
    pub fn tokens_cached(&self) -> f64 {
        self.context as f64 + self.generation as f64
    }

    /// Experts per layer; 1 for a dense model, so that only `ep = 1` divides it.
    pub fn experts(&self) -> u32 {
        self.moe.map_or(1, |moe| moe.experts)
    }
}

/// A number format for weights and cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantisation {
    /// Bytes per parameter (w).
    pub weight_bytes: f64,
    /// Speed-up of the arithmetic over 16 bits (s).
    pub compute_scale: f64,
    /// Bytes per KV element (q).
    pub kv_bytes_per_element: f64,
}

/// A GPU by its *sustained* rates, which the user supplies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gpu {
    /// Arithmetic sustained in decode (F).
    pub flops_sustained: FlopsPerSecond,
    /// Effective HBM bandwidth (B).
    pub hbm_bandwidth: BytesPerSecond,
    /// HBM capacity (M).
    pub hbm_capacity: Bytes,
}

/// One level of the network, as seen by one instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// Bytes per second.
    pub bandwidth: BytesPerSecond,
    /// Time per message.
    pub latency: Seconds,
}

/// A rack: servers of GPUs, three levels of links, and storage servers beside them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rack {
    /// GPUs per server (g).
    pub gpus_per_server: u32,
    /// Servers per rack (v).
    pub servers_per_rack: u32,
    /// Between GPUs of a server.
    pub intra_server: Link,
    /// Between servers of a rack.
    pub inter_server: Link,
    /// Between racks.
    pub inter_rack: Link,
    /// Storage servers per rack.
    pub storage_servers: u32,
    /// Capacity of one storage server.
    pub storage_server_capacity: Bytes,
}

impl Rack {
    /// GPUs of one rack.
    pub fn gpus(&self) -> u64 {
        u64::from(self.gpus_per_server) * u64::from(self.servers_per_rack)
    }
}

/// Host memory that holds KV cache outside HBM, and the switch that reaches it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KvSystem {
    /// Host DRAM per GPU.
    pub dram: Bytes,
    /// Link of the GPU to the switch.
    pub gpu_link: BytesPerSecond,
    /// Link of the CPU to the switch.
    pub cpu_link: BytesPerSecond,
    /// Link of the DRAM to the switch.
    pub dram_link: BytesPerSecond,
    /// Fabric of the switch.
    pub fabric: BytesPerSecond,
    /// The copy engine between GPU and DRAM.
    pub dma: BytesPerSecond,
}

/// A way that KV bytes can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvPath {
    /// Between GPU and DRAM, by the copy engine: eviction and reload.
    GpuDram,
    /// Between GPU and CPU: the fallback.
    GpuCpu,
    /// Between CPU and DRAM.
    CpuDram,
}

impl KvPath {
    /// All of them, in the order of the founding documents.
    pub const ALL: [KvPath; 3] = [KvPath::GpuDram, KvPath::GpuCpu, KvPath::CpuDram];
}

impl KvSystem {
    /// Bandwidth of a path: the least of its two links, the fabric and, between GPU and DRAM, the copy engine.
    pub fn bandwidth(&self, path: KvPath) -> BytesPerSecond {
        let parts = match path {
            KvPath::GpuDram => [self.gpu_link, self.dram_link, self.fabric, self.dma],
            KvPath::GpuCpu => [self.gpu_link, self.cpu_link, self.fabric, self.fabric],
            KvPath::CpuDram => [self.cpu_link, self.dram_link, self.fabric, self.fabric],
        };
        BytesPerSecond::new(parts.iter().map(|part| part.get()).fold(f64::INFINITY, f64::min))
    }
}

/// What the GPUs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Decoding.
    Inference,
    /// Forward, backward and optimizer.
    Training,
}

/// Everything about a plan that is not its layout, batch or number of GPUs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// The model.
    pub model: Model,
    /// The number format.
    pub quantisation: Quantisation,
    /// The GPU.
    pub gpu: Gpu,
    /// The rack.
    pub rack: Rack,
    /// Decode or train.
    pub mode: Mode,
}
