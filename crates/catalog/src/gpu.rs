//! Accelerators: peaks, memory, links, power. What they were measured to reach is in `effective`.
//!
//! Peaks are dense (no structured sparsity), link rates are per accelerator and per direction.

use crate::effective::{Effective, GemmKind};
use crate::group::{at_least, group, named, names, positive, positive_if_known};
use crate::{Catalog, Fault, Kind, LinkType, Record};
use rackplan_units::{Bytes, BytesPerSecond, FlopsPerSecond, Hertz, Watts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An accelerator. Anything that multiplies matrices counts: GPUs, TPUs, Gaudi, Trainium.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// What people call it, for tables.
    pub name: String,
    /// Other names that find it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Who makes it.
    pub vendor: String,
    /// The family; fitted engine constants hang on it.
    pub architecture: Architecture,
    /// Year of announcement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<u32>,
    /// Whether it can be had.
    pub status: Status,
    /// What else to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Peak arithmetic.
    pub compute: Compute,
    /// Its own memory.
    pub memory: Memory,
    /// What it is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chip: Option<Chip>,
    /// The fast fabric to its neighbours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_up: Option<ScaleUp>,
    /// Its share of the network between servers or domains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_out: Option<ScaleOut>,
    /// The way to the host's memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_link: Option<HostLink>,
    /// Electrical power.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<GpuPower>,
    /// What benchmarks reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<Effective>,
}

/// A family of accelerators that run the same kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is its vendor's name")]
pub enum Architecture {
    Ampere,
    Ada,
    Hopper,
    Blackwell,
    BlackwellUltra,
    BlackwellRtx,
    Rubin,
    RubinUltra,
    Cdna2,
    Cdna3,
    Cdna4,
    Cdna5,
    Battlemage,
    Gaudi2,
    Gaudi3,
    TpuV4,
    TpuV5e,
    TpuV5p,
    TpuV6e,
    TpuV7x,
    Trainium2,
    Trainium3,
    /// Anything else, for entries of one's own.
    Other,
}

/// Whether a thing can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It can be bought.
    Shipping,
    /// It can be rented from its maker only.
    Cloud,
    /// The first ones are being delivered.
    Ramping,
    /// It has been shown; its figures may change.
    Announced,
    /// It is no longer made.
    EndOfLine,
}

/// Number format of a matrix multiplication's operands, as far as the hardware tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// 16-bit floating point; FP16 runs at the same rate.
    Bf16,
    /// 8-bit floating point.
    Fp8,
    /// 4-bit floating point with block scales (NVFP4, MXFP4).
    Fp4,
    /// 8-bit integers.
    Int8,
}

impl Format {
    /// As files and answers spell it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Bf16 => "bf16",
            Format::Fp8 => "fp8",
            Format::Fp4 => "fp4",
            Format::Int8 => "int8",
        }
    }
}

group! {
    /// Peak arithmetic.
    Compute {
        /// Dense peak by operand format; a format that the hardware lacks is absent.
        dense: BTreeMap<Format, FlopsPerSecond>,
    }

    /// The accelerator's own memory.
    Memory {
        /// Size as the maker prints it; a runtime sees a little less or more.
        capacity: Bytes,
        /// Whether a GB of it is 2^30 bytes, as the maker's tools show them.
        binary: Option<bool>,
        /// Peak read rate.
        bandwidth: BytesPerSecond,
    }

    /// What an accelerator is made of, where kernels depend on it.
    Chip {
        /// Streaming multiprocessors, compute units or cores that a kernel's tiles are spread over.
        processors: u32,
        /// The highest clock.
        clock_max: Hertz,
        /// Last cache before the memory.
        last_level_cache: Bytes,
    }

    /// The fast fabric that joins a scale-up domain.
    ScaleUp {
        /// Id of the link type.
        link: String,
        /// Peak rate of one accelerator in one direction, all its links together.
        bandwidth_one_way: BytesPerSecond,
        /// Peak rate to one other accelerator, where links go to fixed peers and cannot be pooled.
        pair_bandwidth_one_way: Option<BytesPerSecond>,
        /// Accelerators in the largest domain that can be bought.
        domain_gpus: Option<u32>,
    }

    /// One accelerator's share of the network between domains.
    ScaleOut {
        /// Line rate in one direction.
        bandwidth_one_way: BytesPerSecond,
    }

    /// The way to the host's memory.
    HostLink {
        /// Id of the link type.
        link: String,
        /// Peak rate in one direction of the whole link.
        bandwidth_one_way: BytesPerSecond,
        /// Accelerators that share the link; 1 where absent.
        shared_by_gpus: Option<u32>,
    }

    /// Electrical power of one accelerator, without its server.
    GpuPower {
        /// The most it may draw.
        max: Watts,
    }
}

