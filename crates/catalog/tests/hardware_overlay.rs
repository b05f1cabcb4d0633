//! Users' files over the hardware half: what they change, and what is said of mistakes.

use rackplan_catalog::{Basis, Catalog, CatalogError, Gpu, Kind, OverlayFile, Rack};
use rackplan_units::Bytes;

fn file(name: &str, text: &str) -> OverlayFile {
    OverlayFile { shown: format!("rackplan.d/{name}"), relative: name.to_owned(), text: text.to_owned() }
}

fn lay(text: &str) -> Result<Catalog, CatalogError> {
    Catalog::builtin().with_overlay(&[file("site.toml", text)])
}

fn basis(catalog: &Catalog, kind: Kind, id: &str, figure: &str) -> Basis {
    let sources = catalog.sources(kind, id).expect("the entry exists");
    sources.iter().find(|source| source.figure == figure).unwrap_or_else(|| panic!("no {figure}")).basis
}

#[test]
fn hand_a_field_of_ones_own_is_the_users_and_its_neighbours_are_not() {
    let catalog = lay("[gpus.h200_sxm.memory]\ncapacity = \"282 GB\"\n").unwrap();
    let entry = catalog.get::<Gpu>("h200_sxm").unwrap();
    assert_eq!(entry.record.memory.capacity, Bytes::new(282e9));
    assert_eq!(entry.overlays[0].file, "rackplan.d/site.toml");
    assert_eq!(entry.overlays[0].fields, ["memory.capacity"]);
    assert_eq!(basis(&catalog, Kind::Gpus, "h200_sxm", "memory.capacity"), Basis::User);
    assert_eq!(basis(&catalog, Kind::Gpus, "h200_sxm", "memory.bandwidth"), Basis::Datasheet);
}

#[test]
fn hand_one_peak_of_several_is_the_users() {
    let catalog = lay("[gpus.h200_sxm.compute.dense]\nbf16 = \"800 TFLOP/s\"\n").unwrap();
    assert_eq!(basis(&catalog, Kind::Gpus, "h200_sxm", "compute.dense.bf16"), Basis::User);
    assert_eq!(basis(&catalog, Kind::Gpus, "h200_sxm", "compute.dense.fp8"), Basis::Datasheet);
}

#[test]
fn hand_a_user_may_name_a_source() {
    let text =
        "[racks.h100_hgx.price]\nserver = \"200 kUSD\"\nsource = \"offer of 2026-10\"\nbasis = \"user\"\n";
    let catalog = lay(text).unwrap();
    let sources = catalog.sources(Kind::Racks, "h100_hgx").unwrap();
    let price = sources.iter().find(|source| source.figure == "price.server").unwrap();
    assert_eq!((price.value.as_str(), price.source.as_str()), ("200 kUSD", "offer of 2026-10"));
}

#[test]
fn hand_a_rack_of_ones_own_in_a_file_of_its_own() {
    let link = |level: &str| {
        format!(
            "[links.{level}]\nbandwidth_one_way = \"900 GB/s\"\nlatency = \"3 us\"\nsource = \"lab\"\nbasis = \"user\"\n"
        )
    };
    let text = "name = \"Lab\"\ngpu = \"b200_sxm\"\nstatus = \"shipping\"\n[layout]\ngpus_per_server = 8\n\
                servers_per_rack = 1\nscale_up_domain_gpus = 8\nsource = \"lab\"\nbasis = \"user\"\n"
        .to_owned()
        + &["intra_server", "inter_server", "inter_rack"].map(link).concat();
    let catalog = Catalog::builtin().with_overlay(&[file("racks/lab.toml", &text)]).unwrap();
    assert!(catalog.get::<Rack>("lab").unwrap().record.is_one_scale_up_domain());
    assert!(catalog.racks_with("b200_sxm").contains(&"lab".to_owned()));
}

