//! What a predicted time rests on, and how far constants may be carried.

use rackplan_catalog::{Architecture, Quantiles};

/// What a prediction rests on, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// Constants fitted to measurements of this very accelerator, on this backend.
    OwnGpu,
    /// Constants fitted to another accelerator of the architecture.
    SameArchitecture,
    /// Constants of another architecture, or of another backend's kernels.
    Across,
    /// No constants of this operator and format anywhere: the priors.
    Unvalidated,
}

impl Evidence {
    /// As answers spell it.
    pub fn name(self) -> &'static str {
        match self {
            Evidence::OwnGpu => "own_gpu_fit",
            Evidence::SameArchitecture => "same_architecture",
            Evidence::Across => "across_architectures",
            Evidence::Unvalidated => "unvalidated",
        }
    }
}

/// Band of a prediction without any data: a factor of two either way.
pub const BLIND: Quantiles = Quantiles { p10: 0.5, p50: 1.0, p90: 2.0 };

/// How unlike two architectures are: memory of the same kind and generations of tensor cores between them.
pub fn distance(a: Architecture, b: Architecture) -> u32 {
    let (memory_a, generation_a) = traits(a);
    let (memory_b, generation_b) = traits(b);
    if a == b {
        0
    } else {
        1 + 10 * u32::from(memory_a != memory_b) + 2 * generation_a.abs_diff(generation_b)
    }
}

/// Whether two families are of one maker's line.
pub(crate) fn kin(a: Architecture, b: Architecture) -> bool {
    line(a) == line(b)
}

/// The line of accelerators that a family belongs to; every other family is its own.
fn line(architecture: Architecture) -> Architecture {
    use Architecture as A;
    match architecture {
        A::Cdna2 | A::Cdna3 | A::Cdna4 | A::Cdna5 => A::Cdna3,
        A::Gaudi2 | A::Gaudi3 => A::Gaudi3,
        A::TpuV4 | A::TpuV5e | A::TpuV5p | A::TpuV6e | A::TpuV7x => A::TpuV5p,
        A::Trainium2 | A::Trainium3 => A::Trainium2,
        A::Ampere | A::Ada | A::Hopper | A::Rubin | A::RubinUltra => A::Hopper,
        A::Blackwell | A::BlackwellUltra | A::BlackwellRtx => A::Hopper,
        other => other,
    }
}

/// Memory of the architecture (HBM or GDDR), and the generation of its matrix units on NVIDIA's count.
fn traits(architecture: Architecture) -> (bool, u32) {
    use Architecture as A;
    match architecture {
        A::Ampere | A::Gaudi2 | A::TpuV4 | A::Cdna2 => (true, 3),
        A::Ada => (false, 4),
        A::Hopper | A::Gaudi3 | A::Cdna3 | A::TpuV5e | A::TpuV5p | A::TpuV6e | A::Trainium2 => (true, 4),
        A::Blackwell | A::BlackwellUltra | A::Cdna4 | A::TpuV7x | A::Trainium3 => (true, 5),
        A::BlackwellRtx | A::Battlemage => (false, 5),
        A::Rubin | A::RubinUltra | A::Cdna5 | A::Other => (true, 6),
    }
}
