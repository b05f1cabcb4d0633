//! The catalog against the collected tables in `../shared/catalog`, figure by figure. Skips where they are absent.

use rackplan_catalog::{Catalog, Format, Gpu, Kind, Rack};
use rackplan_units::{BytesPerSecond, Quantity};
use std::collections::BTreeMap;
use std::path::Path;

type Row = BTreeMap<String, String>;

/// Rows whose figures do not make an entry.
const LEFT_OUT: [(&str, &str); 5] = [
    ("MI430X", "no peak is published"),
    ("MI500 (UAL256)", "only the layout of its system is known"),
    ("Rubin Ultra NVL576 Kyber", "neither link rates nor GPUs per server are published"),
    ("AMD MI500 UAL256 MegaPod", "its accelerator has no figures"),
    ("Trn3 UltraServer Gen2", "chips per server and the network beyond are not stated"),
];

/// The rows of a table, or none with a line that says so.
fn table(name: &str) -> Option<Vec<Row>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/catalog").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: shared/catalog/{name} is not here");
        return None;
    };
    let mut records = records(&text).into_iter();
    let head = records.next()?;
    Some(records.map(|cells| head.iter().cloned().zip(cells).collect()).collect())
}

/// Splits comma-separated values; cells in quotes may hold commas, line ends and doubled quotes.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut record, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                all.push(std::mem::take(&mut record));
            }
            c => cell.push(c),
        }
    }
    all
}

fn is_left_out(name: &str) -> bool {
    LEFT_OUT.iter().any(|(left_out, _)| *left_out == name)
}

/// Compares a cell in `unit` with a figure; an empty cell says nothing.
fn same<Q: Quantity>(row: &Row, column: &str, unit: f64, figure: Option<Q>) {
    let Ok(cell) = row[column].parse::<f64>() else { return };
    let figure = figure.unwrap_or_else(|| panic!("{}: {column} is {cell}, the entry has none", row["name"]));
    let relative = figure.base() / (cell * unit) - 1.0;
    assert!(relative.abs() < 1e-9, "{}: {column} is {cell}, the entry has {}", row["name"], figure.base());
}

#[test]
fn hand_quoted_cells() {
    assert_eq!(records("a,\"b, \"\"c\"\"\nd\",\r\n"), [["a", "b, \"c\"\nd", ""]]);
}

#[test]
fn val_every_accelerator_with_enough_figures_has_an_entry_with_the_same() {
    let Some(rows) = table("gpus.csv") else { return };
    assert!(rows.len() >= 35);
    for row in rows.iter().filter(|row| !is_left_out(&row["name"])) {
        let entry = Catalog::builtin().get::<Gpu>(&row["name"]).unwrap_or_else(|error| panic!("{error}"));
        compare_gpu(row, &entry.record);
    }
}

fn compare_gpu(row: &Row, gpu: &Gpu) {
    assert_eq!(row["vendor"], gpu.vendor, "{}", row["name"]);
    for (column, format) in [
        ("bf16_dense_TFLOPS", Format::Bf16),
        ("fp8_dense_TFLOPS", Format::Fp8),
        ("fp4_dense_TFLOPS", Format::Fp4),
        ("int8_dense_TOPS", Format::Int8),
    ] {
        same(row, column, 1e12, gpu.peak(format));
    }
    // Some makers count in GiB, which the column's heading does not say.
    let size: f64 = row["hbm_GB"].parse().expect("every row has a size");
    let unit = gpu.memory.capacity.get() / size;
    assert!([1e9, 1_073_741_824.0].contains(&unit), "{}: {}", row["name"], gpu.memory.capacity);
    same(row, "hbm_TBps", 1e12, Some(gpu.memory.bandwidth));
    let up = gpu.scale_up.as_ref();
    same(row, "scaleup_GBps_per_dir_per_gpu", 1e9, up.map(|up| up.bandwidth_one_way));
    if let (Some(up), Ok(domain)) = (up, row["scaleup_domain_gpus"].parse::<u32>()) {
        assert_eq!(up.domain_gpus, Some(domain), "{}", row["name"]);
        same_link(&row["scaleup_link"], &up.link);
    }
    same(
        row,
        "scaleout_nic_Gbps_per_gpu",
        1e9 / 8.0,
        gpu.scale_out.as_ref().map(|out| out.bandwidth_one_way),
    );
    let host = gpu.host_link.as_ref();
    same(row, "host_link_GBps_per_dir", 1e9, host.map(|host| host.bandwidth_one_way));
    host.inspect(|host| same_link(&row["host_link"], &host.link));
    same(row, "tdp_W", 1.0, gpu.power.as_ref().map(|power| power.max));
}

/// "NVLink 5" is `nvlink5`, "PCIe 5 x16" `pcie5_x16`, "NVLink-C2C (per superchip)" `nvlink_c2c`.
fn same_link(text: &str, id: &str) {
    let plain = |text: &str| text.to_lowercase().replace([' ', '-', '_'], "");
    let family = text.split(['(', '/']).next().expect("split gives at least one part");
    if family.starts_with("NVLink ") || family.starts_with("NVLink-") || family.starts_with("PCIe") {
        let (id, family) = (plain(id), plain(family));
        assert!(id.starts_with(&family) || family == "nvlinkbridge", "{text} is not {id}");
    }
}

#[test]
fn val_every_system_with_enough_figures_has_a_rack_with_the_same() {
    let Some(rows) = table("racks.csv") else { return };
    assert!(rows.len() >= 20);
    for row in rows.iter().filter(|row| !is_left_out(&row["name"])) {
        let entry = Catalog::builtin().get::<Rack>(&row["name"]).unwrap_or_else(|error| panic!("{error}"));
        compare_rack(row, &entry.record);
    }
}

fn compare_rack(row: &Row, rack: &Rack) {
    let name = &row["name"];
    let main_gpu = row["gpu"].split(" + ").next().expect("split gives at least one part");
    assert_eq!(Catalog::builtin().resolve(Kind::Gpus, main_gpu).as_ref(), Ok(&rack.gpu), "{name}");
    // "4 Rubin + 8 CPX": the main kind comes first.
    let first = |column: &str| row[column].split(' ').next().and_then(|count| count.parse::<u32>().ok());
    let layout = &rack.layout;
    for (column, count) in [
        ("gpus_per_server", layout.gpus_per_server),
        ("servers_per_rack", layout.servers_per_rack),
        ("gpus_per_rack", rack.gpus_per_rack()),
        ("scaleup_domain_gpus", layout.scale_up_domain_gpus),
    ] {
        assert_eq!(first(column).unwrap_or(count), count, "{name}: {column}");
    }
    let one_way =
        |link: &rackplan_catalog::RackLink| -> Option<BytesPerSecond> { Some(link.bandwidth_one_way) };
    same(row, "intra_server_GBps_per_dir_per_gpu", 1e9, one_way(&rack.links.intra_server));
    same(row, "intra_rack_GBps_per_dir_per_gpu", 1e9, one_way(&rack.links.inter_server));
    same(row, "inter_rack_GBps_per_dir_per_gpu", 1e9, one_way(&rack.links.inter_rack));
    let power = rack.power.as_ref();
    same(row, "server_power_kW_max", 1e3, power.and_then(|power| power.server_max));
    same(row, "rack_power_kW", 1e3, power.and_then(|power| power.rack));
    let host = rack.host.as_ref();
    same(row, "host_DRAM_GB_per_gpu", 1e9, host.and_then(|host| host.memory_per_gpu));
    let price = rack.price.as_ref();
    same(row, "price_usd", 1.0, price.and_then(|price| price.server.or(price.rack)));
}
