//! Laws of the attention operators, and times that can be worked out by hand.

use proptest::prelude::*;
use rackplan_catalog::{Catalog, Format, Gpu};
use rackplan_perf::operators::attention_decode::{
    AttentionDecode, AttentionDecodeConstants, attention_decode,
};
use rackplan_perf::operators::attention_mla_bmm::{MlaBmm, MlaBmmConstants, mla_bmm};
use rackplan_perf::operators::attention_mla_decode::{Latent, MlaDecode, MlaDecodeConstants, mla_decode};
use rackplan_perf::operators::attention_mla_module::{MlaModule, MlaModuleConstants, mla_decode_module};
use rackplan_perf::operators::attention_mla_prefill::{MlaPrefill, MlaPrefillConstants, mla_prefill};
use rackplan_perf::operators::attention_prefill::{
    AttentionPrefill, AttentionPrefillConstants, attention_prefill,
};
use rackplan_perf::{Cost, Device};

fn device(id: &str) -> Device {
    let catalog = Catalog::builtin();
    Device::new(&catalog.get::<Gpu>(id).expect("an entry").record).expect("a complete entry")
}

fn microseconds(cost: Cost) -> f64 {
    cost.time.get() * 1e6
}

fn decode(batch: f64, kv_len: f64, kv_heads: f64, group: f64, head_dim: f64, window: f64) -> AttentionDecode {
    AttentionDecode { batch, kv_len, q_heads: kv_heads * group, kv_heads, head_dim, window, kv_bytes: 2.0 }
}

fn prefill(
    batch: f64,
    tokens: f64,
    prefix: f64,
    kv_heads: f64,
    head_dim: f64,
    window: f64,
) -> AttentionPrefill {
    AttentionPrefill {
        batch,
        tokens,
        prefix,
        q_heads: 4.0 * kv_heads,
        kv_heads,
        head_dim,
        value_dim: head_dim,
        window,
        arithmetic: Format::Bf16,
        kv_bytes: 2.0,
    }
}

fn latents(batch: f64, kv_len: f64, heads: f64) -> MlaDecode {
    MlaDecode { batch, kv_len, heads, latent: Latent::DEEPSEEK, kv_bytes: 1.0 }
}

fn module(batch: f64, kv_len: f64, heads: f64) -> MlaModule {
    MlaModule {
        kernel: latents(batch, kv_len, heads),
        hidden: 7168.0,
        q_rank: 1536.0,
        arithmetic: Format::Fp8,
        weight_bytes: 1.0,
    }
}

fn bmm(tokens: f64, heads: f64) -> MlaBmm {
    MlaBmm { tokens, heads, k: 128.0, n: 512.0, arithmetic: Format::Fp8, weight_bytes: 1.0 }
}

fn unfolded(batch: f64, tokens: f64, heads: f64) -> MlaPrefill {
    MlaPrefill { batch, tokens, prefix: 0.0, heads, latent: Latent::DEEPSEEK, arithmetic: Format::Bf16 }
}

/// All operators on one size of batch, length and heads.
fn all(device: &Device, batch: f64, length: f64, heads: f64) -> [f64; 6] {
    [
        attention_decode(&decode(batch, length, heads, 4.0, 128.0, 0.0), device, &Default::default()),
        attention_prefill(&prefill(batch, length, 0.0, heads, 128.0, 0.0), device, &Default::default()),
        mla_decode(&latents(batch, length, heads), device, &MlaDecodeConstants::default()),
        mla_prefill(&unfolded(batch, length, heads), device, &MlaPrefillConstants::default()),
        mla_bmm(&bmm(batch, heads), device, &MlaBmmConstants::default()),
        mla_decode_module(&module(batch, length, heads), device, &MlaModuleConstants::default()),
    ]
    .map(microseconds)
}

