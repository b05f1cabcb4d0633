//! What all groups of figures share: where they come from, and the checks of their ranges.

use crate::{Catalog, Fault, Record};
use rackplan_units::Quantity;

/// Declares a group of figures: a table of an entry that names one source and one basis.
macro_rules! group {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $kind,)+
            /// Who says so.
            pub source: String,
            /// How they know.
            pub basis: $crate::Basis,
            /// What other sources say, and what else to know about the figures.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub notes: Option<String>,
            /// Figures of this group that rest on something else, by their key.
            #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
            pub other_sources: std::collections::BTreeMap<String, $crate::Provenance>,
        }
    )+};
}
pub(crate) use group;

/// A quantity that must be more than zero.
pub(crate) fn positive<Q: Quantity>(field: &str, quantity: Q) -> Result<(), Fault> {
    if quantity.base() > 0.0 {
        return Ok(());
    }
    let problem = format!("it is zero, and {} must be more than that", Q::DIMENSION);
    Err(Fault::new(field, problem).hint(format!("write e.g. `{}`", Q::EXAMPLE)))
}

/// The same for a figure that may be absent.
pub(crate) fn positive_if_known<Q: Quantity>(field: &str, quantity: Option<Q>) -> Result<(), Fault> {
    let hint = "leave the key out where the figure is not known";
    quantity.map_or(Ok(()), |quantity| positive(field, quantity).map_err(|fault| fault.hint(hint)))
}

/// A count that must be at least `least`.
pub(crate) fn at_least(field: &str, count: u32, least: u32) -> Result<(), Fault> {
    if count >= least {
        return Ok(());
    }
    Err(Fault::new(field, format!("it is {count}, which is too few")).hint(format!("write {least} or more")))
}

/// More over less, such as 3 for an oversubscription of 3:1.
pub(crate) fn ratio(field: &str, ratio: f64) -> Result<(), Fault> {
    if ratio >= 1.0 && ratio.is_finite() {
        return Ok(());
    }
    Err(Fault::new(field, format!("{ratio} is less than 1:1"))
        .hint("write a number of at least 1, e.g. `3` for 3:1"))
}

/// A share: above zero, and at most 1.2 because short benchmarks run above the nominal clock.
pub(crate) fn share(field: &str, share: f64) -> Result<(), Fault> {
    if share > 0.0 && share <= 1.2 {
        return Ok(());
    }
    let problem = format!("{share} is no share of a peak");
    Err(Fault::new(field, problem).hint("write a number above 0 and at most 1.2, e.g. `0.8`"))
}

/// A name that must not be empty.
pub(crate) fn named(field: &str, name: &str) -> Result<(), Fault> {
    if name.trim().is_empty() {
        return Err(Fault::new(field, "it is empty").hint("write what people call it"));
    }
    Ok(())
}

/// An id of another entry, which must exist.
pub(crate) fn names<R: Record>(catalog: &Catalog, field: &str, id: &str) -> Result<(), Fault> {
    if catalog.has(R::KIND, id) {
        return Ok(());
    }
    let hint = match catalog.resolve(R::KIND, id) {
        Ok(id) => Some(format!("write its id, `{id}`")),
        Err(error) => error.hint(),
    };
    Err(Fault {
        field: field.to_owned(),
        problem: format!("no {} has the id `{id}`", R::KIND.singular()),
        hint,
    })
}
