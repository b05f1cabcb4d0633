//! The all-reduce kernels of serving frameworks, which a decode step waits for twice a layer.

use super::nccl::{self, Collective, Exchange, NcclConstants};
use crate::constants::constants;
use crate::{Bound, Cost, Device};
use rackplan_catalog::Architecture;

/// One all-reduce on every rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AllReduce {
    /// Ranks that take part.
    pub ranks: f64,
    /// Bytes of the tensor on each rank.
    pub bytes: f64,
    /// How the framework chooses a kernel.
    pub choice: Choice,
    /// Whether it is replayed from a graph, so that the host's launch is not waited for.
    pub replayed: bool,
}

/// How a framework chooses among its kernels and NCCL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// By size and ranks, as the kernel that vLLM and SGLang share does.
    Thresholds,
    /// Whichever is fastest.
    Fastest,
}

constants! {
    /// Constants of a framework's all-reduce.
    AllReduceConstants {
        /// Time that the host takes to launch outside a graph, which hides a shorter kernel, in microseconds.
        host_us: 25.0 in 0.1..200.0, spread 1.0;
        /// Factor on that where the host is coherent with the accelerator: its cores launch more slowly.
        host_coherent: 2.3 in 0.5..6.0, spread 0.5;
        /// Launch and barrier, in microseconds.
        launch_us: 4.0 in 0.3..60.0, spread 0.7;
        /// Per doubling of ranks, in microseconds.
        hop_us: 0.3 in 0.005..20.0, spread 1.0;
        /// Share of the link when each rank reads all others' data.
        one_shot_share: 0.6 in 0.05..1.5, spread 0.3;
        /// The second barrier of reduce-scatter and all-gather, in microseconds.
        two_shot_us: 5.0 in 0.05..60.0, spread 1.0;
        /// Share of the link in those.
        two_shot_share: 0.65 in 0.05..1.5, spread 0.3;
        /// NCCL's launch, in microseconds.
        ring_us: 8.0 in 0.5..60.0, spread 0.7;
        /// NCCL's time of a rank beyond the first, in microseconds.
        ring_hop_us: 2.0 in 0.005..20.0, spread 0.7;
        /// Share of the link that two ranks reach with NCCL.
        pair_share: 0.65 in 0.05..2.5, spread 0.4;
        /// Share of the link that many ranks would reach with NCCL.
        many_share: 0.8 in 0.05..1.5, spread 0.4;
        /// Factor on NCCL's rate at eight ranks and more.
        switch: 1.1 in 0.2..2.5, spread 0.3;
        /// What filling all channels adds, in microseconds.
        fill_us: 30.0 in 0.1..300.0, spread 0.7;
        /// Half of that is paid at this many bytes.
        fill_bytes: 5e6 in 200000.0..100000000.0, spread 0.7;
    }
}

/// A kernel that sums and norms at once, and takes the place of another for messages up to `largest` bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fused {
    /// Its constants.
    pub constants: AllReduceConstants,
    /// Bytes of the longest message that it takes.
    pub largest: f64,
}

impl Fused {
    /// Bytes up to which vLLM and SGLang run TensorRT-LLM's kernel, which FlashInfer lends them, among so many ranks; none
    /// where they do not.
    ///
    /// Source: vLLM's `FI_ALLREDUCE_FUSION_MAX_SIZE_MB`; InferenceX's launch scripts, which ask for it on Blackwell
    /// (70b_fp8_b200_docker.sh: enable_fi_allreduce_fusion; dsr1_fp4_b200_docker.sh: enable-flashinfer-allreduce-fusion).
    /// Later versions of vLLM take it on Hopper too, which published runs do not show (docs/fidelity-serving.md).
    pub fn largest(architecture: Architecture, ranks: f64) -> Option<f64> {
        let by_ranks: [f64; 3] = match architecture {
            Architecture::Blackwell | Architecture::BlackwellUltra => [64.0, 32.0, 1.0],
            _ => return None,
        };
        let place = [2.0, 4.0, 8.0].iter().position(|most| ranks == *most)?;
        Some(by_ranks[place] * 1024.0 * 1024.0)
    }

