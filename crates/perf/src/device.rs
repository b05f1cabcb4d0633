//! An accelerator as operators see it: plain numbers, taken once from its catalog entry.

use rackplan_catalog::{Architecture, Format, Gpu, LoanFactors};

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
    /// Of those, the links to one other accelerator where each pair has its own, as in a full mesh; 0 where a switch lets
    /// any pair use all of them.
    pub pair_link: f64,
    /// Whether those links meet in a switch or mesh of their own, and not at the host's root complex.
    pub switched: bool,
    /// Accelerators that those links join at most; 1 where there are none.
    pub domain: f64,
    /// Whether the host's processor is on the same module and shares memory coherently, as Grace does.
    pub host_coherent: bool,
    /// Its share of the network between domains, one way, in bytes per second; 0 where it has none.
    pub scale_out: f64,
    /// How far links beyond its server and its rack fall short of those of all accelerators together.
    pub oversubscription: Oversubscription,
    /// Factor on the microseconds of launches that are estimated and not fitted: 1, unless kernels are borrowed.
    pub launches: f64,
    /// Arithmetic of a processor of the family's uncut chips over its own: 4.3 on an H20, 1 on all that are not cut.
    pub uncut: f64,
    /// Standard deviation of the time at which ranks reach a collective in a step, in microseconds; 0 in benchmarks of one
    /// operator, whose loop keeps ranks in step.
    pub drift_us: f64,
}

/// Bandwidth of the accelerators below a level over what its switches carry onwards: 3 for 3:1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Oversubscription {
    /// Accelerators of one server.
    pub server: f64,
    /// Accelerators of one rack, or of one scale-up domain where that is larger.
    pub rack: f64,
    /// Between servers of a rack.
    pub inter_server: f64,
    /// Between racks.
    pub inter_rack: f64,
}

impl Oversubscription {
    /// Every switch carries what its accelerators can send.
    pub const NONE: Self =
        Self { server: f64::INFINITY, rack: f64::INFINITY, inter_server: 1.0, inter_rack: 1.0 };

    /// The ratio to what is in no rack of accelerators, such as storage servers.
    pub fn outside(&self) -> f64 {
        self.inter_rack
    }

