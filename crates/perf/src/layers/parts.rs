//! Makes operators of a deployment: picks formats and constants, divides shapes over ranks.

use super::{Lane, Part};
use crate::collectives::all_reduce::{AllReduce, AllReduceConstants, Choice, Fused};
use crate::collectives::nccl::{Collective, Exchange, NcclConstants};
use crate::engines::Fitted;
use crate::formats::{NumberFormat, dense_groups};
use crate::kernels::{Multiplication, Wanted};
use crate::operators::estimates::REPLAYED;
use crate::operators::gemm::{Gemm, GemmConstants, GemmPlan};
use crate::operators::moe_routing::Routing;
use crate::work::{Rows, Work};
use crate::{BLIND, Constants, Deployment, Evidence, Kernels};
use rackplan_catalog::model::{Projection, Split, WeightDtype};
use rackplan_catalog::{Backend, Format, Quantiles};
use std::sync::Arc;

/// What a static scale adds to a launch: the norm before writes 8 bits itself. In microseconds. Source: performance-model.
const STATIC_SCALE_US: f64 = 0.7;

/// The list under construction.
pub(crate) struct Parts<'a> {
    pub(crate) deployment: &'a Deployment<'a>,
    kernels: &'a Kernels,
    /// How often a step runs what is added.
    pub(crate) count: f64,
    /// What runs beside what is added.
    pub(crate) lane: Lane,
    /// The layer kind that is being added.
    pub(crate) layer_kind: Option<u16>,
    pub(crate) list: Vec<Part>,
}

/// Room for what most models have, so that their lists need not grow.
const PARTS: usize = 48;

impl<'a> Parts<'a> {
    pub(crate) fn new(deployment: &'a Deployment<'a>, kernels: &'a Kernels) -> Self {
        Self {
            deployment,
            kernels,
            count: 1.0,
            lane: Lane::Alone,
            layer_kind: None,
            list: Vec::with_capacity(PARTS),
        }
    }

    /// Width of the residual stream.
    pub(crate) fn hidden(&self) -> f64 {
        self.deployment.model.hidden as f64
    }

    /// How tokens choose experts where a deployment does not say.
    pub(crate) fn usual_routing(&self) -> Routing {
        self.kernels.routing()
    }

    /// What the framework's host adds to a step for each sequence in it, in microseconds.
    pub(crate) fn host_us(&self) -> f64 {
        self.kernels.host_us()
    }

    /// Tensor-parallel ranks.
    pub(crate) fn tp(&self) -> f64 {
        f64::from(self.deployment.plan.tp)
    }

    pub(crate) fn has(&self, format: Format) -> bool {
        self.deployment.device.has(format)
    }

    fn wanted(&self, operator: &'static str) -> Wanted<'static> {
        Wanted { backend: self.deployment.backend.name(), operator, group: "", formats: &[] }
    }

    /// Constants of the kernel for the first format that has any.
    pub(crate) fn chosen<C: Constants>(
        &self,
        operator: &'static str,
        formats: &'static [&'static str],
    ) -> Fitted<C> {
        self.kernels.constants(Wanted { formats, ..self.wanted(operator) })
    }

    /// Constants of one group.
    pub(crate) fn nearest<C: Constants>(&self, operator: &'static str, group: &str) -> Fitted<C> {
        self.kernels.constants(Wanted { group, ..self.wanted(operator) })
    }

    /// Constants of one group of another framework's kernels, for those that a framework takes from elsewhere.
    pub(crate) fn taken_from<C: Constants>(
        &self,
        backend: Backend,
        operator: &'static str,
        group: &str,
    ) -> Fitted<C> {
        let found =
            self.kernels.constants(Wanted { backend: backend.name(), group, ..self.wanted(operator) });
        Fitted { evidence: found.evidence.max(Evidence::Across), ..found }
    }

    /// Constants of a collective of NCCL, whichever framework calls it.
    pub(crate) fn nccl(&self, collective: &str) -> Fitted<NcclConstants> {
        self.kernels.constants(Wanted { backend: "nccl", group: collective, ..self.wanted("nccl") })
    }

    pub(crate) fn add(&mut self, name: &'static str, work: Work, evidence: Evidence, band: Quantiles) {
        let (count, lane, layer_kind) = (self.count, self.lane, self.layer_kind);
        let twin = self.list.iter().position(|held| held.work.is_same(&work));
        self.list.push(Part { name, count, lane, layer_kind, evidence, band, work, twin });
    }

    /// An operator that no table measures.
    pub(crate) fn unmeasured(&mut self, name: &'static str, work: Work) {
        self.add(name, work, Evidence::Unvalidated, BLIND);
    }

    /// A multiplication with a matrix of `n` outputs and `k` inputs, on this rank.
    pub(crate) fn gemm(&mut self, name: &'static str, rows: Rows, (n, k): (f64, f64), weights: WeightDtype) {
        let groups = dense_groups(weights, self.has(Format::Fp8), self.has(Format::Fp4));
        let matrix = (n.to_bits(), k.to_bits(), groups[0]);
        let found = self.kernels.gemm(matrix, || self.multiplication(groups, (n, k)));
        let Multiplication { shape, constants, ref plan, evidence, band } = *found;
        self.add(name, Work::Gemm { rows, shape, constants, plan: Arc::clone(plan) }, evidence, band);
    }

