//! What holds for any input of the three-ceiling method.

use proptest::prelude::*;
use rackplan_first_order::{
    Gpu, Inadmissible, KvSystem, Layout, Link, Mode, Model, Moe, Names, Quantisation, Rack, RackCount,
    Setting, SizingInput, evaluate, size, summary,
};
use rackplan_units::{Bytes, BytesPerSecond, FlopsPerSecond, Seconds};

fn link(bandwidth: f64, latency: f64) -> Link {
    Link { bandwidth: BytesPerSecond::new(bandwidth), latency: Seconds::new(latency) }
}

prop_compose! {
    fn models()(
        parameters in 1e8..2e12, layers in 1u32..40, hidden in 256u32..8192, heads in 1u32..12,
        context in 1u64..200_000, generation in 0u64..40_000, active in 1u32..8, shared in 0.05..1.0,
        dense in any::<bool>(),
    ) -> Model {
        let (layers, heads) = (layers * 4, heads * 16);
        let moe = Moe {
            experts: 128, active, expert_fraction: 1.0 - shared, shared_fraction: shared, dispatch_factor: 2.0,
        };
        let kv_elements_per_token = Model::full_width_kv_elements(layers, hidden);
        let moe = (!dense).then_some(moe);
        Model { parameters, layers, hidden, heads, context, generation, kv_elements_per_token, kv_ways: None, moe }
    }
}

prop_compose! {
    fn racks()(
        gpus_per_server in 1u32..16, servers_per_rack in 1u32..20, fast in 1e11..4e12, latency in 0.0..1e-5,
    ) -> Rack {
        Rack {
            gpus_per_server, servers_per_rack,
            intra_server: link(fast, latency),
            inter_server: link(fast / 2.0, 1.5 * latency),
            inter_rack: link(fast / 4.0, 3.0 * latency),
            storage_servers: 2,
            storage_server_capacity: Bytes::new(122e12),
        }
    }
}

prop_compose! {
    fn settings()(
        model in models(), rack in racks(), flops in 1e12..1e15, hbm in 1e11..2e13, capacity in 2e10..4e11,
        training in any::<bool>(),
    ) -> Setting {
        let gpu = Gpu {
            flops_sustained: FlopsPerSecond::new(flops),
            hbm_bandwidth: BytesPerSecond::new(hbm),
            hbm_capacity: Bytes::new(capacity),
        };
        let quantisation = Quantisation { weight_bytes: 1.0, compute_scale: 1.12, kv_bytes_per_element: 1.0 };
        Setting { model, quantisation, gpu, rack, mode: if training { Mode::Training } else { Mode::Inference } }
    }
}

fn plans() -> impl Strategy<Value = Layout> {
    let sizes = |all: &'static [u32]| proptest::sample::select(all);
    (sizes(&[1, 2, 4, 8, 16]), sizes(&[1, 2, 4]), sizes(&[1, 2, 4, 8])).prop_map(|(tp, pp, ep)| Layout {
        tp,
        pp,
        ep,
    })
}

fn faster(link: Link, factor: f64) -> Link {
    Link { bandwidth: link.bandwidth * factor, latency: link.latency / factor }
}

proptest! {
    #[test]
    fn law_more_bandwidth_is_never_slower(setting in settings(), layout in plans(), batch in 1u32..64, factor in 1.0..10.0) {
        let mut better = setting;
        better.gpu.hbm_bandwidth = setting.gpu.hbm_bandwidth * factor;
        better.rack.intra_server = faster(setting.rack.intra_server, factor);
        better.rack.inter_server = faster(setting.rack.inter_server, factor);
        better.rack.inter_rack = faster(setting.rack.inter_rack, factor);
        if let Ok(plan) = evaluate(&setting, layout, batch, 4096) {
            let faster = evaluate(&better, layout, batch, 4096).expect("speed does not change what fits");
            prop_assert!(faster.tokens_per_second >= plan.tokens_per_second * (1.0 - 1e-12));
        }
    }

    #[test]
    fn law_one_gpu_never_communicates(mut setting in settings(), batch in 1u32..64, gpus in 1u64..64) {
        setting.mode = Mode::Inference;
        if let Ok(plan) = evaluate(&setting, Layout { tp: 1, pp: 1, ep: 1 }, batch, gpus) {
            prop_assert_eq!(plan.loads, Default::default());
            prop_assert_eq!(plan.ceilings.communication, f64::INFINITY);
        }
    }

    #[test]
    fn law_twice_the_racks_twice_the_tokens(mut setting in settings(), layout in plans(), batch in 1u32..64, racks in 1u64..50) {
        setting.mode = Mode::Inference;
        let gpus = racks * setting.rack.gpus();
        if let Ok(plan) = evaluate(&setting, layout, batch, gpus) {
            let doubled = evaluate(&setting, layout, batch, 2 * gpus).expect("more GPUs do not remove a plan");
            prop_assert_eq!(doubled.tokens_per_second, plan.tokens_per_second);
            if doubled.instances == 2 * plan.instances {
                prop_assert_eq!(doubled.tokens_per_second_total, 2.0 * plan.tokens_per_second_total);
            }
        }
    }

    #[test]
    fn law_more_memory_never_removes_a_plan(setting in settings(), layout in plans(), batch in 1u32..64, factor in 1.0..10.0) {
        let mut larger = setting;
        larger.gpu.hbm_capacity = setting.gpu.hbm_capacity * factor;
        if let Ok(plan) = evaluate(&setting, layout, batch, 4096) {
            prop_assert!(plan.memory.used <= plan.memory.limit);
            prop_assert!(evaluate(&larger, layout, batch, 4096).is_ok());
        }
    }

    #[test]
    fn law_a_rejection_names_a_limit_that_is_passed(setting in settings(), layout in plans(), batch in 1u32..64) {
        match evaluate(&setting, layout, batch, 64) {
            Err(Inadmissible::OutOfMemory { needed, available }) => prop_assert!(needed > available),
            Err(Inadmissible::TooFewGpus { needed, available }) => prop_assert!(needed > available),
            _ => {}
        }
    }

    #[test]
    fn law_any_demand_is_sized_or_refused(
        setting in settings(),
        users in prop_oneof![0u64..5000, Just(1_000_000_000_000), any::<u64>()],
        rate in prop_oneof![0.0..100.0, Just(1e300), Just(-5.0)],
        racks in prop_oneof![1u64..50, any::<u64>()],
        flags in any::<(bool, bool, bool)>(),
    ) {
        let speed = BytesPerSecond::new(5e11);
        let system = KvSystem {
            dram: Bytes::new(5e11), gpu_link: speed, cpu_link: speed, dram_link: speed, fabric: speed, dma: speed,
        };
        let input = SizingInput {
            setting,
            kv_system: flags.0.then_some(system),
            users,
            tokens_per_second_per_user: rate,
            batches: vec![8, 1, 8, u32::MAX],
            grid: rackplan_first_order::Grid::default(),
            racks: if flags.1 { RackCount::Exactly(racks) } else { RackCount::UpTo(racks) },
            prefer_utilization: flags.2,
            arrivals: None,
        };
        if let Some(sizing) = size(&input) {
            prop_assert!(flags.1 || sizing.users_lacking() == 0);
            prop_assert!(sizing.active_instances <= sizing.plan.instances);
            let names = Names { model: "m", rack: "r", quant_bits: 8, kv_system: flags.0.then_some("k") };
            let printed = summary(&input, &sizing, &names, None);
            prop_assert!(printed.rows.iter().all(|(_, text)| !text.contains("NaN")), "{:?}", printed.rows);
        }
    }
}