    /// An all-reduce with its constants: this kernel's where the message is short enough for it, else those of another.
    pub fn or(
        fused: Option<&Self>,
        shape: AllReduce,
        other: &AllReduceConstants,
    ) -> (AllReduce, AllReduceConstants) {
        match fused.filter(|fused| shape.bytes <= fused.largest) {
            Some(fused) => (AllReduce { choice: Choice::Fastest, ..shape }, fused.constants),
            None => (shape, *other),
        }
    }
}

/// Bytes up to which vLLM and SGLang use their own kernel.
const LARGEST: f64 = 8.0 * 1024.0 * 1024.0;
/// Most ranks of that kernel.
const MOST_RANKS: f64 = 8.0;
/// Bytes below which it reads all of the others' data, up to four and up to eight ranks.
const ONE_SHOT: [f64; 2] = [512.0 * 1024.0, 256.0 * 1024.0];

/// Time of an all-reduce.
///
/// t = max(host outside a graph, kernel);  kernel = launch + hop log2 n + (n - 1) B / (N e1) in one shot,
/// launch + hop log2 n + two_shot + 2 (n - 1) / n B / (N e2) in two, or NCCL's all-reduce (see `nccl`).
///
/// B bytes per rank, n ranks, N bytes per second of a rank's links to the others one way; `host` times `host_coherent` beside a
/// coherent host. One shot for two ranks, below 512 KiB for four, below 256 KiB for eight; two up to 8 MiB; NCCL above,
/// beyond eight ranks, and beyond two ranks without a switch. Only NCCL leaves the scale-up domain.
/// TensorRT-LLM takes the fastest. Source: vLLM's `custom_all_reduce.cuh` and `custom_all_reduce.py`.
pub fn all_reduce(shape: &AllReduce, device: &Device, constants: &AllReduceConstants) -> Cost {
    if shape.ranks <= 1.0 {
        return Cost::of_microseconds(0.0, Bound::Wire, 0.0);
    }
    let (wire, latency) = kernel(shape, device, constants);
    let slower = if device.host_coherent { constants.host_coherent } else { 1.0 };
    let host = if shape.replayed { 0.0 } else { constants.host_us * slower };
    let hidden = (host - wire - latency).max(0.0);
    Cost::of_microseconds(wire, Bound::Wire, latency + hidden)
}

/// On the wire, and besides, in microseconds.
fn kernel(shape: &AllReduce, device: &Device, constants: &AllReduceConstants) -> (f64, f64) {
    let AllReduce { ranks, bytes, choice, .. } = *shape;
    let barrier = constants.launch_us + constants.hop_us * ranks.log2();
    let link = device.link_among(ranks);
    let one = ((ranks - 1.0) * bytes / (link * constants.one_shot_share) * 1e6, barrier);
    let sent = 2.0 * (ranks - 1.0) / ranks * bytes;
    let two = (sent / (link * constants.two_shot_share) * 1e6, barrier + constants.two_shot_us);
    let nccl = nccl::parts(
        &Exchange { collective: Collective::AllReduce, ranks, bytes },
        device,
        &as_nccl(constants),
    );
    let least = |a: (f64, f64), b: (f64, f64)| if a.0 + a.1 <= b.0 + b.1 { a } else { b };
    match choice {
        _ if ranks > device.domain => nccl,
        Choice::Fastest => least(least(one, two), nccl),
        Choice::Thresholds if bytes > LARGEST || ranks > MOST_RANKS => nccl,
        Choice::Thresholds if ranks > 2.0 && !device.switched => nccl,
        Choice::Thresholds if ranks <= 2.0 || bytes < ONE_SHOT[usize::from(ranks > 4.0)] => one,
        Choice::Thresholds => two,
    }
}

