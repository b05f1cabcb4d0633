//! The feed-forward half of a layer: dense, or routed and shared experts with their exchange.

use super::{Lane, Parts};
use crate::collectives::all_to_all::AllToAllConstants;
use crate::collectives::nccl::NcclConstants;
use crate::engines::Fitted;
use crate::formats::{NumberFormat, expert_groups};
use crate::operators::moe::{Moe as MoeShape, MoeConstants, MoePlan};
use crate::operators::moe_routing::{Load, RoutingPlan};
use crate::work::{Dispatch, Routed, Rows, Work};
use rackplan_catalog::model::{Dense, Ffn, Moe, WeightDtype};
use rackplan_catalog::{Backend, Format};

pub(super) fn feed_forward(parts: &mut Parts, ffn: &Ffn) {
    match ffn {
        Ffn::Dense(dense) => dense_network(parts, dense),
        Ffn::Moe(moe) => mixture(parts, moe),
    }
}

fn dense_network(parts: &mut Parts, dense: &Dense) {
    let weights = parts.deployment.precision.dense;
    network(parts, ["up", "activation", "down"], dense.intermediate as f64, dense.gated, weights);
    parts.all_reduce("all_reduce_ffn");
}

/// Two multiplications with the activation between them.
fn network(parts: &mut Parts, names: [&'static str; 3], inter: f64, gated: bool, weights: WeightDtype) {
    let (hidden, inter) = (parts.hidden(), inter / parts.tp());
    let up = if gated { 2.0 * inter } else { inter };
    parts.gemm(names[0], Rows::Tokens, (up, hidden), weights);
    parts.pass(names[1], Rows::Tokens, 2.0 * (up + inter), 1.0);
    parts.gemm(names[2], Rows::Tokens, (hidden, inter), weights);
}

fn mixture(parts: &mut Parts, moe: &Moe) {
    let plan = parts.deployment.plan;
    parts.gemm("router", Rows::Tokens, (moe.experts as f64, parts.hidden()), WeightDtype::Bf16);
    choose_experts(parts, moe);
    if let Some(latent) = moe.latent {
        let weights = parts.deployment.precision.dense;
        parts.gemm("latent_down", Rows::Tokens, (latent as f64, parts.hidden()), weights);
        parts.gemm("latent_up", Rows::Tokens, (parts.hidden(), latent as f64), weights);
    }
    parts.lane = Lane::Routed;
    if plan.dp > 1 {
        exchange(parts, moe);
    }
    routed(parts, moe);
    parts.lane = Lane::Shared;
    let weights = parts.deployment.precision.dense;
    if moe.shared_intermediate > 0 {
        let names = ["shared_up", "shared_activation", "shared_down"];
        network(parts, names, moe.shared_intermediate as f64, moe.gated, weights);
    }
    if moe.dense_intermediate > 0 {
        let names = ["dense_up", "dense_activation", "dense_down"];
        network(parts, names, moe.dense_intermediate as f64, moe.gated, weights);
    }
    parts.lane = Lane::Alone;
    // With one attention group every rank has all tokens, and the sum over tensor- or expert-parallel ranks is one
    // all-reduce. Under attention data parallelism the way back brings the sums.
    if plan.dp == 1 {
        parts.all_reduce("all_reduce_ffn");
    }
}

/// The choice of a token's experts from 32-bit scores. TensorRT-LLM's kernels of experts, and their tables, begin with it;
/// others are given it. Source: vLLM's `fused_experts` and SGLang's `fused_moe`, which take `topk_ids`, recalled.
fn choose_experts(parts: &mut Parts, moe: &Moe) {
    if parts.deployment.backend != Backend::Trtllm {
        let bytes = 4.0 * moe.experts as f64 + 8.0 * moe.experts_per_token as f64;
        parts.pass("choose_experts", Rows::Tokens, bytes, 1.0);
    }
}

fn routed(parts: &mut Parts, moe: &Moe) {
    let deployment = parts.deployment;
    let groups = expert_groups(deployment.precision.experts, parts.has(Format::Fp8), parts.has(Format::Fp4));
    let found = kernel(parts, groups);
    let format = NumberFormat::of_group(groups[0]).expect("every expert group is a known format");
    let experts = moe.experts as f64;
    let local_experts = deployment.local_experts(experts);
    let shape = MoeShape {
        tokens: 0.0,
        hidden: moe.expert_hidden(deployment.model.hidden) as f64,
        inter: moe.intermediate as f64 / f64::from(deployment.plan.expert_tp()),
        local_experts,
        expected_pairs: 0.0,
        load: Load { pairs: 0.0, active: 0.0, even: false },
        gated: moe.gated,
        arithmetic: format.arithmetic,
        weight_bytes: format.weight_bytes,
        activation_bytes: format.activation_bytes,
    };
    let routing = deployment.routing.unwrap_or(parts.usual_routing());
    let plan =
        RoutingPlan::new(experts, moe.experts_per_token as f64, f64::from(deployment.plan.ep), routing);
    let plan = if deployment.copies(experts) > 0.0 { plan.balanced(local_experts) } else { plan };
    let routed = Routed::new(plan, moe.experts_per_token as f64, deployment.plan);
    let constants = MoeConstants { launch_us: Parts::replayed(found.constants.launch_us), ..found.constants };
    let plan = MoePlan::new(&shape, &deployment.device, &constants);
    parts.add("experts", Work::Moe { shape, routed, constants, plan }, found.evidence, found.band);
}

/// The kernel of routed experts.
///
/// Without 4-bit units, TensorRT-LLM and SGLang run mxfp4 with OpenAI's Triton kernels, as vLLM does; SGLang's tables hold
/// its own Triton kernel, which takes 2.7 times as long and which it does not choose there. With a scale per tensor, what
/// vLLM's tables call fp8 there is the slow kernel that only checkpoints of NVIDIA's ModelOpt run; those of others run
/// Triton's, which was measured with blocks. Source: TensorRT-LLM's deployment guide of gpt-oss (moe backend on Hopper);
/// SGLang's `server_args.py` (`triton_kernel` for gpt-oss where there is no SM100); vLLM's `fused_moe`, recalled. With
/// scales per block vLLM runs Triton's on Hopper where each rank has a part of all experts, and CUTLASS's only where experts
/// are spread: its table has nothing else.
fn kernel(parts: &Parts, groups: &'static [&'static str]) -> Fitted<MoeConstants> {
    let backend = parts.deployment.backend;
    match (groups[0], parts.has(Format::Fp4)) {
        ("w4a16_mxfp4", false) if backend != Backend::Vllm => {
            parts.taken_from(Backend::Vllm, "moe", "w4a16_mxfp4.triton")
        }
        ("fp8", false) if backend != Backend::Trtllm => {
            parts.taken_from(parts.deployment.backend, "moe", "fp8_block.triton")
        }
        ("fp8_block", false) if backend == Backend::Vllm && parts.deployment.plan.ep == 1 => {
            parts.nearest("moe", "fp8_block.triton")
        }
        _ => parts.chosen("moe", groups),
    }
}