#[test]
fn hand_decode_that_streams_takes_bytes_over_bandwidth() {
    // H100: 256 sequences of 32,768 tokens, 8 heads of 128, bf16: 2 · 2,048 · 32,768 · 128 · 2 = 34.36 GB of cache, and
    // 6 · 256 · 40 · 128 = 7.9 MB that pass by; over 3.35 TB/s: 10.2590 ms. A block streams 16.78 MB over two shares of
    // 25.38 GB/s: 0.3306 ms. Blocks: 1 µs · 2,048 / 132 = 15.5 µs. √(10,259.0² + 330.6² + 15.5²) = 10,264.4;
    // with a launch of 10 µs and a chain of 32 µs: 10,306 µs.
    let constants = AttentionDecodeConstants {
        memory_share: 1.0,
        launch_us: 10.0,
        block_share: 2.0,
        block_us: 1.0,
        alone: 0.0,
        ungrouped: 1.0,
        chain_us: 1.0,
        reread: 1.0,
        most_splits: 64.0,
    };
    let cost =
        attention_decode(&decode(256.0, 32_768.0, 8.0, 4.0, 128.0, 0.0), &device("h100_sxm"), &constants);
    assert!((microseconds(cost) - 10_306.0).abs() < 2.0, "{}", microseconds(cost));
    assert_eq!(cost.bound.name(), "memory");
}

#[test]
fn hand_long_prefill_is_arithmetic() {
    // H100: one sequence of 16,384 tokens, 32 heads of 128: 128 · 129 / 2 = 8,256 tiles a head; 4 · 32 · 128 · 128² ·
    // 8,256 = 2.2162 PFLOP over 989 TFLOP/s: 2,240.9 µs. Exponentials next to nothing.
    let constants = AttentionPrefillConstants {
        compute_share: 1.0,
        memory_share: 1e9,
        launch_us: 0.0,
        exponential: 1e-9,
        step_us: 0.0,
        block_us: 0.0,
        tile: 128.0,
        packed: 1.0,
        unskipped: 0.0005,
    };
    let shape = prefill(1.0, 16_384.0, 0.0, 8.0, 128.0, 0.0);
    let time = microseconds(attention_prefill(&shape, &device("h100_sxm"), &constants));
    // The last row on one processor adds in squares: 128 tiles of 1.1195 µs are 143.3 µs, √(2,240.9² + 143.3²) =
    // 2,245.5.
    assert!((time - 2_245.5).abs() < 1.5, "{time}");
}

#[test]
fn hand_a_token_takes_a_tile_and_a_group_shares_it() {
    // H100: 4,096 sequences of one token, 32 heads over 8: rows max(1, 128 / 4) = 32, a tile of 32 x 128 scores each:
    // 4 · 4,096 · 32 · 128 · 32 · 128 = 274.9 GFLOP over 989 TFLOP/s: 277.92 µs. The last row, a tile, is 1.12 µs.
    let constants = AttentionPrefillConstants {
        compute_share: 1.0,
        memory_share: 1e9,
        launch_us: 0.0,
        exponential: 1e-9,
        step_us: 0.0,
        block_us: 0.0,
        tile: 128.0,
        packed: 1.0,
        unskipped: 0.0005,
    };
    let time = |packed| {
        let constants = AttentionPrefillConstants { packed, ..constants };
        let shape = prefill(4096.0, 1.0, 0.0, 8.0, 128.0, 0.0);
        microseconds(attention_prefill(&shape, &device("h100_sxm"), &constants))
    };
    assert!((time(1.0) - 277.92).abs() < 0.1, "{}", time(1.0));
    assert!((time(0.0) - 4.0 * 277.92).abs() < 0.1, "{}", time(0.0));
}

#[test]
fn law_a_window_that_is_only_masked_saves_nothing() {
    let time = |window, unskipped| {
        let constants = AttentionPrefillConstants { unskipped, ..Default::default() };
        let shape = prefill(1.0, 8192.0, 0.0, 8.0, 128.0, window);
        microseconds(attention_prefill(&shape, &device("h100_sxm"), &constants))
    };
    assert!((time(128.0, 1.0) / time(0.0, 1.0) - 1.0).abs() < 1e-12);
    assert!(time(128.0, 0.001) < 0.3 * time(0.0, 0.001));
}

