//! How far whole predictions were from measurements: written by `rackplan calibrate fit-bands`, never by hand.

use crate::engine::Quantiles;
use crate::{Basis, Fault, Kind, Provenance, Record};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bands of the figures of serving configurations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bands {
    /// What they are for.
    pub name: String,
    /// Other names that find it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What was compared with what.
    pub source: String,
    /// How it is known.
    pub basis: Basis,
    /// What else to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Source and basis of bands that a user replaced.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_sources: BTreeMap<String, Provenance>,
    /// Measured over predicted by figure (`ttft`, `tpot`, `throughput`) and class (`dense`, `moe`, `across`, `all`).
    pub bands: BTreeMap<String, BTreeMap<String, Quantiles>>,
}

impl Record for Bands {
    const KIND: Kind = Kind::Bands;

    fn check(&self) -> Result<(), Fault> {
        for (figure, classes) in &self.bands {
            let wrong = classes.iter().find(|(_, band)| !(0.0 < band.p10 && band.p10 <= band.p90));
            if let Some((class, band)) = wrong {
                let problem = format!("it reaches from {} to {}", band.p10, band.p90);
                let hint = "bands are written by `rackplan calibrate fit-bands`";
                return Err(Fault::new(format!("bands.{figure}.{class}"), problem).hint(hint));
            }
        }
        Ok(())
    }
}
