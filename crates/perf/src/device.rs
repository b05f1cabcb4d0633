//! An accelerator as operators see it: plain numbers, taken once from its catalog entry.

use rackplan_catalog::{Architecture, Format, Gpu};

/// Rates and sizes of one accelerator, in SI units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Device {
    /// The family whose constants apply.
    pub architecture: Architecture,
    /// Dense peak in FLOP/s of 16-bit, 8-bit and 4-bit floating point and 8-bit integers; 0 where it has none.
    peaks: [f64; 4],
    /// Memory bandwidth, in bytes per second.
    pub bandwidth: f64,
    /// Memory size, in bytes.
    pub memory: f64,
    /// Streaming multiprocessors or compute units.
    pub processors: f64,
    /// Highest clock, in hertz.
    pub clock: f64,
    /// Last cache before the memory, in bytes.
    pub cache: f64,
    /// Scale-up links of one accelerator together, one way, in bytes per second; 0 where it has none.
    pub link: f64,
}

/// What an entry lacks before operators can run on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// The group of the catalog entry that is absent.
    pub group: &'static str,
}

impl Device {
    /// Takes the numbers of an entry.
    pub fn new(gpu: &Gpu) -> Result<Self, Incomplete> {
        let chip = gpu.chip.as_ref().ok_or(Incomplete { group: "chip" })?;
        let peak = |format| gpu.peak(format).map_or(0.0, |peak| peak.get());
        Ok(Self {
            architecture: gpu.architecture,
            peaks: [Format::Bf16, Format::Fp8, Format::Fp4, Format::Int8].map(peak),
            bandwidth: gpu.memory.bandwidth.get(),
            memory: gpu.memory.capacity.get(),
            processors: f64::from(chip.processors),
            clock: chip.clock_max.get(),
            cache: chip.last_level_cache.get(),
            link: gpu.scale_up.as_ref().map_or(0.0, |up| up.bandwidth_one_way.get()),
        })
    }

    /// Dense peak of a format in FLOP/s; the next wider one where the hardware lacks it.
    pub fn peak(&self, format: Format) -> f64 {
        let [bf16, fp8, fp4, int8] = self.peaks;
        let or = |first: f64, second: f64| if first > 0.0 { first } else { second };
        match format {
            Format::Bf16 => bf16,
            Format::Fp8 => or(fp8, bf16),
            Format::Fp4 => or(fp4, or(fp8, bf16)),
            Format::Int8 => or(int8, bf16),
        }
    }
}