#[test]
fn hand_absorption_reads_its_weights() {
    // 128 heads of 128 x 512 in fp8 are 8.39 MB, activations of one token 0.16 MB: 8.552 MB over 3.35 TB/s is 2.553 µs.
    let constants = MlaBmmConstants { compute_share: 1e9, memory_share: 1.0, launch_us: 1.0, quantise: 0.0 };
    let time = microseconds(mla_bmm(&bmm(1.0, 128.0), &device("h100_sxm"), &constants));
    assert!((time - 3.553).abs() < 0.002, "{time}");
}

#[test]
fn law_extremes_are_finite() {
    for id in ["a100_sxm", "h100_sxm", "gb200", "l40s", "b60"] {
        for size in [1.0, 1e6] {
            for (batch, length, heads) in
                [(size, 1.0, 1.0), (1.0, size, 1.0), (1.0, 1.0, size), (size, size, size)]
            {
                for time in all(&device(id), batch, length, heads) {
                    assert!(time.is_finite() && time > 0.0, "{id} {batch} {length} {heads}: {time}");
                }
            }
        }
    }
}

#[test]
fn law_one_token_more_is_never_faster() {
    // At every length around the edges of tiles and splits, where roundings could turn over.
    let h100 = device("h100_sxm");
    for (batch, heads) in [(1.0, 1.0), (3.0, 8.0), (100.0, 2.0)] {
        let mut before = all(&h100, batch, 1.0, heads);
        for length in 2..3000 {
            let now = all(&h100, batch, f64::from(length), heads);
            for (now, before) in now.iter().zip(before) {
                assert!(*now >= before * (1.0 - 1e-12), "{batch} {length} {heads}: {before} {now}");
            }
            before = now;
        }
    }
}

proptest! {
    #[test]
    fn law_more_sequences_or_tokens_are_never_faster(
        batch in 1u32..512, length in 1u32..100_000, heads in 1u32..128, more in 1u32..1000,
    ) {
        let h100 = device("h100_sxm");
        let [batch, length, heads, more] = [batch, length, heads, more].map(f64::from);
        let base = all(&h100, batch, length, heads);
        for (longer, base) in all(&h100, batch, length + more, heads).iter().zip(base) {
            prop_assert!(*longer >= base * (1.0 - 1e-12));
        }
        for (wider, base) in all(&h100, batch + more, length, heads).iter().zip(base) {
            prop_assert!(*wider >= base * (1.0 - 1e-12));
        }
    }

    #[test]
    fn law_more_bandwidth_is_never_slower(
        batch in 1u32..512, length in 1u32..100_000, heads in 1u32..128, factor in 1.0f64..4.0,
    ) {
        let h100 = device("h100_sxm");
        let mut faster = h100;
        faster.bandwidth *= factor;
        let [batch, length, heads] = [batch, length, heads].map(f64::from);
        for (fast, base) in all(&faster, batch, length, heads).iter().zip(all(&h100, batch, length, heads)) {
            prop_assert!(*fast <= base * (1.0 + 1e-12));
        }
    }

    #[test]
    fn law_windows_and_prefixes_bound_the_work(tokens in 1u32..20_000, prefix in 0u32..20_000, window in 1u32..8192) {
        let [tokens, prefix, window] = [tokens, prefix, window].map(f64::from);
        let time = |prefix, window| {
            let shape = prefill(2.0, tokens, prefix, 4.0, 128.0, window);
            microseconds(attention_prefill(&shape, &device("h100_sxm"), &AttentionPrefillConstants::default()))
        };
        prop_assert!(time(prefix, window) <= time(prefix, 0.0) * (1.0 + 1e-12));
        prop_assert!(time(0.0, 0.0) <= time(prefix, 0.0) * (1.0 + 1e-12));
    }
}
