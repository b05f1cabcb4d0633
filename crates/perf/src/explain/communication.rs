//! Terms of communication: bytes that a rank sends, at the full rate of its links; `rest` is what kernels lose of it.

use super::terms::Terms;
use super::text::{amount, short};
use crate::Device;
use crate::collectives::all_reduce::{AllReduce, Fused};
use crate::collectives::all_to_all::distinct;
use crate::collectives::nccl::Collective;
use crate::work::{Counts, Dispatch, Work, waiting_us};

/// Of a collective; empty for other operators.
pub(super) fn of(work: &Work, counts: &Counts, device: &Device) -> Terms {
    match work {
        Work::AllReduce { shape, token_bytes, constants, fused } => {
            let (n, bytes) = (shape.ranks, counts.tokens * token_bytes);
            let (_, constants) = Fused::or(fused.as_ref(), AllReduce { bytes, ..*shape }, constants);
            Terms::new(format!("all-reduce n={} B={}", short(n), amount(bytes, "B")))
                .sending("2(n-1)/n B", Collective::AllReduce.share_sent(n) * bytes, n, device)
                .launched(constants.launch_us + constants.hop_us * n.log2())
                .plus("waiting", waiting_us(n, device))
        }
        Work::Gather { shape, token_bytes, constants } => {
            let (n, bytes) = (shape.ranks, counts.sampled * token_bytes);
            Terms::new(format!("all-gather n={} B={}", short(n), amount(bytes, "B")))
                .sending("(n-1)/n B", shape.collective.share_sent(n) * bytes, n, device)
                .launched(constants.launch_us + constants.hop_us * (n - 1.0))
        }
        Work::Dispatch(exchange) => dispatch(exchange, counts, device),
        _ => Terms::new(String::new()),
    }
}

/// Two collectives over all tokens T, or each rank's T / n tokens to each of their k experts, or the R ranks that have one, and
/// back: what is faster.
fn dispatch(exchange: &Dispatch, counts: &Counts, device: &Device) -> Terms {
    let (tokens, prompts) = (counts.average, counts.prompts > 0.0);
    let (n, all) = (exchange.ranks, tokens * exchange.groups);
    let gathered = exchange.gathered(all, device).time;
    let faster =
        || exchange.kernels(prompts).filter(|_| exchange.cost(tokens, prompts, device).time < gathered);
    let (kernel, symbol, copies, bytes, launch) = if let Some(sum) =
        exchange.summed.as_ref().filter(|_| prompts)
    {
        ("two sums", "2 T B (n-1)/n", 2.0, 2.0 * exchange.result_bytes, 2.0 * sum.launch_us)
    } else if let Some((there, back)) = faster() {
        let (copies, symbol) = if prompts {
            (distinct(exchange.topk, n), "T R B (n-1)/n^2")
        } else {
            (exchange.topk, "T k B (n-1)/n^2")
        };
        let bytes = exchange.token_bytes + exchange.result_bytes;
        ("all-to-all", symbol, copies / n, bytes, there.launch_us + back.launch_us)
    } else {
        let launch = exchange.gather.launch_us + exchange.scatter.launch_us;
        ("gather and scatter", "T B (n-1)/n", 1.0, exchange.gathered_bytes + exchange.result_bytes, launch)
    };
    Terms::new(format!("{kernel} n={} T={} B={}", short(n), short(all), amount(bytes, "B")))
        .sending(symbol, all * bytes * copies * (n - 1.0) / n, n, device)
        .launched(launch)
        .plus("waiting", waiting_us(n, device))
}
