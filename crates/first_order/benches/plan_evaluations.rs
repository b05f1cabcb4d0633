//! Plan evaluations per second on one core; the bar is 1e7.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use rackplan_catalog::Catalog;
use rackplan_catalog::first_order::Presets;
use rackplan_first_order::{Grid, Layout, Mode, Setting, evaluate};

fn main() {
    divan::main();
}

fn setting(mode: Mode) -> Setting {
    let presets = Presets::read(&Catalog::builtin()).expect("the built-in presets are readable");
    let rack = presets.rack("NVIDIA GB200 NVL72").expect("a preset").record;
    Setting {
        model: presets.model("qwen3-235b-a22b").expect("a preset").record.into(),
        quantisation: presets.quantisation(4).expect("a preset").record.into(),
        gpu: presets.gpu(&rack.gpu).expect("a preset").record.into(),
        rack: rack.into(),
        mode,
    }
}

/// Layouts that the model's layers, heads and experts allow, so that most evaluations run to their end.
fn admissible(setting: &Setting, batch: u32, gpus: u64) -> Vec<Layout> {
    let grid = Grid::default();
    grid.layouts(&setting.model).filter(|layout| evaluate(setting, *layout, batch, gpus).is_ok()).collect()
}

fn evaluations(bencher: Bencher, mode: Mode, batch: u32) {
    let setting = setting(mode);
    let gpus = 8 * setting.rack.gpus();
    let plans = admissible(&setting, batch, gpus);
    bencher.counter(ItemsCount::new(plans.len())).bench_local(|| {
        for layout in &plans {
            let plan = evaluate(black_box(&setting), black_box(*layout), black_box(batch), black_box(gpus));
            black_box(&plan);
        }
    });
}

/// Decode: admissibility, memory, three ceilings, loads of every link, full result.
#[divan::bench]
fn plan_evaluations_bar_1e7_per_second(bencher: Bencher) {
    evaluations(bencher, Mode::Inference, 8);
}

/// The same in training.
#[divan::bench]
fn plan_evaluations_training(bencher: Bencher) {
    evaluations(bencher, Mode::Training, 128);
}

/// The best of the whole grid, inadmissible layouts included.
#[divan::bench]
fn best_plan_of_192_layouts(bencher: Bencher) {
    let (grid, setting) = (Grid::default(), setting(Mode::Inference));
    bencher.counter(ItemsCount::new(192_usize)).bench_local(|| grid.best_plan(black_box(&setting), 8, 576));
}
