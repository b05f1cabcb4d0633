//! A table of two whole numbers, each on steps of its own.

/// Values by row and column; beyond its ends the last ones hold.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    rows: usize,
    columns: usize,
    /// Width of a row and a column.
    steps: (f64, f64),
    values: Vec<f64>,
}

impl Grid {
    /// From (row, column, value), of which rows and columns are multiples of the steps. Cells without a value have that of
    /// the nearest one before.
    pub(super) fn new(steps: (f64, f64), cells: &[(f64, f64, f64)]) -> Self {
        let place = |value: f64, step: f64| (value / step).round() as usize;
        let most = |of: fn(&(f64, f64, f64)) -> f64, step| {
            cells.iter().map(|cell| place(of(cell), step)).max().unwrap_or(0) + 1
        };
        let (rows, columns) = (most(|cell| cell.0, steps.0), most(|cell| cell.1, steps.1));
        let mut values = vec![f64::NAN; rows * columns];
        for &(row, column, value) in cells {
            values[place(row, steps.0) * columns + place(column, steps.1)] = value;
        }
        let mut last = cells.first().map_or(0.0, |cell| cell.2);
        for value in &mut values {
            if value.is_nan() {
                *value = last;
            }
            last = *value;
        }
        Self { rows, columns, steps, values }
    }

    /// The value at whole numbers of rows and columns.
    pub(super) fn at(&self, row: f64, column: f64) -> f64 {
        let row = ((row / self.steps.0) as usize).min(self.rows - 1);
        let column = ((column / self.steps.1) as usize).min(self.columns - 1);
        self.values[row * self.columns + column]
    }
}