impl Gpu {
    /// Dense peak for operands of a format.
    pub fn peak(&self, format: Format) -> Option<FlopsPerSecond> {
        self.compute.dense.get(&format).copied()
    }

    /// Share of the peak that the best measured kernel of a kind reaches.
    pub fn gemm_share(&self, kind: GemmKind) -> Option<f64> {
        self.effective.as_ref()?.gemm_share(kind)
    }

    /// The best rate of a kind of kernel: its share of the peak.
    pub fn gemm_rate(&self, kind: GemmKind) -> Option<FlopsPerSecond> {
        Some(self.peak(kind.format())? * self.gemm_share(kind)?)
    }

    /// What a kind of kernel sustains over large shapes, as a share of the peak: the median in framework kernels, else
    /// torch's best, else the best in framework kernels.
    pub fn gemm_sustained_share(&self, kind: GemmKind) -> Option<f64> {
        let effective = self.effective.as_ref()?;
        let known = [&effective.gemm_median, &effective.gemm_torch, &effective.gemm];
        known.into_iter().flatten().find_map(|gemm| gemm.shares.get(&kind).copied())
    }

    /// Size of the memory in bytes, where [`Memory::capacity`] is what the maker prints of it: data sheets write GB for 2^30
    /// bytes of HBM. nvidia-smi has 143,771 MiB for an H200 of 141 GB, and 183,359 MiB for a B200 of 180 GB, rocm-smi
    /// 206,141,652,992 bytes for an MI300X of 192 GB.
    pub fn memory_size(&self) -> Bytes {
        const GIB_OVER_GB: f64 = 1.073_741_824;
        let printed = self.memory.capacity;
        if self.memory.binary == Some(true) { printed * GIB_OVER_GB } else { printed }
    }

    /// Share of the memory bandwidth that streaming weights reaches (median over shapes).
    pub fn memory_share(&self) -> Option<f64> {
        Some(self.effective.as_ref()?.memory.as_ref()?.share)
    }

    /// One accelerator's fair share of the host link, one way.
    pub fn host_bandwidth_one_way(&self) -> Option<BytesPerSecond> {
        let link = self.host_link.as_ref()?;
        Some(link.bandwidth_one_way / f64::from(link.shared_by_gpus.unwrap_or(1)))
    }

    fn check_links(&self) -> Result<(), Fault> {
        if let Some(up) = &self.scale_up {
            positive("scale_up.bandwidth_one_way", up.bandwidth_one_way)?;
            positive_if_known("scale_up.pair_bandwidth_one_way", up.pair_bandwidth_one_way)?;
            at_least("scale_up.domain_gpus", up.domain_gpus.unwrap_or(1), 1)?;
        }
        positive_if_known(
            "scale_out.bandwidth_one_way",
            self.scale_out.as_ref().map(|o| o.bandwidth_one_way),
        )?;
        if let Some(host) = &self.host_link {
            positive("host_link.bandwidth_one_way", host.bandwidth_one_way)?;
            at_least("host_link.shared_by_gpus", host.shared_by_gpus.unwrap_or(1), 1)?;
        }
        Ok(())
    }
}

impl Record for Gpu {
    const KIND: Kind = Kind::Gpus;

    fn check(&self) -> Result<(), Fault> {
        named("name", &self.name)?;
        if self.compute.dense.is_empty() {
            let hint = "write e.g. `dense = { bf16 = \"989 TFLOP/s\" }`";
            return Err(Fault::new("compute.dense", "no peak is given").hint(hint));
        }
        for (format, peak) in &self.compute.dense {
            positive(&format!("compute.dense.{format:?}").to_lowercase(), *peak)?;
        }
        at_least("chip.processors", self.chip.as_ref().map_or(1, |chip| chip.processors), 1)?;
        positive_if_known("chip.clock_max", self.chip.as_ref().map(|chip| chip.clock_max))?;
        positive("memory.capacity", self.memory.capacity)?;
        positive("memory.bandwidth", self.memory.bandwidth)?;
        positive_if_known("power.max", self.power.as_ref().map(|power| power.max))?;
        self.check_links()?;
        self.effective.as_ref().map_or(Ok(()), Effective::check)
    }

    fn check_names(&self, catalog: &Catalog) -> Result<(), Fault> {
        if let Some(up) = &self.scale_up {
            names::<LinkType>(catalog, "scale_up.link", &up.link)?;
        }
        self.host_link
            .as_ref()
            .map_or(Ok(()), |host| names::<LinkType>(catalog, "host_link.link", &host.link))
    }
}
