//! Plans that no other beats in everything.

use crate::Found;

/// Throughput of each accelerator up, time per token and to the first one down.
fn scores(found: &Found) -> [f64; 3] {
    let point = &found.served.point;
    [point.requests_per_second / f64::from(found.gpus()), -found.served.tpot, -found.served.ttft]
}

/// The plans that none of the others reaches in all of requests per second and accelerator, time per token and time to
/// first token, and beats in one; in their order.
pub fn pareto(found: &[Found]) -> Vec<&Found> {
    let all: Vec<[f64; 3]> = found.iter().map(scores).collect();
    let kept = |own: &[f64; 3]| !all.iter().any(|other| beats(other, own));
    found.iter().zip(&all).filter(|(_, own)| kept(own)).map(|(found, _)| found).collect()
}

fn beats(a: &[f64; 3], b: &[f64; 3]) -> bool {
    a.iter().zip(b).all(|(a, b)| a >= b) && a.iter().zip(b).any(|(a, b)| a > b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_one_is_beaten_by_what_is_better_somewhere_and_worse_nowhere() {
        assert!(beats(&[2.0, -1.0, -1.0], &[1.0, -1.0, -1.0]));
        assert!(!beats(&[1.0, -1.0, -1.0], &[1.0, -1.0, -1.0]));
        assert!(!beats(&[2.0, -2.0, -1.0], &[1.0, -1.0, -1.0]));
    }
}