    /// A multiplication with a matrix of `n` outputs and `k` inputs in the first of these formats.
    fn multiplication(&self, groups: &'static [&'static str], (n, k): (f64, f64)) -> Multiplication {
        let found = self.dense_kernel(groups);
        let format = NumberFormat::of_group(groups[0]).expect("every dense group is a known format");
        let (constants, quantises) = self.static_scale(groups[0], found.constants, format.quantises);
        let constants =
            GemmConstants { launch_us: constants.launch_us * REPLAYED, host_us: 0.0, ..constants };
        let shape = Gemm {
            m: 0.0,
            n,
            k,
            arithmetic: format.arithmetic,
            weight_bytes: format.weight_bytes,
            activation_bytes: format.activation_bytes,
            quantises,
            repeats: false,
        };
        let plan = Arc::new(GemmPlan::new(&shape, &self.deployment.device, &constants));
        Multiplication { shape, constants, plan, evidence: found.evidence, band: found.band }
    }

    /// The kernel of a dense matrix in the first of these formats. With scales per block frameworks run libraries of the
    /// accelerator's maker, on AMD AITER in both: where kernels are lent, they are those of SGLang, since it was its runs of
    /// DeepSeek-R1 that showed what lent ones of blocks reach. Source: SGLang's `fp8_utils` and vLLM's
    /// `fp8_utils` (`aiter.gemm_a8w8_blockscale`), recalled.
    fn dense_kernel(&self, groups: &'static [&'static str]) -> Fitted<GemmConstants> {
        match groups[0] {
            "fp8_block" if self.kernels.are_lent() => self.taken_from(Backend::Sglang, "gemm", groups[0]),
            _ => self.chosen("gemm", groups),
        }
    }

    /// Constants without the quantisation that benchmarks run as a kernel of its own and engines fuse with the norm or
    /// activation before: fp8 with static scales everywhere, nvfp4 in TensorRT-LLM.
    fn static_scale(&self, group: &str, constants: GemmConstants, quantises: bool) -> (GemmConstants, bool) {
        let fused = group == "fp8" || (group == "nvfp4" && self.deployment.backend == Backend::Trtllm);
        if !fused {
            return (constants, quantises);
        }
        let plain = self.nearest::<GemmConstants>("gemm", "bfloat16").constants;
        (GemmConstants { launch_us: plain.launch_us + STATIC_SCALE_US, ..constants }, false)
    }

    /// The multiplication of a projection, divided as it may be.
    pub(crate) fn project(&mut self, projection: &Projection, weights: WeightDtype) {
        let (outputs, inputs) = self.sharded(projection);
        self.gemm(projection.name, Rows::Tokens, (outputs, inputs), weights);
    }

    /// Outputs and inputs of a projection on one rank.
    pub(crate) fn sharded(&self, projection: &Projection) -> (f64, f64) {
        let tp = self.tp();
        let (outputs, inputs) =
            (projection.outputs as f64 * projection.count as f64, projection.inputs as f64);
        match projection.split {
            Split::Outputs | Split::KvHeads => ((outputs / tp).max(1.0), inputs),
            Split::Inputs => (outputs, (inputs / tp).max(1.0)),
            Split::Replicated => (outputs, inputs),
        }
    }

    /// A pass over `bytes` bytes of each row in so many kernels.
    pub(crate) fn pass(&mut self, name: &'static str, rows: Rows, bytes: f64, kernels: f64) {
        self.unmeasured(name, Work::Pass { rows, bytes, launches: kernels });
    }

    /// Norm with the residual sum: input and residual read, both written, in 16 bits. A framework that fuses it with the
    /// all-reduce before it launches nothing more.
    pub(crate) fn norm(&mut self, name: &'static str) {
        let own = self.deployment.backend == Backend::Trtllm && self.tp() > 1.0;
        let kernels = if own || self.largest_fused().is_some() { 0.0 } else { 1.0 };
        let streams = (self.deployment.model.residual_streams as f64).max(1.0);
        self.pass(name, Rows::Tokens, 4.0 * 2.0 * self.hidden() * streams, kernels);
    }

    /// The all-reduce that ends a half of a layer.
    pub(crate) fn all_reduce(&mut self, name: &'static str) {
        let ranks = self.tp();
        if ranks <= 1.0 {
            return;
        }
        let (group, choice) = match self.deployment.backend {
            Backend::Trtllm => ("all_reduce.default", Choice::Fastest),
            Backend::Vllm | Backend::Sglang => ("all_reduce.graph", Choice::Thresholds),
        };
        let found = self.nearest::<AllReduceConstants>("custom_allreduce", group);
        let fused = self.largest_fused().map(|largest| {
            let kernel = self.taken_from(Backend::Trtllm, "custom_allreduce", "all_reduce.default");
            Fused { constants: kernel.constants, largest }
        });
        let shape = AllReduce { ranks, bytes: 0.0, choice, replayed: true };
        let (token_bytes, constants) = (2.0 * self.hidden(), found.constants);
        self.add(name, Work::AllReduce { shape, token_bytes, constants, fused }, found.evidence, found.band);
    }

    /// Bytes up to which another framework's kernel sums and norms at once.
    fn largest_fused(&self) -> Option<f64> {
        let Deployment { backend, device, .. } = self.deployment;
        let others = *backend != Backend::Trtllm && device.switched;
        others.then(|| Fused::largest(device.architecture, self.tp())).flatten()
    }

    /// Gathers the parts of `width` 16-bit numbers of what is sampled.
    pub(crate) fn gather_sampled(&mut self, name: &'static str, width: f64) {
        let ranks = self.tp();
        if ranks <= 1.0 {
            return;
        }
        let found = self.nccl("all_gather");
        let shape = Exchange { collective: Collective::AllGather, ranks, bytes: 0.0 };
        let work = Work::Gather { shape, token_bytes: 2.0 * width, constants: found.constants };
        self.add(name, work, found.evidence, found.band);
    }

    /// A launch, with the share of it that a graph's replay leaves.
    pub(crate) fn replayed(launch_us: f64) -> f64 {
        launch_us * REPLAYED
    }
}
