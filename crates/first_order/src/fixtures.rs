//! Settings that tests of several modules use.

use crate::inputs::{KvSystem, Mode, Setting};
use rackplan_catalog::Catalog;
use rackplan_catalog::first_order::Presets;

fn presets() -> Presets {
    Presets::read(&Catalog::builtin()).unwrap()
}

/// A setting by names.
pub(crate) fn setting(rack: &str, model: &str, bits: u32, mode: Mode) -> Setting {
    let presets = presets();
    let rack = presets.rack(rack).unwrap().record;
    Setting {
        model: presets.model(model).unwrap().record.into(),
        quantisation: presets.quantisation(bits).unwrap().record.into(),
        gpu: presets.gpu(&rack.gpu).unwrap().record.into(),
        rack: rack.into(),
        mode,
    }
}

/// Model 1 at 4 bits on GB200 racks.
pub(crate) fn qwen_on_gb200() -> Setting {
    setting("NVIDIA GB200 NVL72", "1", 4, Mode::Inference)
}

/// The KV tier of GB200 racks.
pub(crate) fn gb200_host() -> KvSystem {
    presets().kv_system("gb200_host").unwrap().record.into()
}

/// Every model and number format on every rack.
pub(crate) fn every_setting(mode: Mode) -> Vec<Setting> {
    let racks: Vec<String> = presets().racks().map(|rack| rack.id.to_owned()).collect();
    let mut settings = Vec::new();
    for rack in &racks {
        for model in ["1", "2", "3"] {
            settings.extend([4, 8, 16].map(|bits| setting(rack, model, bits, mode)));
        }
    }
    settings
}
