//! What decode attention takes more when contexts are of unequal length than when all are at their mean.
//!
//! t = t_mean + α (t_longest - t_mean). α is next to 0 where time grows with the cached tokens of all sequences, and 1
//! where the longest sequence alone decides: few sequences, or a prompt's chunk beside them. Measured are batches of
//! two lengths. We take medians of α by sequences, by tokens of the chunk and by the spread (t_longest - t_mean)/t_mean.
//! Times in these tables are sums of several runs, three in those that we know, which the ratios do not see. Real
//! batches hold many lengths instead of two that are fourfold apart; where those lie close together, α may be too high.

use super::super::columns::Columns;

/// Between these spreads one median each, that holds at the middle; between middles α is linear.
const SPREADS: [f64; 6] = [0.0, 0.25, 0.5, 1.0, 2.0, 4.0];
const BINS: usize = SPREADS.len() - 1;
/// Chunks of more tokens than these are told apart; no chunk at all is another class.
const CHUNKS: [f64; 3] = [0.0, 256.0, 1024.0];
const CLASSES: usize = CHUNKS.len() + 1;
/// Fewer rows than these have no median of their own.
const FEWEST: usize = 5;

/// α by class of chunk, sequences and spread.
#[derive(Clone, Debug)]
pub(super) struct Skew {
    /// Numbers of sequences that were measured. Others are taken for the nearest, as a ratio.
    sizes: Vec<f64>,
    alphas: [Vec<[f64; BINS]>; CLASSES],
}

struct Row {
    size: f64,
    class: usize,
    bin: usize,
    alpha: f64,
}

impl Skew {
    pub(super) fn new(table: &Columns) -> Self {
        let rows: Vec<Row> =
            table.of(["n", "pc", "t_mean_us", "t_max_us", "t_skew_us"]).filter_map(row).collect();
        let mut sizes: Vec<f64> = rows.iter().map(|row| row.size).collect();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup();
        let alphas = std::array::from_fn(|class| {
            let of_class: Vec<&Row> = rows.iter().filter(|row| row.class == class).collect();
            sizes.iter().map(|size| medians(&of_class, *size)).collect()
        });
        Self { sizes, alphas }
    }

    /// α for so many sequences beside a chunk of so many tokens.
    pub(super) fn alpha(&self, sequences: f64, chunk: f64, spread: f64) -> f64 {
        let nearer = |pair: &&[f64]| sequences * sequences > pair[0] * pair[1];
        let size = self.sizes.windows(2).take_while(nearer).count();
        let Some(alphas) = self.alphas[class(chunk)].get(size) else { return 0.0 };
        let middle = |bin: usize| (SPREADS[bin] + SPREADS[bin + 1]) / 2.0;
        if spread <= middle(0) {
            return alphas[0];
        }
        let beyond = (1..BINS).find(|bin| spread < middle(*bin));
        let Some(high) = beyond else { return alphas[BINS - 1] };
        let share = (spread - middle(high - 1)) / (middle(high) - middle(high - 1));
        alphas[high - 1] + (alphas[high] - alphas[high - 1]) * share
    }
}

fn row([size, chunk, mean, most, skewed]: [f64; 5]) -> Option<Row> {
    let gap = most - mean;
    let spread = gap / mean;
    // Not above zero, and not a number either.
    if !(gap > 0.0 && spread.is_finite() && size >= 1.0) {
        return None;
    }
    let bin = SPREADS[1..BINS].iter().filter(|edge| spread > **edge).count();
    Some(Row { size, class: class(chunk), bin, alpha: (skewed - mean) / gap })
}

fn class(chunk: f64) -> usize {
    CHUNKS.iter().filter(|edge| chunk > **edge).count()
}

/// The median of each bin of spread; what has too few rows takes that of all sequences, and that of all spreads.
/// Measured are numbers of sequences that are powers of two. Where these just fill the processors of a card, all of equal
/// length lose nothing and the longest costs the most; numbers beside them do not have that, and batches are of any size.
/// So a size takes the median of those within a factor of two.
fn medians(rows: &[&Row], size: f64) -> [f64; BINS] {
    let is_near = |row: &Row| (0.45..2.2).contains(&(row.size / size));
    std::array::from_fn(|bin| {
        let own = median(rows.iter().filter(|row| is_near(row) && row.bin == bin));
        let of_size = || median(rows.iter().filter(|row| is_near(row)));
        let alpha = own.or_else(of_size).or_else(|| median(rows.iter())).unwrap_or(0.0);
        alpha.clamp(0.0, 1.0)
    })
}

fn median<'a>(rows: impl Iterator<Item = &'a &'a Row>) -> Option<f64> {
    let mut alphas: Vec<f64> = rows.map(|row| row.alpha).collect();
    alphas.sort_by(f64::total_cmp);
    (alphas.len() >= FEWEST).then(|| alphas[alphas.len() / 2])
}
