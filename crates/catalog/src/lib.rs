//! What exists: accelerators, racks, links, models, KV tiers, prices; each figure with a source and a basis.
//!
//! Entries are TOML, one file each under `catalog/<kind>/<id>.toml`, embedded in the binary. User files may add
//! entries or replace fields ([`Catalog::with_overlay`]). Nothing here opens a file: texts are given.

mod error;
pub mod first_order;
mod kind;
mod lookup;
mod overlay;
mod provenance;
mod reading;
mod store;

pub use error::CatalogError;
pub use kind::Kind;
pub use overlay::{OverlayFile, OverlayUse};
pub use provenance::{Basis, FigureSource, Provenance};
pub use reading::Fault;
pub use store::{Catalog, Entry, Record};

/// Reads an entry as what its kind says it is.
fn check_as(catalog: &Catalog, kind: Kind, id: &str) -> Result<(), CatalogError> {
    match kind {
        Kind::Gpus
        | Kind::Racks
        | Kind::Links
        | Kind::Models
        | Kind::Storage
        | Kind::Prices
        | Kind::FirstOrder => catalog.table(kind, id).map(|_| ()),
    }
}
