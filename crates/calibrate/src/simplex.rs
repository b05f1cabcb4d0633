//! The downhill simplex of Nelder and Mead, for functions of a few variables without derivatives.
//!
//! Source: Nelder, Mead, A simplex method for function minimization, The Computer Journal 7 (1965), with the usual
//! factors: reflect 1, expand 2, contract 1/2, shrink 1/2. Deterministic: no random numbers, and ties keep their order.

/// Least value found from a start, after at most `most` evaluations or when the simplex is smaller than `small`.
pub(crate) fn minimize(
    start: &[f64],
    step: f64,
    most: usize,
    small: f64,
    function: &dyn Fn(&[f64]) -> f64,
) -> (Vec<f64>, f64) {
    let mut simplex: Vec<(Vec<f64>, f64)> = corners(start, step)
        .into_iter()
        .map(|at| {
            let value = function(&at);
            (at, value)
        })
        .collect();
    let mut evaluations = simplex.len();
    while evaluations < most {
        simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
        let last = simplex.len() - 1;
        if simplex[last].1 - simplex[0].1 <= small * simplex[0].1.abs().max(1e-12) {
            break;
        }
        let centre = centre(&simplex[..last]);
        let along = |factor: f64| -> Vec<f64> {
            centre.iter().zip(&simplex[last].0).map(|(c, worst)| c + factor * (c - worst)).collect()
        };
        let evaluate = |at: Vec<f64>| {
            let value = function(&at);
            (at, value)
        };
        let reflected = evaluate(along(1.0));
        evaluations += 1;
        let next = if reflected.1 < simplex[0].1 {
            evaluations += 1;
            let expanded = evaluate(along(2.0));
            Some(if expanded.1 < reflected.1 { expanded } else { reflected })
        } else if reflected.1 < simplex[last - 1].1 {
            Some(reflected)
        } else {
            evaluations += 1;
            let contracted = evaluate(along(if reflected.1 < simplex[last].1 { 0.5 } else { -0.5 }));
            (contracted.1 < simplex[last].1.min(reflected.1)).then_some(contracted)
        };
        match next {
            Some(better) => simplex[last] = better,
            None => evaluations += shrink(&mut simplex, function),
        }
    }
    simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
    simplex.swap_remove(0)
}

fn corners(start: &[f64], step: f64) -> Vec<Vec<f64>> {
    let moved = |axis: usize| {
        let mut at = start.to_vec();
        at[axis] += step;
        at
    };
    std::iter::once(start.to_vec()).chain((0..start.len()).map(moved)).collect()
}

fn centre(points: &[(Vec<f64>, f64)]) -> Vec<f64> {
    let axes = points[0].0.len();
    (0..axes).map(|axis| points.iter().map(|(at, _)| at[axis]).sum::<f64>() / points.len() as f64).collect()
}

/// Draws every corner half way to the best; returns how many evaluations that took.
fn shrink(simplex: &mut [(Vec<f64>, f64)], function: &dyn Fn(&[f64]) -> f64) -> usize {
    let best = simplex[0].0.clone();
    for (at, value) in &mut simplex[1..] {
        at.iter_mut().zip(&best).for_each(|(x, best)| *x = best + (*x - best) / 2.0);
        *value = function(at);
    }
    simplex.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_the_banana_has_its_least_value_at_one_one() {
        let banana = |x: &[f64]| (1.0 - x[0]).powi(2) + 100.0 * (x[1] - x[0] * x[0]).powi(2);
        let (at, value) = minimize(&[-1.2, 1.0], 0.5, 2000, 1e-14, &banana);
        assert!(value < 1e-9, "{at:?} {value}");
        assert!((at[0] - 1.0).abs() < 1e-4 && (at[1] - 1.0).abs() < 1e-4);
    }
}
