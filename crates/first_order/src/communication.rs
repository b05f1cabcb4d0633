//! What the links carry per token, level by level, and how many tokens per second that allows.

use crate::inputs::{Link, Mode, Model, Moe, Rack, Setting};
use crate::plan::Layout;
use crate::training::{ACTIVATION_BYTES, COMMUNICATION_FACTOR, gradients, tokens_per_step};
use rackplan_units::Bytes;

/// What one instance puts on a level of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// Bytes per token.
    pub bytes_per_token: f64,
    /// Messages per token.
    pub messages_per_token: f64,
}

impl Load {
    fn scaled(self, factor: f64) -> Self {
        Self {
            bytes_per_token: self.bytes_per_token * factor,
            messages_per_token: self.messages_per_token * factor,
        }
    }

    fn add(&mut self, other: Load) {
        self.bytes_per_token += other.bytes_per_token;
        self.messages_per_token += other.messages_per_token;
    }

    /// Whether the level carries anything.
    pub fn is_some(&self) -> bool {
        self.bytes_per_token > 0.0 || self.messages_per_token > 0.0
    }
}

/// One value for each level of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Levels<T> {
    /// Between GPUs of a server.
    pub intra_server: T,
    /// Between servers of a rack.
    pub inter_server: T,
    /// Between racks.
    pub inter_rack: T,
}

impl<T> Levels<T> {
    fn at(&mut self, level: Level) -> &mut T {
        match level {
            Level::IntraServer => &mut self.intra_server,
            Level::InterServer => &mut self.inter_server,
            Level::InterRack => &mut self.inter_rack,
        }
    }
}

#[derive(Clone, Copy)]
enum Level {
    IntraServer,
    InterServer,
    InterRack,
}

/// The level that joins `gpus` GPUs.
fn level_of_gpus(gpus: u32, rack: &Rack) -> Level {
    if gpus <= rack.gpus_per_server {
        Level::IntraServer
    } else {
        level_of_servers(servers(gpus, rack), rack)
    }
}

/// The level that joins `servers` servers.
fn level_of_servers(servers: u64, rack: &Rack) -> Level {
    if servers <= u64::from(rack.servers_per_rack) { Level::InterServer } else { Level::InterRack }
}

fn servers(gpus: u32, rack: &Rack) -> u64 {
    u64::from(gpus.div_ceil(rack.gpus_per_server))
}

/// Tensor-parallel all-reduces: 4 h (L/pp) (tp - 1)/tp bytes and 2 L/pp messages per token.
///
/// `h` hidden size, `L` layers. Source: the founding documents' three-ceiling method.
pub fn tensor_parallel(model: &Model, layout: Layout) -> Load {
    let (layers, tp) = (layout.layers_per_stage(model), f64::from(layout.tp));
    let per_layer = 2.0 * f64::from(model.hidden) * ACTIVATION_BYTES;
    Load { bytes_per_token: per_layer * layers * ((tp - 1.0) / tp), messages_per_token: 2.0 * layers }
}

/// Hand-over between pipeline stages: 2 h (pp - 1) bytes and pp - 1 messages per token.
///
/// Source: the founding documents' three-ceiling method.
pub fn pipeline(model: &Model, layout: Layout) -> Load {
    let boundaries = f64::from(layout.pp) - 1.0;
    let state = f64::from(model.hidden) * ACTIVATION_BYTES;
    Load { bytes_per_token: state * boundaries, messages_per_token: boundaries }
}

/// Dispatch of tokens to experts: 2 h k d bytes and d messages per token.
///
/// `k` active experts, `d` dispatch factor. Source: the founding documents' three-ceiling method.
pub fn dispatch(model: &Model, moe: &Moe) -> Load {
    let state = f64::from(model.hidden) * ACTIVATION_BYTES;
    Load {
        bytes_per_token: state * f64::from(moe.active) * moe.dispatch_factor,
        messages_per_token: moe.dispatch_factor,
    }
}

/// Loads of an instance on every level; `data_parallel` counts the instances that share gradients.
///
/// Tensor parallelism and dispatch go over the level that joins their GPUs, the pipeline at least between servers,
/// gradients by the number of instances; an instance larger than a rack adds all but the gradients to inter-rack.
pub fn loads(
    setting: &Setting,
    layout: Layout,
    batch: u32,
    weights: Bytes,
    data_parallel: u64,
) -> Levels<Load> {
    let (model, rack) = (&setting.model, &setting.rack);
    let factor = match setting.mode {
        Mode::Inference => 1.0,
        Mode::Training => COMMUNICATION_FACTOR,
    };
    let mut loads = Levels::<Load>::default();
    let mut within = Load::default();
    let mut place = |loads: &mut Levels<Load>, level: Level, load: Load| {
        loads.at(level).add(load.scaled(factor));
        within.add(load.scaled(factor));
    };
    if layout.tp > 1 {
        place(&mut loads, level_of_gpus(layout.tp, rack), tensor_parallel(model, layout));
    }
    if layout.pp > 1 {
        let stages = servers(layout.tp, rack) * u64::from(layout.pp);
        place(&mut loads, level_of_servers(stages, rack), pipeline(model, layout));
    }
    if let Some(moe) = model.moe.filter(|_| layout.ep > 1) {
        place(&mut loads, level_of_gpus(layout.ep, rack), dispatch(model, &moe));
    }
    if setting.mode == Mode::Training && data_parallel > 1 {
        let gradients = gradients(weights, tokens_per_step(model, batch));
        loads.at(level_of_gradients(data_parallel, rack)).add(gradients);
    }
    if layout.gpus() > rack.gpus() {
        loads.inter_rack.add(within);
    }
    loads
}

/// The founding documents compare the number of instances with GPUs per server, then with servers per rack.
fn level_of_gradients(data_parallel: u64, rack: &Rack) -> Level {
    if data_parallel <= u64::from(rack.gpus_per_server) {
        Level::IntraServer
    } else {
        level_of_servers(data_parallel, rack)
    }
}

/// Tokens per second that each level allows, without efficiency; infinite where it carries nothing.
pub fn limits(loads: &Levels<Load>, rack: &Rack) -> Levels<f64> {
    Levels {
        intra_server: limit(&loads.intra_server, &rack.intra_server),
        inter_server: limit(&loads.inter_server, &rack.inter_server),
        inter_rack: limit(&loads.inter_rack, &rack.inter_rack),
    }
}

/// 1 / (bytes/token / bandwidth + messages/token · latency), in tokens per second.
///
/// Source: the founding documents' three-ceiling method.
pub fn limit(load: &Load, link: &Link) -> f64 {
    if !load.is_some() {
        return f64::INFINITY;
    }
    1.0 / (load.bytes_per_token / link.bandwidth.get() + load.messages_per_token * link.latency.get())
}
