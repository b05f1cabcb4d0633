//! The cluster diagram: racks of servers, GPUs by role, and the three levels of links with their load.

mod cluster;
mod fold;
mod links;
mod rack;
mod server;
mod shape;

use self::cluster::{draw_racks, gutter, measured};
use self::fold::{ROLES, Role, Roles, Run};
use self::links::draw_table;
use self::server::shows_shades;
use super::canvas::{Canvas, Described};
use super::drawable_width;
use super::frame::{Key, MARGIN, Stroke, heading, legend};
use super::number::{Format, grouped};
use super::theme::{Ink, Theme};

/// A cluster to draw. GPUs fill the racks from the first on: active ones, then spares, then idle ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterDiagram {
    /// Says what is seen; may be empty.
    pub title: String,
    /// The kind of rack, for instance `NVIDIA GB200 NVL72`.
    pub rack_name: String,
    /// Racks in all.
    pub racks: u32,
    /// GPU servers (or trays) of a rack.
    pub servers_per_rack: u32,
    /// GPUs of a server.
    pub gpus_per_server: u32,
    /// Storage servers of a rack.
    pub storage_servers_per_rack: u32,
    /// Control servers of a rack.
    pub control_servers_per_rack: u32,
    /// GPUs that run instances.
    pub active_gpus: u64,
    /// GPUs held back for failures.
    pub spare_gpus: u64,
    /// GPUs left over.
    pub idle_gpus: u64,
    /// GPUs of one instance; its neighbours are shaded differently. 0 for no shading.
    pub gpus_per_instance: u32,
    /// The links, at best one per level.
    pub links: Vec<LinkLoad>,
}

/// Which servers a link connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkLevel {
    /// The GPUs of one server.
    IntraServer,
    /// The servers of one rack.
    InterServer,
    /// The racks.
    InterRack,
}

impl LinkLevel {
    fn name(self) -> &'static str {
        match self {
            LinkLevel::IntraServer => "intra-server",
            LinkLevel::InterServer => "inter-server",
            LinkLevel::InterRack => "inter-rack",
        }
    }
}

/// A link and what it carries.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkLoad {
    /// What it connects.
    pub level: LinkLevel,
    /// What it is, for instance `NVLink 5`.
    pub name: String,
    /// What it can carry in one direction.
    pub bandwidth_bytes_per_s: f64,
    /// What it carries.
    pub load_bytes_per_s: f64,
    /// Load over bandwidth, counted as the caller counts it.
    pub utilization: f64,
}

/// Categories of the palette that storage and control servers are drawn in.
const STORAGE: usize = 2;
const CONTROL: usize = 3;

impl ClusterDiagram {
    /// The diagram as a self-contained SVG of about this width in pixels.
    pub fn to_svg(&self, theme: Theme, width: f64) -> String {
        let width = drawable_width(width);
        let inner = width - 2.0 * MARGIN;
        let room = inner - gutter(self);
        let racks = measured(self, room);
        let arithmetic = self.arithmetic(racks.iter().any(|rack| shows_shades(self, rack)));
        let mut canvas = Canvas::new(theme);
        let top = heading(&mut canvas, &self.title, &arithmetic, MARGIN, inner, MARGIN - 4.0);
        let top = legend(&mut canvas, &self.legend(), MARGIN, inner, top);
        let top = draw_racks(&mut canvas, self, &racks, room, top + 6.0);
        let bottom = draw_table(&mut canvas, &self.links, MARGIN, inner, top);
        let description = format!("{arithmetic} {}", self.told_links());
        let told = Described { title: &self.title, description: &description };
        canvas.finish(width, bottom + MARGIN - 4.0, &told)
    }

    fn gpus_per_rack(&self) -> u64 {
        u64::from(self.servers_per_rack) * u64::from(self.gpus_per_server)
    }

    fn slots(&self) -> u64 {
        self.gpus_per_rack().saturating_mul(u64::from(self.racks))
    }

    fn held(&self) -> Roles {
        [self.active_gpus, self.spare_gpus, self.idle_gpus, 0]
    }

    fn gpus(&self) -> u64 {
        self.held().into_iter().fold(0, u64::saturating_add)
    }

    /// The sentence of numbers under the title.
    fn arithmetic(&self, shaded: bool) -> String {
        let mut text = format!(
            "{} × {} × {} = {}",
            plural(self.racks.into(), "rack"),
            plural(self.servers_per_rack.into(), "server"),
            plural(self.gpus_per_server.into(), "GPU"),
            plural(self.slots(), "GPU")
        );
        if !self.rack_name.is_empty() {
            text = format!("{}: {text}", self.rack_name);
        }
        if self.gpus_per_instance > 0 {
            text += &format!("; one instance spans {}", plural(self.gpus_per_instance.into(), "GPU"));
            text += if shaded { ", shades alternate by instance" } else { "" };
        }
        let missing = self.gpus().saturating_sub(self.slots());
        if missing > 0 {
            text += &format!("; no slot for {}", plural(missing, "GPU"));
        }
        text + "."
    }

    fn legend(&self) -> Vec<(Key, String)> {
        let empty = self.slots().saturating_sub(self.gpus());
        let counts = [self.active_gpus, self.spare_gpus, self.idle_gpus, empty];
        let shown = |(role, count): &(Role, u64)| *count > 0 || *role == Role::Active;
        let gpus = ROLES.into_iter().zip(counts).filter(shown).map(|(role, count)| {
            let noun = if role == Role::Empty { "GPU slot" } else { "GPU" };
            (role_key(role), plural(count, &format!("{} {noun}", role.name())))
        });
        let others = [
            (self.storage_servers_per_rack, STORAGE, "storage server"),
            (self.control_servers_per_rack, CONTROL, "control server"),
        ];
        let servers = others.into_iter().filter(|(per_rack, ..)| *per_rack > 0);
        let servers = servers.map(|(per_rack, colour, name)| {
            let count = u64::from(per_rack) * u64::from(self.racks);
            (Key::Area(Ink::Series(colour)), plural(count, name))
        });
        gpus.chain(servers).collect()
    }

    /// Whether instances in the racks of a run can be told by shade: they start at the same slot in each.
    fn shades(&self, run: &Run) -> bool {
        let aligned = self.gpus_per_rack().checked_rem(u64::from(self.gpus_per_instance));
        aligned.is_some_and(|offset| run.count == 1 || offset == 0)
    }

    /// The link of a level.
    fn link(&self, level: LinkLevel) -> Option<&LinkLoad> {
        self.links.iter().find(|link| link.level == level)
    }

    fn told_links(&self) -> String {
        let told = self.links.iter().map(|link| {
            let load = Format::Si.value(finite(link.load_bytes_per_s), "B/s");
            let used = links::utilization(link);
            format!("The {} link {} carries {load}, {used}.", link.level.name(), link.name)
        });
        told.collect::<Vec<_>>().join(" ")
    }
}

fn role_key(role: Role) -> Key {
    match role {
        Role::Active => Key::Area(Ink::Series(0)),
        Role::Spare => Key::Outline(Ink::Series(0), Stroke::Solid),
        Role::Idle => Key::Area(Ink::Idle),
        Role::Empty => Key::Outline(Ink::Axis, Stroke::Dashed),
    }
}

/// A count and what is counted.
fn plural(count: u64, one: &str) -> String {
    format!("{} {one}{}", grouped(count), if count == 1 { "" } else { "s" })
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}
