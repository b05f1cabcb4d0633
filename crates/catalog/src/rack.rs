//! Servers and racks, and the links at each level. A "rack" is the unit that is bought and placed.

use crate::group::{at_least, group, named, names, positive, positive_if_known, ratio};
use crate::{Catalog, Fault, Gpu, Kind, LinkType, Record, Status};
use rackplan_units::{Bytes, BytesPerSecond, Dollars, Seconds, Watts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rack of servers with one kind of accelerator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rack {
    /// What people call it.
    pub name: String,
    /// Other names that find it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Id of its accelerator.
    pub gpu: String,
    /// Whether it can be had.
    pub status: Status,
    /// Whether it is only looked at when it is named, and not where every rack is: desktops, and cards whose licence keeps them
    /// out of data centres.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_name_only: bool,
    /// How its heat leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooling: Option<Cooling>,
    /// What else to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// How many of what.
    pub layout: Layout,
    /// The links by level.
    pub links: RackLinks,
    /// Electrical power.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<RackPower>,
    /// Host memory and local storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
    /// What it costs to buy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<RackPrice>,
    /// A second kind of accelerator in the same servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub companion: Option<Companion>,
}

/// How heat leaves a rack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cooling {
    /// Fans.
    Air,
    /// Cold plates.
    Liquid,
}

/// How far apart the accelerators of a group are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// In one server.
    IntraServer,
    /// In several servers of one rack.
    InterServer,
    /// In several racks.
    InterRack,
}

impl Level {
    /// Every level, the nearest first.
    pub const ALL: [Level; 3] = [Level::IntraServer, Level::InterServer, Level::InterRack];

    /// As catalog, questions and answers spell it.
    pub fn name(self) -> &'static str {
        match self {
            Level::IntraServer => "intra_server",
            Level::InterServer => "inter_server",
            Level::InterRack => "inter_rack",
        }
    }
}

/// The links by level, each as one accelerator has it. All levels inside one scale-up domain are its fabric;
/// `inter_rack` is the network beyond the rack or, where the domain is larger than the rack, beyond the domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RackLinks {
    /// Between accelerators of one server.
    pub intra_server: RackLink,
    /// Between servers of one rack.
    pub inter_server: RackLink,
    /// Between racks.
    pub inter_rack: RackLink,
}

group! {
    /// How many of what.
    Layout {
        /// Accelerators in one server or tray.
        gpus_per_server: u32,
        /// Servers in one rack.
        servers_per_rack: u32,
        /// Accelerators joined by the scale-up fabric; may be part of a rack, a rack, or many.
        scale_up_domain_gpus: u32,
    }

    /// A link as one accelerator has it.
    RackLink {
        /// Id of the link type, where one fits.
        link: Option<String>,
        /// Peak rate of one accelerator, one way.
        bandwidth_one_way: BytesPerSecond,
        /// Time of the smallest message, software included.
        latency: Seconds,
        /// Rate of all accelerators below this level over what its switches carry onwards: 3 for 3:1; 1 where nobody says.
        oversubscription: Option<f64>,
    }

    /// Electrical power.
    RackPower {
        /// The most one server or tray draws.
        server_max: Option<Watts>,
        /// What one rack draws at full load, switches included.
        rack: Option<Watts>,
        /// What its supply delivers at most.
        rack_max: Option<Watts>,
    }

    /// Host memory and local storage.
    Host {
        /// Host memory for each accelerator.
        memory_per_gpu: Option<Bytes>,
        /// Local flash for each accelerator.
        nvme_per_gpu: Option<Bytes>,
        /// Storage servers that a rack holds beside its compute.
        storage_servers_per_rack: Option<u32>,
    }

    /// What it costs to buy.
    RackPrice {
        /// One server.
        server: Option<Dollars>,
        /// One rack without the network outside it.
        rack: Option<Dollars>,
        /// One rack with its share of the network.
        rack_with_network: Option<Dollars>,
    }

    /// A second kind of accelerator in the same servers, outside the scale-up domain.
    Companion {
        /// Its id.
        gpu: String,
        /// How many in each server.
        per_server: u32,
    }
}

