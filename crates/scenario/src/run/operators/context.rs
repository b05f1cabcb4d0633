//! What every step of an answer looks at: the request as read, what is asked of plans, and what all machines share.

use super::asked::Asked;
use crate::QuestionError;
use crate::inputs::{Machine, Request, Subject, catalog_error};
use rackplan_catalog::{Backend, Bands, Entry, Framework, Kind, Model, Price, Quantiles};
use std::collections::BTreeMap;

/// What all machines share.
#[derive(Debug)]
pub(super) struct Shared {
    /// The frameworks asked for, by name.
    pub(super) frameworks: BTreeMap<&'static str, Framework>,
    pub(super) model: Box<Entry<Model>>,
    pub(super) bands: Option<Bands>,
    /// Energy, space, failures of the site.
    pub(super) site: Option<Price>,
}

/// Everything that steps of an answer look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) shared: &'a Shared,
    pub(super) request: &'a Request<'a>,
    pub(super) asked: &'a Asked,
}

/// Id of the entry with what holds for a whole site.
pub(super) const SITE: &str = "site";

impl<'a> Context<'a> {
    /// The same for another question.
    pub(super) fn asking(self, asked: &'a Asked) -> Self {
        Self { asked, ..self }
    }

    /// The scheduler and flags of a framework.
    pub(super) fn framework(&self, backend: Backend) -> &'a Framework {
        self.shared.frameworks.get(backend.name()).expect("every framework asked for was read")
    }
}

impl Shared {
    /// The band of a figure that holds for a class, else for all: measured over predicted.
    pub(super) fn band(&self, figure: &str, class: &str) -> Option<&Quantiles> {
        let classes = self.bands.as_ref()?.bands.get(figure)?;
        classes.get(class).or_else(|| classes.get("all"))
    }

    /// Reads what the question names, and replaces founding presets by what they stand for.
    pub(super) fn new(request: &mut Request, asked: &Asked) -> Result<Self, QuestionError> {
        let catalog = &request.inputs.catalog;
        let mut frameworks = BTreeMap::new();
        for backend in &asked.backends {
            let name = backend.name();
            let framework = catalog
                .get::<Framework>(name)
                .map_err(|error| catalog_error(&request.layers.place("backend"), error))?;
            request.notes.use_entry(Kind::Frameworks, &framework.id, &framework.overlays);
            frameworks.insert(name, framework.record);
        }
        let model = real_model(request)?;
        let machines = request.machines.iter().map(|machine| real_machine(request, machine));
        request.machines = machines.collect::<Result<_, _>>()?;
        Ok(Self {
            frameworks,
            model,
            bands: catalog.get::<Bands>(crate::predict_serving::BANDS).ok().map(|entry| entry.record),
            site: catalog.get::<Price>(SITE).ok().map(|entry| entry.record),
        })
    }
}

/// The model, or the one that a founding preset stands for.
fn real_model(request: &mut Request) -> Result<Box<Entry<Model>>, QuestionError> {
    let preset = match &request.subject {
        Subject::Real(entry) => return Ok(entry.clone()),
        Subject::Founding { preset } => preset,
    };
    let place = request.layers.place("model");
    let Some(id) = &preset.stands_for else {
        let error = QuestionError::value(
            place,
            format!("`{}` is a founding preset, which no real model has", preset.name),
        );
        return Err(error.with_hint("name a model of the catalog; or `--method first-order`"));
    };
    let entry = request.inputs.catalog.get::<Model>(id).map_err(|error| catalog_error(&place, error))?;
    request.notes.use_entry(Kind::Models, &entry.id, &entry.overlays);
    request.subject = Subject::Real(Box::new(entry.clone()));
    Ok(Box::new(entry))
}

/// The machine, or the one that a founding preset stands for.
fn real_machine(request: &Request, machine: &Machine) -> Result<Machine, QuestionError> {
    let Machine::Founding(founding) = machine else { return Ok(machine.clone()) };
    let (place, catalog) = (request.layers.place("hardware"), &request.inputs.catalog);
    let Some(id) = &founding.rack.stands_for else {
        let name = &founding.rack.name;
        let error =
            QuestionError::value(place, format!("`{name}` is a founding preset, which no real rack has"));
        return Err(error.with_hint("name a rack of the catalog; or `--method first-order`"));
    };
    let rack = catalog.get(id).map_err(|error| catalog_error(&place, error))?;
    Machine::of_rack(rack, catalog).map_err(|error| catalog_error(&place, error))
}
