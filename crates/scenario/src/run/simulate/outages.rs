//! What breaks: parts with their mean times, laid over the replicas that stop with them.

use crate::QuestionError;
use crate::inputs::RealMachine;
use crate::run::explain::Asked;
use rackplan_sim::Outage;
use rackplan_units::Seconds;

/// Time to repair where nobody says, in hours: a day to swap a part.
const REPAIR: &str = "24h";
const PARTS: &str = "expected gpu, link, server or rack with a time, e.g. `gpu=50000h,server=20000h`";

/// Reads failures of a fleet of so many replicas of so many accelerators, one after the other in servers and racks.
pub(super) fn outages(
    asked: &mut Asked,
    machine: Option<&RealMachine>,
    (replicas, gpus): (u32, u32),
) -> Result<Vec<Outage>, QuestionError> {
    let Some(given) = asked.question.fleet.mtbf.clone() else {
        return match asked.question.fleet.mttr {
            None => Ok(Vec::new()),
            Some(_) => {
                Err(QuestionError::value(asked.layers.place("fleet.mttr"), "nothing is said to break")
                    .with_hint("add --mtbf, e.g. `--mtbf gpu=50000h`"))
            }
        };
    };
    let repairs = repairs(asked)?;
    let mut outages = Vec::new();
    for text in &given.0 {
        let (part, mtbf) = part_and_time(asked, "fleet.mtbf", text)?;
        let size = size(&part, machine).ok_or_else(|| {
            QuestionError::value(asked.layers.place("fleet.mtbf"), format!("`{part}` is no part that breaks"))
                .with_hint(PARTS)
        })?;
        let own = repairs.iter().find(|(name, _)| *name == part);
        let mttr = own.or_else(|| repairs.iter().find(|(name, _)| name.is_empty())).map(|(_, time)| *time);
        let mttr = mttr.ok_or_else(|| {
            QuestionError::value(asked.layers.place("fleet.mttr"), format!("it has no time for `{part}`"))
                .with_hint("give one time for all, e.g. `4h`, or one for each part")
        })?;
        outages.extend(laid(&part, (mtbf, mttr), (size, replicas, gpus)));
    }
    Ok(outages)
}

fn repairs(asked: &mut Asked) -> Result<Vec<(String, Seconds)>, QuestionError> {
    let Some(given) = asked.question.fleet.mttr.clone() else {
        asked.notes.assume("fleet.mttr", REPAIR, "a day to swap a part");
        return Ok(vec![(String::new(), Seconds::new(86_400.0))]);
    };
    let one = |text: &String| match text.contains('=') {
        true => part_and_time(asked, "fleet.mttr", text),
        false => Ok((String::new(), time(asked, "fleet.mttr", text)?)),
    };
    given.0.iter().map(one).collect()
}

fn part_and_time(asked: &Asked, path: &str, text: &str) -> Result<(String, Seconds), QuestionError> {
    let (part, written) = text.split_once('=').ok_or_else(|| {
        QuestionError::value(asked.layers.place(path), format!("`{text}` is not PART=TIME")).with_hint(PARTS)
    })?;
    Ok((part.trim().to_owned(), time(asked, path, written)?))
}

fn time(asked: &Asked, path: &str, text: &str) -> Result<Seconds, QuestionError> {
    let problem = |problem: String| QuestionError::value(asked.layers.place(path), problem).with_hint(PARTS);
    let time: Seconds =
        text.trim().parse().map_err(|error: rackplan_units::ParseError| problem(error.to_string()))?;
    if time.get() > 0.0 { Ok(time) } else { Err(problem(format!("`{text}` is no mean time"))) }
}

/// Accelerators that stop with a part.
fn size(part: &str, machine: Option<&RealMachine>) -> Option<u32> {
    let layout = machine.map(|machine| &machine.rack.record.layout);
    match part {
        "gpu" | "link" => Some(1),
        "server" => Some(layout.map_or(8, |layout| layout.gpus_per_server)),
        "rack" => Some(layout.map_or(72, |layout| layout.gpus_per_server * layout.servers_per_rack)),
        _ => None,
    }
}

/// Parts of `size` accelerators over `replicas` of `gpus`; those that stop the same replicas are one that breaks as often
/// as all of them.
fn laid(
    part: &str,
    (mtbf, mttr): (Seconds, Seconds),
    (size, replicas, gpus): (u32, u32, u32),
) -> Vec<Outage> {
    let all = u64::from(replicas) * u64::from(gpus);
    let mut found: Vec<(Vec<u32>, f64)> = Vec::new();
    for unit in 0..all.div_ceil(u64::from(size)) {
        let (first, end) = (unit * u64::from(size), ((unit + 1) * u64::from(size)).min(all));
        let stopped: Vec<u32> = (first / u64::from(gpus)..(end - 1) / u64::from(gpus) + 1)
            .map(|replica| replica as u32)
            .collect();
        match found.last_mut() {
            Some((replicas, count)) if *replicas == stopped => *count += 1.0,
            _ => found.push((stopped, 1.0)),
        }
    }
    let outage = |(replicas, count): (Vec<u32>, f64)| Outage {
        part: part.to_owned(),
        replicas,
        mtbf: mtbf / count,
        mttr,
    };
    found.into_iter().map(outage).collect()
}

/// Share of time in which a replica is up, on average: each part by itself is up mtbf/(mtbf + mttr) of it.
pub(super) fn up(outages: &[Outage], replicas: u32) -> f64 {
    let of = |replica: u32| -> f64 {
        let parts = outages.iter().filter(|outage| outage.replicas.contains(&replica));
        parts.map(|part| part.mtbf.get() / (part.mtbf.get() + part.mttr.get())).product()
    };
    (0..replicas).map(of).sum::<f64>() / f64::from(replicas.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_parts_over_replicas() {
        let hours = |hours: f64| Seconds::new(hours * 3600.0);
        // Two replicas of four accelerators: four GPUs stop each, one server of eight stops both.
        let gpus = laid("gpu", (hours(1000.0), hours(1.0)), (1, 2, 4));
        assert_eq!(gpus.iter().map(|outage| outage.replicas.clone()).collect::<Vec<_>>(), [[0], [1]]);
        assert_eq!(gpus[0].mtbf, hours(250.0));
        let servers = laid("server", (hours(1000.0), hours(1.0)), (8, 2, 4));
        assert_eq!((servers.len(), servers[0].replicas.clone()), (1, vec![0, 1]));
        assert!((up(&gpus, 2) - 250.0 / 251.0).abs() < 1e-12);
    }
}
