//! Constants that a group's own rows say nothing about: what the nearest architecture found for them.
//!
//! B200 was measured beside x86 hosts only, so that the slower launches of a Grace host are invisible there; GB300 shows
//! them on the next architecture, and GB200 needs both.

use crate::table::{FittedGroup, Key, Table};
use crate::{Operator, Sample};
use rackplan_perf::{Constants, distance};

/// How far a constant is moved to see whether anything follows.
const MOVE: f64 = 1.5;
/// What counts as following, of a predicted time.
const FOLLOWS: f64 = 1e-9;

/// Replaces each constant on which no row of its group depends, if the same group of the same backend has rows that
/// depend on it on another architecture: by the value of the nearest. A fit leaves such a constant at its prior.
pub(crate) fn borrow_unseen<O: Operator>(table: &Table<O>, fitted: &mut [FittedGroup<O::Constants>]) {
    let seen: Vec<Vec<bool>> =
        fitted.iter().map(|group| seen::<O>(&table.groups[&group.key], &group.fit.constants)).collect();
    let found: Vec<(Key, Vec<f64>)> =
        fitted.iter().map(|group| (group.key.clone(), group.fit.constants.values())).collect();
    for (index, group) in fitted.iter_mut().enumerate() {
        let mut values = group.fit.constants.values();
        for (place, value) in values.iter_mut().enumerate().filter(|(place, _)| !seen[index][*place]) {
            let known = found.iter().zip(&seen).filter(|(_, seen)| seen[place]).map(|(found, _)| found);
            *value = nearest(&group.key, known).map_or(*value, |donor| donor[place]);
        }
        group.fit.constants = O::Constants::from_values(&values);
    }
}

/// The constants of the same group of the same backend on the nearest architecture.
fn nearest<'a>(key: &Key, known: impl Iterator<Item = &'a (Key, Vec<f64>)>) -> Option<&'a Vec<f64>> {
    let alike = known.filter(|(other, _)| other.backend == key.backend && other.group == key.group);
    alike
        .min_by_key(|(other, _)| distance(key.architecture, other.architecture))
        .map(|(_, constants)| constants)
}

/// For each constant, whether any row depends on it.
fn seen<O: Operator>(samples: &[Sample<O::Shape>], constants: &O::Constants) -> Vec<bool> {
    let values = constants.values();
    let moved = |place: usize| {
        let mut values = values.clone();
        let high = O::Constants::PARAMETERS[place].high;
        values[place] *= if values[place] * MOVE <= high { MOVE } else { 1.0 / MOVE };
        O::Constants::from_values(&values)
    };
    let time = |sample: &Sample<O::Shape>, constants: &O::Constants| {
        O::cost(&sample.shape, &sample.device, constants).time.get()
    };
    let follows = |place: usize| {
        let moved = moved(place);
        let differs = |sample: &Sample<O::Shape>| {
            let before = time(sample, constants);
            (time(sample, &moved) - before).abs() > FOLLOWS * before
        };
        samples.iter().any(differs)
    };
    (0..values.len()).map(follows).collect()
}

#[cfg(test)]
mod tests {
    use crate::Table;
    use crate::operators::CustomAllReduceRows;
    use rackplan_catalog::{Architecture, Catalog};

    #[test]
    fn law_a_factor_of_the_host_comes_from_where_it_was_seen() {
        // Launches take 20 us beside an x86 host and 50 us beside Grace, which Blackwell was not measured with.
        let mut text = "gpu,backend,kernel,n_gpus,bytes,latency_us\n".to_owned();
        for (gpu, time) in [("b200_sxm", 20.0), ("b300_sxm", 20.0), ("gb300", 50.0)] {
            for bytes in 0..300 {
                text.push_str(&format!("{gpu},vllm,vllm_eager,2,{},{time}\n", 256 + 16 * bytes));
            }
        }
        let table = Table::<CustomAllReduceRows>::read(&text, &Catalog::builtin()).expect("a readable table");
        let fitted = table.fit();
        let of = |architecture| {
            let group = fitted.iter().find(|group| group.key.architecture == architecture);
            group.expect("a fitted group").fit.constants.host_coherent
        };
        let borrowed = of(Architecture::Blackwell);
        assert!((borrowed - 2.5).abs() < 0.1, "{borrowed}");
        assert_eq!(borrowed, of(Architecture::BlackwellUltra));
    }
}