/// Names of dispatch and combine kernels, those of low latency and those of high throughput.
const DISPATCH: [[&str; 2]; 2] = [
    ["deepep_ll_dispatch", "trtllm_deepep_ll_dispatch"],
    ["deepep_ht_dispatch", "trtllm_deepep_ht_dispatch"],
];
const COMBINE: [[&str; 2]; 2] =
    [["deepep_ll_combine", "trtllm_deepep_ll_combine"], ["deepep_ht_combine", "trtllm_deepep_ht_combine"]];

fn exchange(parts: &mut Parts, moe: &Moe) {
    let plan = parts.deployment.plan;
    let hidden = moe.expert_hidden(parts.deployment.model.hidden) as f64;
    let experts = parts.deployment.precision.experts;
    let narrow = match experts {
        WeightDtype::Fp8 | WeightDtype::Fp8Block => 1.0 + 4.0 / 128.0,
        WeightDtype::Nvfp4 => 0.5625,
        _ => 2.0,
    };
    // Scales of a tensor or of nvfp4 are known before the gathering, those of blocks are made in the kernel after it, and
    // others than TensorRT-LLM gather 16 bits throughout. Source: its fused_moe_cutlass.py and fused_moe_deepgemm.py.
    let early = parts.deployment.backend == Backend::Trtllm && experts != WeightDtype::Fp8Block;
    let gathered = if early { narrow } else { 2.0 };
    let gather = parts.nccl("all_gather");
    let scatter = parts.nccl("reduce_scatter");
    let launched = |constants: NcclConstants| NcclConstants {
        launch_us: Parts::replayed(constants.launch_us),
        ..constants
    };
    // Measured one by one, from the host; in a step they are replayed.
    let sent = |constants: AllToAllConstants| AllToAllConstants {
        launch_us: Parts::replayed(constants.launch_us),
        host_coherent: 1.0,
        ..constants
    };
    let kernels = |kind: usize| {
        let dispatch = parts.chosen::<AllToAllConstants>("moe_a2a", &DISPATCH[kind]);
        let combine = parts.chosen::<AllToAllConstants>("moe_a2a", &COMBINE[kind]);
        (sent(dispatch.constants), sent(combine.constants))
    };
    // Where a step has prompts, groups are of unequal length, and SGLang sums. Source: its dp_attention.py (SUM_LEN for
    // steps that extend), communicator.py (scatters sums where groups are padded to the longest alone).
    let sums = parts.deployment.backend == Backend::Sglang && !plan.sends_tokens();
    let summed = sums.then(|| parts.nccl("all_reduce").constants);
    let exchange = Dispatch {
        ranks: f64::from(plan.stage_gpus()),
        groups: f64::from(plan.dp),
        token_bytes: narrow * hidden,
        gathered_bytes: gathered * hidden,
        result_bytes: 2.0 * hidden,
        topk: moe.experts_per_token as f64,
        local_experts: parts.deployment.local_experts(moe.experts as f64),
        gather: launched(gather.constants),
        scatter: launched(scatter.constants),
        summed,
        sparse: (plan.expert_tp() == 1).then(|| [0, 1].map(kernels)),
    };
    parts.add("dispatch_and_combine", Work::Dispatch(exchange), gather.evidence, gather.band);
}
