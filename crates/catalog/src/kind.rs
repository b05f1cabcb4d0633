//! The kinds of entries, which are also the folders of the catalog.

use std::fmt;

/// A kind of entry; its name is the folder below `catalog/` and the first key in an overlay file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Accelerators: peaks, memory, links, power.
    Gpus,
    /// Servers and racks built from them, and the links at each level.
    Racks,
    /// Link types by name, for what-ifs such as `--link inter_rack=400gbe`.
    Links,
    /// Model architectures.
    Models,
    /// Tiers that can hold KV cache outside HBM.
    Storage,
    /// Prices and all-in power per accelerator, and site-wide figures.
    Prices,
    /// Fitted constants of kernels, per backend and architecture.
    Engines,
    /// How serving frameworks schedule.
    Frameworks,
    /// Lengths of requests and limits on their latency, by benchmark.
    Workloads,
    /// How far predictions were from measurements.
    Bands,
    /// Factors on kernels that families without measured ones borrow.
    Loans,
    /// Constants of composed steps that no operator shows.
    Steps,
    /// Presets of the three-ceiling method, as the founding documents give them.
    FirstOrder,
}

impl Kind {
    /// Every kind, in the order in which lists print them.
    pub const ALL: [Kind; 13] = [
        Kind::Gpus,
        Kind::Racks,
        Kind::Links,
        Kind::Models,
        Kind::Storage,
        Kind::Prices,
        Kind::Engines,
        Kind::Frameworks,
        Kind::Workloads,
        Kind::Bands,
        Kind::Loans,
        Kind::Steps,
        Kind::FirstOrder,
    ];

    /// The folder and key, `gpus`.
    pub fn folder(self) -> &'static str {
        match self {
            Kind::Gpus => "gpus",
            Kind::Racks => "racks",
            Kind::Links => "links",
            Kind::Models => "models",
            Kind::Storage => "storage",
            Kind::Prices => "prices",
            Kind::Engines => "engines",
            Kind::Frameworks => "frameworks",
            Kind::Workloads => "workloads",
            Kind::Bands => "bands",
            Kind::Loans => "loans",
            Kind::Steps => "steps",
            Kind::FirstOrder => "first_order",
        }
    }

    /// One of them, for messages: `gpu`.
    pub fn singular(self) -> &'static str {
        match self {
            Kind::Gpus => "gpu",
            Kind::Racks => "rack",
            Kind::Links => "link",
            Kind::Models => "model",
            Kind::Storage => "storage tier",
            Kind::Prices => "price entry",
            Kind::Engines => "engine",
            Kind::Frameworks => "framework",
            Kind::Workloads => "workload",
            Kind::Bands => "set of bands",
            Kind::Loans => "loan",
            Kind::Steps => "set of step constants",
            Kind::FirstOrder => "first-order preset",
        }
    }

    /// From the folder name.
    pub fn from_folder(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.folder() == name)
    }

    /// The name of the file of an entry, without its ending; the inverse of [`Kind::id_of_stem`].
    pub fn stem_of_id(self, id: &str) -> String {
        match self {
            Kind::Models => id.replacen('/', "--", 1),
            _ => id.to_owned(),
        }
    }

    /// The id of the entry in file `stem`.toml. Model ids have a slash, which a file name writes as `--`.
    pub fn id_of_stem(self, stem: &str) -> String {
        match self {
            Kind::Models => stem.replacen("--", "/", 1),
            _ => stem.to_owned(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.folder())
    }
}
