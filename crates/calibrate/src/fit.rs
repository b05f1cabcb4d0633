//! Fits the constants of one group of rows, and says how well they do on rows that were not used.

use crate::Operator;
use crate::score::{Residuals, Score};
use crate::simplex::minimize;
use rackplan_perf::{Constants, Device, Parameter};

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub struct Sample<S> {
    /// The shape.
    pub shape: S,
    /// What it ran on.
    pub device: Device,
    /// Its name, as an index into [`crate::Table::gpus`].
    pub gpu: usize,
    /// Measured, in microseconds.
    pub microseconds: f64,
    /// Whether the row is kept back to score the fit.
    pub held_out: bool,
}

/// What a fit found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit<C> {
    /// The constants, from the rows that were not kept back.
    pub constants: C,
    /// Rows that the fit used.
    pub rows: usize,
    /// Errors on the rows kept back.
    pub held_out: Score,
    /// Measured over predicted on the rows kept back.
    pub residuals: Residuals,
}

/// Residuals of the logarithm beyond this count linearly, so that a few odd rows do not steer the fit.
const ROBUST: f64 = 0.1;
/// Weight of the priors, in rows.
const PRIOR_ROWS: f64 = 10.0;
/// Evaluations of one descent.
const EVALUATIONS: usize = 800;
/// Rows that a descent looks at; more are thinned evenly, which changes constants by less than their noise.
const MOST_ROWS: usize = 1000;
/// Starts: the prior with all logarithms moved by this.
const STARTS: [f64; 3] = [0.0, 0.4, -0.4];

/// Fits by least robust residuals of ln(measured / predicted), pulled to the priors; nothing without rows to fit.
///
/// loss = mean of huber(ln(measured / predicted)) + PRIOR_ROWS / rows · mean of ((ln c - ln prior) / spread)²
pub fn fit<O: Operator>(samples: &[Sample<O::Shape>], group: &str) -> Option<Fit<O::Constants>> {
    let used: Vec<&Sample<O::Shape>> =
        samples.iter().filter(|s| !s.held_out && O::is_representative(&s.shape, &s.device)).collect();
    if used.is_empty() {
        return None;
    }
    let thinned: Vec<&Sample<O::Shape>> =
        used.iter().step_by(used.len().div_ceil(MOST_ROWS)).copied().collect();
    let priors = O::prior(group).values();
    let free = free::<O>(&thinned, &priors);
    let loss = |logarithms: &[f64]| loss::<O>(&thinned, logarithms, &free, &priors);
    let centre: Vec<f64> = free.iter().map(|place| priors[*place].ln()).collect();
    let descend = |shift: &f64| {
        let start: Vec<f64> = centre.iter().map(|x| x + shift).collect();
        let (near, _) = minimize(&start, 0.5, EVALUATIONS, 1e-6, &loss);
        // A second, fresh simplex gets out of a corner in which the first collapsed.
        minimize(&near, 0.2, EVALUATIONS, 1e-7, &loss)
    };
    let best = STARTS.iter().map(descend).min_by(|a, b| a.1.total_cmp(&b.1)).expect("there are starts");
    let constants = O::Constants::from_values(&bounded(&best.0, &free, &priors, O::Constants::PARAMETERS));
    let kept: Vec<(f64, f64)> =
        samples.iter().filter(|s| s.held_out).map(|s| pair::<O>(s, &constants)).collect();
    let scored = if kept.is_empty() { used.iter().map(|s| pair::<O>(s, &constants)).collect() } else { kept };
    Some(Fit {
        constants,
        rows: used.len(),
        held_out: Score::new(&scored),
        residuals: Residuals::new(&scored),
    })
}

fn pair<O: Operator>(sample: &Sample<O::Shape>, constants: &O::Constants) -> (f64, f64) {
    (O::cost(&sample.shape, &sample.device, constants).time.get() * 1e6, sample.microseconds)
}

/// Constants that some row depends on somewhere in their range. The others stay at their priors: a descent that has to
/// move what changes nothing ends elsewhere for no reason.
fn free<O: Operator>(samples: &[&Sample<O::Shape>], priors: &[f64]) -> Vec<usize> {
    let times = |values: &[f64]| -> Vec<f64> {
        let constants = O::Constants::from_values(values);
        samples.iter().map(|sample| pair::<O>(sample, &constants).0).collect()
    };
    let at_prior = times(priors);
    let depends = |place: &usize| {
        let Parameter { low, high, .. } = O::Constants::PARAMETERS[*place];
        [low, high].into_iter().any(|value| {
            let mut moved = priors.to_vec();
            moved[*place] = value;
            times(&moved) != at_prior
        })
    };
    (0..priors.len()).filter(depends).collect()
}

fn loss<O: Operator>(
    samples: &[&Sample<O::Shape>],
    logarithms: &[f64],
    free: &[usize],
    priors: &[f64],
) -> f64 {
    let parameters = O::Constants::PARAMETERS;
    let values = bounded(logarithms, free, priors, parameters);
    let constants = O::Constants::from_values(&values);
    let misfit = |sample: &&Sample<O::Shape>| {
        let (predicted, measured) = pair::<O>(sample, &constants);
        huber((measured / predicted).ln())
    };
    let data = samples.iter().map(misfit).sum::<f64>() / samples.len() as f64;
    let pull = |place: &usize| ((values[*place] / priors[*place]).ln() / parameters[*place].spread).powi(2);
    let pulls = free.iter().map(pull).sum::<f64>() / free.len().max(1) as f64;
    let outside =
        logarithms.iter().zip(free).map(|(x, place)| (x - values[*place].ln()).powi(2)).sum::<f64>();
    data + PRIOR_ROWS / samples.len() as f64 * ROBUST * ROBUST * pulls + outside
}

/// All constants: the free ones from their logarithms, within their ranges, the others at their priors.
fn bounded(logarithms: &[f64], free: &[usize], priors: &[f64], parameters: &[Parameter]) -> Vec<f64> {
    let mut values = priors.to_vec();
    for (x, place) in logarithms.iter().zip(free) {
        values[*place] = x.exp().clamp(parameters[*place].low, parameters[*place].high);
    }
    values
}

fn huber(residual: f64) -> f64 {
    let size = residual.abs();
    if size <= ROBUST { residual * residual / 2.0 } else { ROBUST * (size - ROBUST / 2.0) }
}
