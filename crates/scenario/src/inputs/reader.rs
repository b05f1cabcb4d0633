//! Reads what a question names: machines, number formats, links, and what is taken where nothing is named.

use super::demand::check_range;
use super::format::{Quant, WeightFormat};
use super::machine::link_of;
use super::model::catalog_error;
use super::request::{Defaults, LinkChange, Oversubscribed};
use super::{Inputs, Machine, Notes, Subject};
use crate::QuestionError;
use crate::layers::Layers;
use crate::question::Question;
use rackplan_catalog::first_order::Presets;
use rackplan_catalog::{Catalog, CatalogError, Kind, LinkType, Rack};

/// The first rack of the founding documents, and the real one that it stands for.
const FOUNDING_RACK: &str = "NVIDIA GB200 NVL72";
const RACK: &str = "gb200_nvl72";
/// The founding documents' widths of a weight.
const EVERY_WIDTH: [u32; 3] = [16, 8, 4];
/// Head nodes of a rack, where nobody says.
const CONTROL_SERVERS: u64 = 1;

/// The highest oversubscription that makes sense; far above any network.
pub(crate) const MOST_OVERSUBSCRIBED: f64 = 1000.0;

/// Reads what names things.
pub(super) struct Reader<'a> {
    pub(super) question: &'a Question,
    pub(super) layers: &'a Layers,
    pub(super) inputs: &'a Inputs,
    pub(super) presets: &'a Presets,
    pub(super) subject: &'a Subject,
    pub(super) defaults: Defaults,
}

impl Reader<'_> {
    pub(super) fn machines(&self, notes: &mut Notes) -> Result<Vec<Machine>, QuestionError> {
        let place = self.layers.place("hardware");
        let find = |name: &str| Machine::find(name, self.inputs, self.presets, &place);
        let Some(names) = &self.question.hardware else {
            return match self.subject {
                Subject::Founding { .. } if self.defaults.all => {
                    notes.assume(
                        "hardware",
                        "all",
                        "every founding rack, as in the founding documents' tables",
                    );
                    self.every_machine()
                }
                Subject::Founding { .. } => {
                    notes.assume("hardware", FOUNDING_RACK, "the founding documents' first rack");
                    Ok(vec![find(FOUNDING_RACK)?])
                }
                Subject::Real(_) => {
                    notes.assume("hardware", RACK, "the rack that the founding documents start from");
                    Ok(vec![find(RACK)?])
                }
            };
        };
        match names.0.as_slice() {
            [] => Err(QuestionError::value(place, "the list is empty")
                .with_hint("expected e.g. `gb200_nvl72`, or `all`")),
            [all] if all == "all" => self.every_machine(),
            list => list.iter().map(|name| find(name)).collect(),
        }
    }

    /// Every founding rack for a founding model; for a real one every rack of the catalog that need not be named.
    fn every_machine(&self) -> Result<Vec<Machine>, QuestionError> {
        let catalog = &self.inputs.catalog;
        let rack = |id: &String| match catalog.get::<Rack>(id) {
            Ok(entry) if entry.record.by_name_only => None,
            found => Some(found.and_then(|entry| Machine::of_rack(entry, catalog))),
        };
        match self.subject {
            Subject::Founding { .. } => Ok(self
                .presets
                .racks()
                .map(|preset| Machine::of_preset(preset.record, self.presets))
                .collect()),
            Subject::Real(_) => {
                let found: Result<_, CatalogError> =
                    catalog.ids(Kind::Racks).iter().filter_map(rack).collect();
                found.map_err(|error| catalog_error(&self.layers.place("hardware"), error))
            }
        }
    }

    pub(super) fn quants(
        &self,
        machines: &[Machine],
        notes: &mut Notes,
    ) -> Result<Vec<Quant>, QuestionError> {
        let place = self.layers.place("quant");
        let Some(names) = &self.question.quant else {
            return Ok(self.default_quants(machines, notes));
        };
        match names.0.as_slice() {
            [] => {
                Err(QuestionError::value(place, "the list is empty")
                    .with_hint("expected e.g. `fp8`, or `all`"))
            }
            [all] if all.0 == "all" => Ok(EVERY_WIDTH.map(Quant::Bits).to_vec()),
            list => list.iter().map(|name| Quant::parse(&name.0, &place)).collect(),
        }
    }

    fn default_quants(&self, machines: &[Machine], notes: &mut Notes) -> Vec<Quant> {
        if self.defaults.all {
            notes.assume("quant", "all", "16, 8 and 4 bits, as in the founding documents' tables");
            return EVERY_WIDTH.map(Quant::Bits).to_vec();
        }
        let founding = machines.iter().all(|machine| matches!(machine, Machine::Founding(_)));
        let bits = self.defaults.bits;
        let why = format!("the founding documents' default, {bits} bits");
        if founding || matches!(self.subject, Subject::Founding { .. }) {
            notes.assume("quant", bits, &why);
            return vec![Quant::Bits(bits)];
        }
        let gpu = machines[0].real_gpu().map(|gpu| &gpu.record);
        let named = self.question.model.as_ref().and_then(|name| WeightFormat::of_checkpoint(&name.0, gpu));
        let released = || WeightFormat::released(self.subject.real()?).filter(|format| format.bits() < bits);
        let (format, why) = match (named, released()) {
            (Some(named), _) => (named, "of which the model's name speaks"),
            (None, Some(released)) => (released, "as the model is released"),
            (None, None) => (WeightFormat::of_bits(bits, gpu), why.as_str()),
        };
        notes.assume("quant", format.name(), why);
        vec![Quant::Format(format)]
    }

    /// Head nodes of a rack. Too small a matter for the list of assumptions: they only show in the diagram.
    pub(super) fn control_servers(&self) -> Result<u64, QuestionError> {
        let count = self.question.limits.control_servers_per_rack.map_or(CONTROL_SERVERS, |count| count.0);
        check_range(self.layers, "limits.control_servers_per_rack", count, 0, 1000)?;
        Ok(count)
    }

    pub(super) fn links(&self) -> Result<Vec<LinkChange>, QuestionError> {
        read_links(self.question, self.layers, &self.inputs.catalog)
    }
}