/// What is wrong, the beginning of the message, and a word of the hint.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "[gpus.h200_sxm.memory]\nbandwidth = \"-4.8 TB/s\"",
        "gpu `h200_sxm`: memory.bandwidth: `-4.8 TB/s` is not",
        "4.8 TB/s",
    ),
    (
        "[gpus.h200_sxm.memory]\nbandwidth = \"0 TB/s\"",
        "gpu `h200_sxm`: memory.bandwidth: it is zero",
        "write e.g.",
    ),
    (
        "[gpus.h200_sxm.memory]\nbandwidth = \"NaN TB/s\"",
        "gpu `h200_sxm`: memory.bandwidth: `NaN TB/s` does",
        "a rate",
    ),
    ("[gpus.h200_sxm.memory]\nbandwidth = nan", "gpu `h200_sxm`: memory.bandwidth: `NaN` does", "a rate"),
    (
        "[gpus.h200_sxm.memory]\nbandwidth = 4800",
        "gpu `h200_sxm`: memory.bandwidth: `4800` has no unit",
        "a rate",
    ),
    (
        "[gpus.h200_sxm.memory]\nbandwidth = \"4.8 TB\"",
        "gpu `h200_sxm`: memory.bandwidth: `4.8 TB` is a size",
        "a rate",
    ),
    ("[gpus.h200_sxm.memory]\nbandwidth = true", "gpu `h200_sxm`: memory.bandwidth: it is `true`", "a rate"),
    (
        "[gpus.h200_sxm.memory]\nbandwith = \"4.8 TB/s\"",
        "gpu `h200_sxm`: memory.bandwith: unknown key",
        "`bandwidth`",
    ),
    (
        "[gpus.h200_sxm.compute.dense]\nfp16 = \"1 PFLOP/s\"",
        "gpu `h200_sxm`: compute.dense: unknown key `fp16`",
        "bf16",
    ),
    (
        "[gpus.h200_sxm.effective.gemm.shares]\nbf16 = 95",
        "gpu `h200_sxm`: effective.gemm.shares: 95 is no share",
        "at most 1.2",
    ),
    ("[gpus.h200_sxm]\nmemory = \"141 GB\"", "gpu `h200_sxm`: memory: it is the text", "a table"),
    ("[gpus.h200_sxm]\narchitecture = \"hoper\"", "gpu `h200_sxm`: architecture: unknown", "`hopper`"),
    (
        "[gpus.h200_sxm.scale_up]\nlink = \"nvlink44\"",
        "gpu `h200_sxm`: scale_up.link: no link has the id",
        "nvlink4",
    ),
    ("[gpus.H200.memory]\ncapacity = \"1 TB\"", "gpu `H200`: ", "did you mean `h200_sxm`"),
    ("[gpus.mine.memory]\ncapacity = \"1 TB\"", "gpu `mine`: ", "new entry"),
    (
        "[racks.h100_hgx]\ngpu = \"h100_sxmm\"",
        "rack `h100_hgx`: gpu: no gpu has the id `h100_sxmm`",
        "h100_sxm",
    ),
    (
        "[racks.h100_hgx]\ngpu = \"H100\"",
        "rack `h100_hgx`: gpu: no gpu has the id `H100`",
        "write its id, `h100_sxm`",
    ),
    (
        "[racks.h100_hgx.layout]\ngpus_per_server = 0",
        "rack `h100_hgx`: layout.gpus_per_server: it is 0",
        "1 or more",
    ),
    (
        "[racks.h100_hgx.layout]\ngpus_per_server = -8",
        "rack `h100_hgx`: layout.gpus_per_server: it is the number `-8`",
        "whole",
    ),
    (
        "[racks.h100_hgx.layout]\ngpus_per_server = \"8\"",
        "rack `h100_hgx`: layout.gpus_per_server: it is the text",
        "whole",
    ),
    (
        "[racks.h100_hgx.layout]\ngpus_per_server = 4294967295",
        "rack `h100_hgx`: layout: it has more",
        "hundreds",
    ),
    ("[links.400gbe.reached]\nshare = 1.5", "link `400gbe`: reached.share: 1.5 is no share", "0.8"),
    ("[links.400gbe.reached]\nshare = \"most\"", "link `400gbe`: reached.share: it is the text", "a number"),
    ("[links.ib_xdr.reached]\nshare = 0.9", "link `ib_xdr`: reached: `source` is missing", "who states"),
    ("[prices.site.pue]\nplanned = 0.9", "price entry `site`: pue.planned: 0.9 is no PUE", "1.15"),
    (
        "[prices.gb200.pue]\nplanned = 1.2\nsource = \"x\"\nbasis = \"user\"",
        "price entry `gb200`: groups",
        "site",
    ),
    (
        "[storage.remote_3fs.bandwidth.per_rack]\nread = \"1 GB/s\"",
        "storage tier `remote_3fs`: bandwidth: unknown key `per_rack`",
        "per_server",
    ),
    (
        "[gpus.h200_sxm.memory]\ncapacity = \"1 GB\"\ncapacity = \"2 GB\"",
        "line 3, column 1: duplicate key",
        "overlay files",
    ),
    ("[gpus.h200_sxm", "line 1, column 15: unclosed", "overlay files"),
    ("[prices.site.draw]\ninference_low = -0.1", "price entry `site`: draw: -0.1 is no share", "above 0"),
    ("[racks.gb200_nvl72]\nstatus = \"sold_out\"", "rack `gb200_nvl72`: status: unknown word", "shipping"),
    (
        "[racks.gb200_nvl72.links]\ninter_rack = \"400gbe\"",
        "rack `gb200_nvl72`: links.inter_rack: it is",
        "table",
    ),
    ("gpus = 5", "`gpus` is a single value", "[gpus.<id>]"),
    ("[gpus]\nh200_sxm = 5", "`gpus.h200_sxm` is a single value", "table"),
    ("[gpu.h200_sxm]\nname = \"x\"", "`gpu` is no kind of catalog entry", "gpus"),
];

#[test]
fn hand_mistakes_name_file_entry_field_and_a_way_out() {
    let mut bad: Vec<String> = Vec::new();
    for (text, message, hint) in MISTAKES {
        let Err(error) = lay(text) else { panic!("accepted:\n{text}") };
        let (shown, advice) = (error.to_string(), error.hint().unwrap_or_default());
        println!("error: {shown}\nhint: {advice}\n");
        let good = shown.starts_with(&format!("rackplan.d/site.toml: {message}")) && advice.contains(hint);
        bad.extend((!good).then(|| format!("{text}\nerror: {shown}\nhint: {advice}")));
    }
    assert!(bad.is_empty(), "{}", bad.join("\n\n"));
}

#[test]
fn hand_the_file_that_holds_the_mistake_is_named() {
    let files = [
        file("a.toml", "[gpus.h200_sxm.memory]\nbandwidth = \"4.8 TB\""),
        file("b.toml", "[gpus.h200_sxm]\nname = \"H200 of ours\""),
    ];
    let error = Catalog::builtin().with_overlay(&files).unwrap_err();
    assert!(error.to_string().starts_with("rackplan.d/a.toml: gpu `h200_sxm`: memory.bandwidth"), "{error}");
}
