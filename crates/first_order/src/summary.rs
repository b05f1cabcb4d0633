//! A sizing as the founding script prints it: labelled rows, details, warnings, to the character.

use crate::inputs::KvPath;
use crate::kv_profile::NVME_BANDWIDTH;
use crate::plan::Plan;
use crate::sizing::{Sizing, SizingInput};
use crate::utilization::{Utilization, Utilizations, utilizations};
use rackplan_units::{Bytes, BytesPerSecond, Seconds};

/// What the founding script says when no rack count serves, for any GPU.
pub const NOT_SERVED: &str = "Unable to find a feasible GB200 configuration up to the requested rack limit.";

/// Names that rows print.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Names<'a> {
    /// The model.
    pub model: &'a str,
    /// The rack.
    pub rack: &'a str,
    /// Bits of the number format.
    pub quant_bits: u32,
    /// The KV tier, if any.
    pub kv_system: Option<&'a str>,
}

/// Arrivals as the user gave them, for their row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArrivalInputs {
    /// New users per minute.
    pub users_per_minute: f64,
    /// Mean session, in minutes.
    pub session_minutes: f64,
}

/// The printed answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Label and text of each row.
    pub rows: Vec<(String, String)>,
    /// Lines below the table.
    pub details: Vec<String>,
    /// What the cluster lacks.
    pub warnings: Vec<String>,
}

/// Words a sizing as the founding script does.
pub fn summary(
    input: &SizingInput,
    sizing: &Sizing,
    names: &Names,
    arrivals: Option<ArrivalInputs>,
) -> Summary {
    let used = utilizations(input, sizing);
    let mut rows = head(sizing, names);
    rows.extend(arrival_rows(input, arrivals));
    rows.extend(plan_rows(sizing));
    rows.extend(rack_rows(input, sizing, names));
    rows.extend(load_rows(sizing, &used));
    rows.extend(dram_rows(input, sizing, &used));
    rows.extend(nvme_rows(sizing, &used));
    Summary {
        rows: rows.into_iter().map(|(label, text)| (label.to_owned(), text)).collect(),
        details: details(input, sizing, names, &used),
        warnings: warnings(input, sizing),
    }
}

type Row = (&'static str, String);

fn head(sizing: &Sizing, names: &Names) -> Vec<Row> {
    vec![
        ("Model", names.model.to_owned()),
        ("Rack preset", names.rack.to_owned()),
        ("Quantisation", format!("{}-bit", names.quant_bits)),
        ("Users supported (capacity)", users(sizing)),
        ("KV system", names.kv_system.unwrap_or("Host DRAM / NVMe spill").to_owned()),
    ]
}

fn users(sizing: &Sizing) -> String {
    let lacking = match sizing.users_lacking() {
        0 => String::new(),
        lacking => format!(", shortfall {lacking}"),
    };
    format!("{} ({} slots{lacking})", sizing.users, sizing.slots())
}

fn arrival_rows(input: &SizingInput, inputs: Option<ArrivalInputs>) -> Vec<Row> {
    let (Some(active), Some(given)) = (input.arrivals, inputs) else { return Vec::new() };
    let (rate, session) = (given.users_per_minute, given.session_minutes);
    vec![
        (
            "Arrival model (mean/p95/max)",
            format!("{:.1} / {:.1} / {:.0}", active.mean, active.p95, active.max),
        ),
        ("Arrival inputs", format!("{rate:.2} users/min, avg session {session:.1} min")),
    ]
}

fn plan_rows(sizing: &Sizing) -> Vec<Row> {
    let layout = sizing.plan.layout;
    vec![
        ("Batch size per instance", sizing.batch.to_string()),
        ("TP x PP x EP", format!("{} x {} x {}", layout.tp, layout.pp, layout.ep)),
        ("Throughput demand / capacity", throughput(sizing)),
    ]
}

fn throughput(sizing: &Sizing) -> String {
    let lacking = sizing.tokens_per_second_lacking();
    let lacking = if lacking > 0.0 { format!(" (shortfall {lacking:.1})") } else { String::new() };
    format!("{:.1} / {:.1} tok/s{lacking}", sizing.demand, sizing.plan.tokens_per_second_total)
}

fn rack_rows(input: &SizingInput, sizing: &Sizing, names: &Names) -> Vec<Row> {
    let (rack, racks) = (&input.setting.rack, sizing.racks);
    let provisioned = racks * u64::from(rack.servers_per_rack);
    let (storage, per_rack) = (sizing.storage_servers_available, rack.storage_servers);
    let capacity = storage as f64 * terabytes(rack.storage_server_capacity);
    let outside = terabytes(sizing.kv.dram + sizing.kv.nvme);
    let batches_per_gpu = f64::from(sizing.batch) / sizing.plan.gpus_per_instance as f64;
    vec![
        ("Servers needed", format!("{} (provisioned: {provisioned})", sizing.active_servers)),
        ("Racks needed", format!("{racks} of type {}", names.rack)),
        ("Storage needed (TB)", format!("{:.2} TB KV tier", terabytes(sizing.kv.total))),
        ("Storage offloaded (TB)", format!("{outside:.2} TB outside GPU HBM")),
        ("Storage servers needed", format!("{} (available {storage})", sizing.storage_servers_needed)),
        ("Storage capacity provisioned", format!("{capacity:.1} TB @ {per_rack} per rack")),
        ("Batches per GPU", format!("{batches_per_gpu:.2}")),
        ("Networking between servers", networking(sizing).to_owned()),
    ]
}

/// The widest level of the network that carries traffic of an instance. The words are NVIDIA's for every vendor.
pub fn networking(sizing: &Sizing) -> &'static str {
    let loads = &sizing.plan.loads;
    if loads.inter_rack.is_some() {
        "Inter-rack InfiniBand / optical spine"
    } else if loads.inter_server.is_some() {
        "NVSwitch / NVLink Switch"
    } else {
        "Intra-server NVLink"
    }
}

