//! Experts: how many of them a step wakes, and what that takes.

use super::super::TableError;
use super::super::columns::Columns;
use super::curve::Part;
use super::field::Field;

/// Time by tokens of a layer's experts, where each token goes to k of E of them and all are as likely.
///
/// E (1 - (1 - k/E)^tokens) of them have any on average. E is the most that was measured and k the fewest.
pub(super) fn part(table: &Columns, layers: f64) -> Result<Part, TableError> {
    let rows = || table.of(["tokens", "activated_experts", "time_us"]);
    let experts = rows().map(|row| row[1]).fold(1.0, f64::max);
    let topk = rows().map(|row| row[1]).fold(experts, f64::min);
    table.fits(&[("tokens", 1.0)])?;
    let cells: Vec<_> = rows().map(|[tokens, active, time]| ([tokens, active], time)).collect();
    let field = Field::new(&cells).ok_or_else(|| table.too_many_points())?;
    let greatest = rows().map(|row| row[0]).fold(1.0, f64::max) as usize;
    let time = |tokens: usize| {
        let tokens = tokens as f64;
        let active = experts * (1.0 - (1.0 - topk / experts).powf(tokens));
        (tokens, field.at([tokens, active]))
    };
    Ok(Part::new(layers * super::US, (1..=greatest).map(time).collect()))
}