/// `inter_rack=3` and the like.
pub(crate) fn read_oversubscription(
    question: &Question,
    layers: &Layers,
) -> Result<Vec<Oversubscribed>, QuestionError> {
    let place = layers.place("oversubscription");
    let bad = |problem: String, hint: &str| QuestionError::value(&place, problem).with_hint(hint);
    let read = |text: &String| {
        let (level, ratio) = text.split_once('=').ok_or_else(|| {
            bad(format!("`{text}` is not LEVEL=RATIO"), "e.g. `inter_rack=3` for 3:1 between racks")
        })?;
        if !["inter_server", "inter_rack"].contains(&level) {
            let problem = format!("`{level}` is no level that can be oversubscribed");
            return Err(bad(problem, "expected inter_server or inter_rack"));
        }
        match ratio.parse::<f64>() {
            Ok(ratio) if (1.0..=MOST_OVERSUBSCRIBED).contains(&ratio) => {
                Ok(Oversubscribed { level: level.to_owned(), ratio })
            }
            _ => Err(bad(
                format!("`{ratio}` is no ratio of {level}"),
                "expected a number from 1 to 1000, e.g. `inter_rack=3` for 3:1",
            )),
        }
    };
    question.oversubscription.iter().flat_map(|list| &list.0).map(read).collect()
}

/// `inter_rack=400gbe` and the like.
pub(crate) fn read_links(
    question: &Question,
    layers: &Layers,
    catalog: &Catalog,
) -> Result<Vec<LinkChange>, QuestionError> {
    let place = layers.place("links");
    let read = |text: &String| {
        let (level, name) = text.split_once('=').ok_or_else(|| {
            let error = QuestionError::value(&place, format!("`{text}` is not LEVEL=LINK"));
            error.with_hint("e.g. `inter_rack=400gbe` or `all=400gbe`")
        })?;
        if !["all", "intra_server", "inter_server", "inter_rack", "kv_transfer"].contains(&level) {
            let error = QuestionError::value(&place, format!("`{level}` is no link level"));
            return Err(
                error.with_hint("expected intra_server, inter_server, inter_rack, kv_transfer or all")
            );
        }
        let entry = catalog.get::<LinkType>(name).map_err(|error| catalog_error(&place, error))?;
        Ok(LinkChange { level: level.to_owned(), id: entry.id, link: link_of(&entry.record) })
    };
    question.links.iter().flat_map(|list| &list.0).map(read).collect()
}