fn load_rows(sizing: &Sizing, used: &Utilizations) -> Vec<Row> {
    let kv = &sizing.kv;
    vec![
        ("Compute util (avg / p95)", percent(used.compute)),
        ("Network util (avg / p95)", percent(used.network)),
        ("Storage util (avg / p95)", percent(used.storage)),
        (
            "KV placement (HBM / cache / NVMe)",
            format!("{} / {} / {}", gibibytes(kv.hbm), gibibytes(kv.dram), gibibytes(kv.nvme)),
        ),
    ]
}

/// Shown whenever there is a KV tier; the reload only when cache lies in it.
fn dram_rows(input: &SizingInput, sizing: &Sizing, used: &Utilizations) -> Vec<Row> {
    let Some(path) = dram_path(input) else { return Vec::new() };
    let mut rows = Vec::new();
    if sizing.kv.dram_reload > Seconds::default() {
        rows.push(("KV reload latency (cache)", reload(sizing.kv.dram_reload)));
    }
    rows.push(("KV DMA util (avg / p95)", format!("{} ({} link)", percent(used.dram), gigabytes(path))));
    rows
}

/// Shown only when cache spills to NVMe.
fn nvme_rows(sizing: &Sizing, used: &Utilizations) -> Vec<Row> {
    if sizing.kv.nvme <= Bytes::default() {
        return Vec::new();
    }
    let load = format!("{} ({} per GPU)", percent(used.nvme), gigabytes(NVME_BANDWIDTH));
    vec![("NVMe reload latency", reload(sizing.kv.nvme_reload)), ("NVMe spill util (avg / p95)", load)]
}

fn details(input: &SizingInput, sizing: &Sizing, names: &Names, used: &Utilizations) -> Vec<String> {
    let (plan, kv) = (&sizing.plan, &sizing.kv);
    let mut lines = vec![counts(input, sizing), bounds(plan)];
    if let (Some(path), Some(label)) = (dram_path(input), names.kv_system) {
        let (cached, util, path) = (gibibytes(kv.dram), 100.0 * used.dram.mean, gigabytes(path));
        lines.push(format!("KV DMA link ({label}): {cached} cached | util \u{2248} {util:.1}% of {path}"));
    }
    if kv.nvme > Bytes::default() {
        let (spilled, util, path) = (gibibytes(kv.nvme), 100.0 * used.nvme.mean, gigabytes(NVME_BANDWIDTH));
        lines.push(format!("NVMe spill: {spilled} | util \u{2248} {util:.1}% of {path} per GPU"));
    }
    lines
}

fn counts(input: &SizingInput, sizing: &Sizing) -> String {
    format!(
        "Provisioned GPUs: {} (racks {}) | Active GPUs: {} | Instances running: {}/{} | Tokens/sec capacity: {:.1}",
        sizing.racks * input.setting.rack.gpus(),
        sizing.racks,
        sizing.active_gpus,
        sizing.active_instances,
        sizing.plan.instances,
        sizing.plan.tokens_per_second_total,
    )
}

fn bounds(plan: &Plan) -> String {
    let (ceilings, efficiency) = (&plan.ceilings, plan.efficiency);
    format!(
        "Compute bound: {:.1} tok/s per instance | HBM bound: {:.1} tok/s | Comm bound: {:.1} tok/s",
        ceilings.compute * efficiency,
        ceilings.hbm * efficiency,
        ceilings.communication * efficiency,
    )
}

fn warnings(input: &SizingInput, sizing: &Sizing) -> Vec<String> {
    let mut lines = Vec::new();
    if let lacking @ 1.. = sizing.users_lacking() {
        lines.push(format!(
            "WARNING: concurrency shortfall of {lacking} users. \
             Increase rack count or reduce demand to avoid oversubscription."
        ));
    }
    let lacking = sizing.tokens_per_second_lacking();
    if lacking > 0.0 {
        lines.push(format!(
            "WARNING: throughput shortfall of {lacking:.1} tokens/sec relative to requested workload."
        ));
    }
    if let lacking @ 1.. = sizing.storage_servers_lacking() {
        let capacity = lacking as f64 * terabytes(input.setting.rack.storage_server_capacity);
        lines.push(format!(
            "WARNING: storage shortfall of {lacking} servers (~{capacity:.1} TB). \
             Add dedicated storage capacity or more racks to stay within limits."
        ));
    }
    lines
}

/// Bandwidth of the path to the KV tier, where there is one.
fn dram_path(input: &SizingInput) -> Option<BytesPerSecond> {
    let bandwidth = input.kv_system?.bandwidth(KvPath::GpuDram);
    (bandwidth > BytesPerSecond::default()).then_some(bandwidth)
}

fn percent(used: Utilization) -> String {
    format!("{:.1}% / {:.1}%", 100.0 * used.mean, 100.0 * used.p95)
}

fn reload(time: Seconds) -> String {
    format!("{:.2} ms per user swap", 1e3 * time.get())
}

fn gibibytes(size: Bytes) -> String {
    format!("{:.1} GiB", size.get() / 1_073_741_824.0)
}

fn gigabytes(bandwidth: BytesPerSecond) -> String {
    format!("{:.0} GB/s", bandwidth.get() / 1e9)
}

fn terabytes(size: Bytes) -> f64 {
    size.get() / 1e12
}
