//! Prices, all-in power and failure rates: per accelerator, and for a site.
//!
//! An entry with `gpu` holds groups for that accelerator, one without holds the groups of a site. The entry of an
//! accelerator has the accelerator's id.

use crate::group::{group, named, names, positive_if_known, share};
use crate::{Catalog, Fault, Gpu, Kind, Record};
use rackplan_units::{Dollars, DollarsPerJoule, DollarsPerSecond, Seconds, Watts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A price entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// What it is about.
    pub name: String,
    /// Other names that find it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Id of the accelerator; absent for a site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<String>,
    /// What else to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Accelerator: utility power with its share of server, network and cooling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_in_power: Option<AllInPower>,
    /// Accelerator: cost of owning it, per hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned: Option<Owned>,
    /// Accelerator: rent, per hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rental: Option<Rental>,
    /// Accelerator: purchase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchase: Option<Purchase>,
    /// Site: energy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub electricity: Option<Electricity>,
    /// Site: power usage effectiveness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pue: Option<Pue>,
    /// Site: rent of powered space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colocation: Option<Colocation>,
    /// Site: how often accelerators fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reliability: Option<Reliability>,
    /// Site: what servers draw of their rated power.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draw: Option<Draw>,
    /// Site: shares of the capital cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capital: Option<Capital>,
    /// Site: flash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash: Option<Flash>,
}

group! {
    /// Utility power with the share of server, network and facility.
    AllInPower {
        /// For one accelerator.
        per_gpu: Watts,
    }

    /// Total cost of owning one accelerator, everything included.
    Owned {
        /// For a hyperscaler.
        hyperscaler: Option<DollarsPerSecond>,
        /// For a smaller cloud, which pays more for capital.
        neocloud: Option<DollarsPerSecond>,
    }

    /// Rent of one accelerator.
    Rental {
        /// On a contract of three years.
        three_years: Option<DollarsPerSecond>,
        /// On demand: middle of the market.
        on_demand: Option<DollarsPerSecond>,
        /// On demand: the cheapest offer seen.
        on_demand_low: Option<DollarsPerSecond>,
        /// On demand: the dearest offer seen.
        on_demand_high: Option<DollarsPerSecond>,
    }

    /// Purchase of one accelerator.
    Purchase {
        /// The part alone.
        street: Option<Dollars>,
        /// With its share of server, network and storage, without buildings.
        cluster: Option<Dollars>,
    }

    /// Energy.
    Electricity {
        /// The price to plan with.
        price: DollarsPerJoule,
        /// Low end.
        low: Option<DollarsPerJoule>,
        /// High end.
        high: Option<DollarsPerJoule>,
    }

    /// Power usage effectiveness: facility power over IT power.
    Pue {
        /// The value to plan with: a new, liquid-cooled hall.
        planned: f64,
        /// Low end of new halls.
        low: Option<f64>,
        /// High end of new halls.
        high: Option<f64>,
        /// Average over all surveyed data centres, old ones included.
        industry: Option<f64>,
    }

    /// Rent of powered space.
    Colocation {
        /// For one kilowatt of IT power, reserved.
        per_kilowatt: DollarsPerSecond,
        /// Low end.
        low: Option<DollarsPerSecond>,
        /// High end.
        high: Option<DollarsPerSecond>,
    }

    /// Mean time between failures of one accelerator.
    Reliability {
        /// From whatever cause, as a job sees it.
        mtbf_all_causes: Seconds,
        /// From the accelerator itself.
        mtbf_gpu: Option<Seconds>,
    }

    /// What a server draws, as a share of its rated power.
    Draw {
        /// Serving, steady.
        inference: f64,
        /// Serving, low end.
        inference_low: Option<f64>,
        /// Serving, high end.
        inference_high: Option<f64>,
        /// Training, mean.
        training: Option<f64>,
        /// Training, the most seen.
        training_max: Option<f64>,
    }

    /// Shares of the capital cost of a data centre.
    Capital {
        /// Network.
        network_share: f64,
        /// Accelerators.
        gpu_share: Option<f64>,
    }

    /// Flash.
    Flash {
        /// Price of one terabyte.
        per_terabyte: Dollars,
        /// Low end.
        low: Option<Dollars>,
        /// High end.
        high: Option<Dollars>,
    }
}

impl Price {
    fn has_gpu_groups(&self) -> bool {
        self.all_in_power.is_some()
            || self.owned.is_some()
            || self.rental.is_some()
            || self.purchase.is_some()
    }

    fn has_site_groups(&self) -> bool {
        let others = self.draw.is_some() || self.capital.is_some() || self.flash.is_some();
        let space = self.electricity.is_some() || self.pue.is_some() || self.colocation.is_some();
        others || space || self.reliability.is_some()
    }

    fn check_shape(&self) -> Result<(), Fault> {
        let (problem, hint) = match (&self.gpu, self.has_gpu_groups(), self.has_site_groups()) {
            (Some(_), _, true) => {
                ("groups of a site stand in the entry of an accelerator", "move them to `site`")
            }
            (None, true, _) => ("prices of an accelerator do not say which", "add `gpu = \"...\"`"),
            (_, false, false) => ("it holds no price", "see `rackplan catalog schema prices`"),
            _ => return Ok(()),
        };
        Err(Fault::new("", problem).hint(hint))
    }

    fn check_shares(&self) -> Result<(), Fault> {
        let draw = self.draw.iter().flat_map(|draw| {
            let others = [draw.inference_low, draw.inference_high, draw.training, draw.training_max];
            others.into_iter().flatten().chain([draw.inference])
        });
        draw.into_iter().try_for_each(|value| share("draw", value))?;
        let capital =
            self.capital.iter().flat_map(|part| part.gpu_share.into_iter().chain([part.network_share]));
        capital.into_iter().try_for_each(|value| share("capital", value))
    }

    fn check_pue(&self) -> Result<(), Fault> {
        let Some(pue) = &self.pue else { return Ok(()) };
        let hint = "it is facility power over IT power, from 1 up, e.g. `1.15`";
        let values = [
            ("planned", Some(pue.planned)),
            ("low", pue.low),
            ("high", pue.high),
            ("industry", pue.industry),
        ];
        match values.into_iter().find(|(_, value)| value.is_some_and(|value| !(1.0..=10.0).contains(&value)))
        {
            Some((key, value)) => {
                let problem = format!("{} is no PUE", value.unwrap_or_default());
                Err(Fault::new(format!("pue.{key}"), problem).hint(hint))
            }
            None => Ok(()),
        }
    }
}

impl Record for Price {
    const KIND: Kind = Kind::Prices;

    fn check(&self) -> Result<(), Fault> {
        named("name", &self.name)?;
        self.check_shape()?;
        positive_if_known("all_in_power.per_gpu", self.all_in_power.as_ref().map(|power| power.per_gpu))?;
        let reliability = self.reliability.as_ref();
        positive_if_known("reliability.mtbf_all_causes", reliability.map(|rate| rate.mtbf_all_causes))?;
        self.check_shares()?;
        self.check_pue()
    }

    fn check_names(&self, catalog: &Catalog) -> Result<(), Fault> {
        self.gpu.as_ref().map_or(Ok(()), |gpu| names::<Gpu>(catalog, "gpu", gpu))
    }
}
