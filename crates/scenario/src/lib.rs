//! One question in, one answer out: the shells' only way to everything below.
//!
//! A question is read once from flags, variables and files ([`Layers`]), its names are looked up in the catalog, and
//! what it does not say is assumed and listed. Nothing here opens a file or prints.

pub mod answer;
mod answer_file;
mod error;
mod inputs;
mod layers;
mod lengths;
pub mod operators;
pub mod predict_first_order;
pub mod predict_serving;
mod question;
pub mod run;
mod schema;
pub mod serving;
mod settings;
pub mod simulation;
pub mod use_case;
mod value;

pub use answer_file::AnswerFile;
pub use error::{QuestionError, check_engines};
pub use inputs::Inputs;
pub use layers::{Layers, Origin, ResolvedValue};
pub use question::{
    ClassSettings, EngineSettings, FleetSettings, Limits, Method, Mode, Objective, Phase, Question, Search,
    SimulationSettings, Swaps, Targets, Text, Workload,
};
pub use rackplan_catalog::{Catalog, CatalogError, FigureSource, Kind as CatalogKind, OverlayFile};
pub use schema::{SCHEMAS, schema};
pub use settings::{SETTINGS, Setting, settings_of};
pub use value::{Count, List, Number, Switch};

/// What the program is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Which racks, for these people.
    Size,
    /// The best plan of every rack, quantisation and batch.
    Sweep,
    /// What KV offload costs.
    Offload,
    /// Why a step of a deployment takes what it takes.
    Explain,
    /// What comes of requests that a deployment serves.
    Simulate,
}
