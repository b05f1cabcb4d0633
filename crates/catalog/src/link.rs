//! Link types by name, for racks and for what-ifs such as `--link inter_rack=400gbe`.

use crate::group::{group, named, positive, share};
use crate::{Fault, Kind, Record};
use rackplan_units::{BytesPerSecond, Seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of link, as one accelerator has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkType {
    /// What people call it.
    pub name: String,
    /// Other names that find it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What it joins.
    pub role: LinkRole,
    /// What else to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The line as printed.
    pub line: Line,
    /// What was measured on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<Reached>,
}

/// What a link joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkRole {
    /// Accelerators of one domain.
    ScaleUp,
    /// Servers and racks.
    Network,
    /// An accelerator and its host.
    Host,
}

group! {
    /// The line as printed.
    Line {
        /// Rate of one accelerator's links together, one way.
        bandwidth_one_way: BytesPerSecond,
        /// Time of the smallest message, software included.
        latency: Seconds,
    }

    /// What transfers reach of the line rate.
    Reached {
        /// Share of the line rate in large transfers, the one to plan with.
        share: f64,
        /// The least that was reported.
        share_low: Option<f64>,
        /// The most that was reported.
        share_high: Option<f64>,
    }
}

impl LinkType {
    /// The rate to plan with: the measured share of the line rate, or the line rate where nobody measured.
    pub fn bandwidth_reached(&self) -> BytesPerSecond {
        self.line.bandwidth_one_way * self.reached.as_ref().map_or(1.0, |reached| reached.share)
    }
}

impl Record for LinkType {
    const KIND: Kind = Kind::Links;

    fn check(&self) -> Result<(), Fault> {
        named("name", &self.name)?;
        positive("line.bandwidth_one_way", self.line.bandwidth_one_way)?;
        let Some(reached) = &self.reached else { return Ok(()) };
        share("reached.share", reached.share)?;
        share("reached.share_low", reached.share_low.unwrap_or(reached.share))?;
        share("reached.share_high", reached.share_high.unwrap_or(reached.share))
    }
}