    /// The ratio at the farthest level that a tightly packed group of so many accelerators spans. What leaves their
    /// server is taken to pass that level, while all others there send too: that is what a ratio promises at least.
    pub fn among(&self, ranks: f64) -> f64 {
        if ranks <= self.server {
            1.0
        } else if ranks <= self.rack {
            self.inter_server
        } else {
            self.inter_rack
        }
    }
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
            memory: gpu.memory_size().get(),
            processors: f64::from(chip.processors),
            clock: chip.clock_max.get(),
            cache: chip.last_level_cache.get(),
            link: gpu.scale_up.as_ref().map_or(0.0, |up| up.bandwidth_one_way.get()),
            pair_link: gpu
                .scale_up
                .as_ref()
                .and_then(|up| up.pair_bandwidth_one_way)
                .map_or(0.0, |pair| pair.get()),
            switched: gpu.scale_up.as_ref().is_some_and(|up| !up.link.starts_with("pcie")),
            domain: gpu.scale_up.as_ref().map_or(1.0, |up| up.domain_gpus.map_or(8.0, f64::from)),
            host_coherent: gpu.host_link.as_ref().is_some_and(|host| host.link.contains("c2c")),
            scale_out: gpu.scale_out.as_ref().map_or(0.0, |out| out.bandwidth_one_way.get()),
            oversubscription: Oversubscription::NONE,
            launches: 1.0,
            uncut: uncut(
                gpu.architecture,
                f64::from(chip.processors) * chip.clock_max.get(),
                peak(Format::Bf16),
            ),
            drift_us: 0.0,
        })
    }

    /// What one of `ranks` accelerators of a domain can send to the others of them, in bytes per second: all its links
    /// through a switch, (n - 1) links of a full mesh; of both what switches carry onwards.
    pub fn link_among(&self, ranks: f64) -> f64 {
        self.links_to(ranks - 1.0) / self.oversubscription.among(ranks)
    }

    /// What it can send to one other of them.
    pub fn pair_among(&self, ranks: f64) -> f64 {
        self.links_to(1.0) / self.oversubscription.among(ranks)
    }

    fn links_to(&self, others: f64) -> f64 {
        if self.pair_link > 0.0 { self.link.min(self.pair_link * others.max(1.0)) } else { self.link }
    }

    /// What one of `ranks` accelerators in several domains can send beyond its own, in bytes per second; without a network
    /// its links are taken to go on.
    pub fn network_among(&self, ranks: f64) -> f64 {
        let rate = if self.scale_out > 0.0 { self.scale_out } else { self.link };
        rate / self.oversubscription.among(ranks)
    }

    /// The same device in whole steps, where ranks drift apart between collectives by so many microseconds.
    pub(crate) fn in_steps(self, drift_us: f64) -> Self {
        Self { drift_us, ..self }
    }

    /// The same device with the rates that borrowed kernels reach on it.
    pub fn lent(self, factors: &LoanFactors) -> Self {
        Self {
            peaks: self.peaks.map(|peak| peak * factors.compute),
            bandwidth: self.bandwidth * factors.memory,
            launches: self.launches * factors.launch,
            ..self
        }
    }

    /// Whether the hardware multiplies a format by itself, faster than in 16 bits.
    pub fn has(&self, format: Format) -> bool {
        let [bf16, fp8, fp4, int8] = self.peaks;
        let own = match format {
            Format::Bf16 => return bf16 > 0.0,
            Format::Fp8 => fp8,
            Format::Fp4 => fp4,
            Format::Int8 => int8,
        };
        own > bf16
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

/// Dense 16-bit FLOP of a Hopper processor in a cycle. Source: NVIDIA H100 whitepaper, table of tensor core rates.
const HOPPER_FLOP_OF_CYCLE: f64 = 4096.0;

/// How far the matrix units of an accelerator are cut, whose processors do so many cycles a second together: by less than
/// two is no cut, since data sheets count clocks somewhat below the highest. Only of Hopper are cut chips sold.
fn uncut(architecture: Architecture, cycles: f64, peak: f64) -> f64 {
    let factor = match architecture {
        Architecture::Hopper if peak > 0.0 => HOPPER_FLOP_OF_CYCLE * cycles / peak,
        _ => 1.0,
    };
    if factor < 2.0 { 1.0 } else { factor }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A device like an H100 with another link.
    pub(crate) fn with_link(link: f64) -> Device {
        Device {
            architecture: Architecture::Hopper,
            peaks: [989e12, 1979e12, 0.0, 1979e12],
            bandwidth: 3.35e12,
            memory: 80e9,
            processors: 132.0,
            clock: 1.98e9,
            cache: 50e6,
            link,
            pair_link: 0.0,
            switched: true,
            domain: 8.0,
            host_coherent: false,
            scale_out: 50e9,
            oversubscription: Oversubscription::NONE,
            launches: 1.0,
            uncut: 1.0,
            drift_us: 0.0,
        }
    }

    #[test]
    fn hand_hopper_has_no_4_bit_units() {
        // Its peak of 4 bits is that of the next wider format, which does not make it one of its own.
        let hopper = with_link(450e9);
        assert_eq!([Format::Bf16, Format::Fp8, Format::Fp4].map(|f| hopper.has(f)), [true, true, false]);
        assert_eq!(hopper.peak(Format::Fp4), hopper.peak(Format::Fp8));
    }

    #[test]
    fn hand_an_h20_is_cut_and_an_h100_is_not() {
        // 4,096 FLOP x 78 SMs x 1.98 GHz = 633 TFLOP/s, of which 148 are left; 132 SMs make 1,070, which is sold as 989.
        let of = |processors: f64, peak| uncut(Architecture::Hopper, processors * 1.98e9, peak);
        assert!((of(78.0, 148e12) - 4.27).abs() < 0.01);
        assert_eq!(of(132.0, 989e12), 1.0);
        assert_eq!(uncut(Architecture::Cdna3, 1e9, 1e9), 1.0);
    }

    #[test]
    fn hand_two_of_a_mesh_share_one_of_its_links() {
        // MI300X: seven links of 64 GB/s; two accelerators have one between them, eight have all seven.
        let mesh = Device { pair_link: 64e9, ..with_link(448e9) };
        assert_eq!([2.0, 4.0, 8.0].map(|ranks| mesh.link_among(ranks)), [64e9, 192e9, 448e9]);
        assert_eq!(with_link(450e9).link_among(2.0), 450e9);
    }

    #[test]
    fn hand_what_spans_a_level_gets_its_share_of_it() {
        // Servers of 8, racks of 32, 2:1 between servers and 4:1 between racks: 50 / 1, 50 / 2, 50 / 4 GB/s.
        let ratios = Oversubscription { server: 8.0, rack: 32.0, inter_server: 2.0, inter_rack: 4.0 };
        let device = Device { oversubscription: ratios, ..with_link(450e9) };
        assert_eq!([8.0, 32.0, 33.0].map(|ranks| device.network_among(ranks)), [50e9, 25e9, 12.5e9]);
        assert_eq!([8.0, 32.0].map(|ranks| device.link_among(ranks)), [450e9, 225e9]);
        assert_eq!([8.0, 32.0].map(|ranks| device.pair_among(ranks)), [450e9, 225e9]);
    }
}