impl Rack {
    /// Accelerators of the main kind in one rack.
    pub fn gpus_per_rack(&self) -> u32 {
        self.layout.gpus_per_server * self.layout.servers_per_rack
    }

    /// Whether all accelerators of a rack are in one scale-up domain.
    pub fn is_one_scale_up_domain(&self) -> bool {
        self.layout.scale_up_domain_gpus >= self.gpus_per_rack()
    }

    /// The farthest level inside a tightly packed group of so many accelerators. A group that fits into a
    /// scale-up domain larger than the rack never leaves the domain's fabric.
    pub fn level_of_group(&self, gpus: u32) -> Level {
        if gpus <= self.layout.gpus_per_server {
            Level::IntraServer
        } else if gpus <= self.gpus_per_rack().max(self.layout.scale_up_domain_gpus) {
            Level::InterServer
        } else {
            Level::InterRack
        }
    }

    /// The link of a level.
    pub fn link(&self, level: Level) -> &RackLink {
        match level {
            Level::IntraServer => &self.links.intra_server,
            Level::InterServer => &self.links.inter_server,
            Level::InterRack => &self.links.inter_rack,
        }
    }

    /// The price of one rack, from its own or its servers'.
    pub fn price_of_rack(&self) -> Option<Dollars> {
        let price = self.price.as_ref()?;
        let servers = f64::from(self.layout.servers_per_rack);
        price.rack.or(price.server.map(|server| server * servers)).or(price.rack_with_network)
    }

    fn named_links(&self) -> [(&'static str, &RackLink); 3] {
        [
            ("links.intra_server", &self.links.intra_server),
            ("links.inter_server", &self.links.inter_server),
            ("links.inter_rack", &self.links.inter_rack),
        ]
    }

    fn check_power(&self) -> Result<(), Fault> {
        let Some(power) = &self.power else { return Ok(()) };
        positive_if_known("power.server_max", power.server_max)?;
        positive_if_known("power.rack", power.rack)?;
        positive_if_known("power.rack_max", power.rack_max)
    }
}

impl Record for Rack {
    const KIND: Kind = Kind::Racks;

    fn check(&self) -> Result<(), Fault> {
        named("name", &self.name)?;
        at_least("layout.gpus_per_server", self.layout.gpus_per_server, 1)?;
        at_least("layout.servers_per_rack", self.layout.servers_per_rack, 1)?;
        at_least("layout.scale_up_domain_gpus", self.layout.scale_up_domain_gpus, 1)?;
        if self.layout.gpus_per_server.checked_mul(self.layout.servers_per_rack).is_none() {
            let hint = "a rack has some hundreds of accelerators at most";
            return Err(Fault::new("layout", "it has more accelerators than can be counted").hint(hint));
        }
        for (level, link) in self.named_links() {
            positive(&format!("{level}.bandwidth_one_way"), link.bandwidth_one_way)?;
            ratio(&format!("{level}.oversubscription"), link.oversubscription.unwrap_or(1.0))?;
        }
        if let Some(host) = &self.host {
            positive_if_known("host.memory_per_gpu", host.memory_per_gpu)?;
            positive_if_known("host.nvme_per_gpu", host.nvme_per_gpu)?;
        }
        at_least("companion.per_server", self.companion.as_ref().map_or(1, |other| other.per_server), 1)?;
        self.check_power()
    }

    fn check_names(&self, catalog: &Catalog) -> Result<(), Fault> {
        names::<Gpu>(catalog, "gpu", &self.gpu)?;
        for (level, link) in self.named_links() {
            let known =
                link.link.as_deref().map(|id| names::<LinkType>(catalog, &format!("{level}.link"), id));
            known.unwrap_or(Ok(()))?;
        }
        self.companion.as_ref().map_or(Ok(()), |other| names::<Gpu>(catalog, "companion.gpu", &other.gpu))
    }
}

impl Catalog {
    /// Ids of the racks that hold an accelerator, by its id.
    pub fn racks_with(&self, gpu: &str) -> Vec<String> {
        let holds = |id: &String| {
            let table = self.table(Kind::Racks, id).ok();
            table.is_some_and(|(table, _)| table.get("gpu").and_then(toml::Value::as_str) == Some(gpu))
        };
        self.ids(Kind::Racks).into_iter().filter(holds).collect()
    }
}
