//! The catalog's presets as inputs of the method.

use crate::inputs::{Gpu, KvSystem, Link, Model, Moe, Quantisation, Rack};
use rackplan_catalog::first_order as catalog;

impl From<&catalog::Gpu> for Gpu {
    fn from(gpu: &catalog::Gpu) -> Self {
        Self {
            flops_sustained: gpu.flops_sustained,
            hbm_bandwidth: gpu.hbm_bandwidth,
            hbm_capacity: gpu.hbm_capacity,
        }
    }
}

impl From<catalog::Link> for Link {
    fn from(link: catalog::Link) -> Self {
        Self { bandwidth: link.bandwidth, latency: link.latency }
    }
}

impl From<&catalog::Rack> for Rack {
    fn from(rack: &catalog::Rack) -> Self {
        Self {
            gpus_per_server: rack.gpus_per_server,
            servers_per_rack: rack.servers_per_rack,
            intra_server: rack.intra_server.into(),
            inter_server: rack.inter_server.into(),
            inter_rack: rack.inter_rack.into(),
            storage_servers: rack.storage_servers,
            storage_server_capacity: rack.storage_server_capacity,
        }
    }
}

impl From<&catalog::Quantisation> for Quantisation {
    fn from(format: &catalog::Quantisation) -> Self {
        Self {
            weight_bytes: format.weight_bytes,
            compute_scale: format.compute_scale,
            kv_bytes_per_element: format.kv_bytes_per_element,
        }
    }
}

impl From<catalog::Moe> for Moe {
    fn from(moe: catalog::Moe) -> Self {
        Self {
            experts: moe.experts,
            active: moe.active,
            expert_fraction: moe.expert_fraction,
            shared_fraction: moe.shared_fraction,
            dispatch_factor: moe.dispatch_factor,
        }
    }
}

impl From<&catalog::Model> for Model {
    fn from(model: &catalog::Model) -> Self {
        let full_width = Model::full_width_kv_elements(model.layers, model.hidden);
        Self {
            parameters: model.parameters,
            layers: model.layers,
            hidden: model.hidden,
            heads: model.heads,
            context: model.context,
            generation: model.generation,
            kv_elements_per_token: model.kv_elements_per_token.unwrap_or(full_width),
            kv_ways: None,
            moe: model.moe.map(Moe::from),
        }
    }
}

impl From<&catalog::KvSystem> for KvSystem {
    fn from(system: &catalog::KvSystem) -> Self {
        Self {
            dram: system.dram,
            gpu_link: system.gpu_link,
            cpu_link: system.cpu_link,
            dram_link: system.dram_link,
            fabric: system.fabric,
            dma: system.dma,
        }
    }
}