fn as_nccl(constants: &AllReduceConstants) -> NcclConstants {
    NcclConstants {
        launch_us: constants.ring_us,
        hop_us: constants.ring_hop_us,
        pair_share: constants.pair_share,
        many_share: constants.many_share,
        switch: constants.switch,
        packet_us: 0.0,
        packet_bytes: 1.0,
        fill_us: constants.fill_us,
        fill_bytes: constants.fill_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectives::nccl::tests::{device, few_gpus};
    use proptest::prelude::*;

    fn shape(ranks: f64, bytes: f64, choice: Choice) -> AllReduce {
        AllReduce { ranks, bytes, choice, replayed: true }
    }

    #[test]
    fn hand_one_shot_of_two_ranks() {
        // 4 + 0.3 log2 2 + 1 x 1.8e6 B / (450 GB/s x 0.6) = 4.3 + 6.667 us.
        let cost = all_reduce(
            &shape(2.0, 1.8e6, Choice::Thresholds),
            &device(450e9),
            &AllReduceConstants::default(),
        );
        assert!((cost.time.get() * 1e6 - 10.9667).abs() < 1e-3, "{cost:?}");
        assert_eq!(cost.bound, Bound::Wire);
    }

    #[test]
    fn hand_two_shots_above_the_threshold() {
        // Eight ranks, 256 KiB: 4 + 0.3 x 3 + 5 + 2 x 7/8 x 262,144 B / (450 GB/s x 0.65) = 9.9 + 1.568 us.
        let cost = all_reduce(
            &shape(8.0, 262_144.0, Choice::Thresholds),
            &device(450e9),
            &AllReduceConstants::default(),
        );
        assert!((cost.time.get() * 1e6 - 11.4684).abs() < 1e-3, "{cost:?}");
    }

    #[test]
    fn hand_sums_of_two_servers_pass_the_network() {
        // Inside eight: 8 + 2 x 7 + 30 x 100 kB / 5.1 MB + 100 kB / (450 GB/s x (0.8 - 0.15 x 2 / 8) x 1.1) = 22.588 + 0.265 us;
        // between two servers 2 x 7 + 57,143 / 8 B / (50 GB/s x 0.85) = 14.168 us, whatever the framework would choose.
        let mut two_servers = device(450e9);
        (two_servers.domain, two_servers.scale_out) = (8.0, 50e9);
        let shape = |choice| shape(16.0, 100e3 / 1.75, choice);
        for choice in [Choice::Fastest, Choice::Thresholds] {
            let cost = all_reduce(&shape(choice), &two_servers, &AllReduceConstants::default());
            assert!((cost.time.get() * 1e6 - 37.021).abs() < 1e-2, "{cost:?}");
        }
    }

    #[test]
    fn hand_short_messages_take_the_kernel_that_norms() {
        let largest = |architecture, ranks| Fused::largest(architecture, ranks);
        assert_eq!(largest(Architecture::Blackwell, 8.0), Some(1_048_576.0));
        assert_eq!(largest(Architecture::Blackwell, 3.0), None);
        assert_eq!(largest(Architecture::Hopper, 8.0), None);
        let own = AllReduceConstants::default();
        let fused = Fused { constants: AllReduceConstants { launch_us: 1.0, ..own }, largest: 1000.0 };
        let taken = |bytes| Fused::or(Some(&fused), shape(8.0, bytes, Choice::Thresholds), &own);
        assert_eq!(taken(1000.0), (shape(8.0, 1000.0, Choice::Fastest), fused.constants));
        assert_eq!(taken(1001.0), (shape(8.0, 1001.0, Choice::Thresholds), own));
        assert_eq!(Fused::or(None, shape(8.0, 1.0, Choice::Thresholds), &own).1, own);
    }

    #[test]
    fn law_one_gpu_never_communicates() {
        let cost =
            all_reduce(&shape(1.0, 1e9, Choice::Fastest), &device(450e9), &AllReduceConstants::default());
        assert_eq!(cost.time.get(), 0.0);
    }

    proptest! {
        #[test]
        fn law_more_link_is_never_slower_and_time_is_finite(
            ranks in few_gpus(), bytes in 1.0..1e10_f64, link in 1e9..1e13_f64, fastest in any::<bool>(), replayed in any::<bool>(),
        ) {
            let choice = if fastest { Choice::Fastest } else { Choice::Thresholds };
            let shape = AllReduce { ranks, bytes, choice, replayed };
            let time = |link| all_reduce(&shape, &device(link), &AllReduceConstants::default()).time.get();
            prop_assert!(time(link).is_finite() && time(link) > 0.0);
            prop_assert!(time(2.0 * link) <= time(link) * (1.0 + 1e-12));
            let more = AllReduce { bytes: 1.5 * bytes, ..shape };
            let fastest_grows = all_reduce(&more, &device(link), &AllReduceConstants::default()).time.get();
            prop_assert!(choice == Choice::Thresholds || fastest_grows >= time(link) * (1.0 - 1e-12));
        }
    }
}
