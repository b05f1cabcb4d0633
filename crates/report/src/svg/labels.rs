//! Putting labels where they touch nothing: candidates are tried in order against what is already there.

use super::geometry::{Rect, Segment};
use super::text::{Anchor, Face};

/// What a label must keep clear of, and where it must stay.
pub(super) struct Placer {
    pub(super) bounds: Rect,
    pub(super) taken: Vec<Rect>,
    pub(super) lines: Vec<Segment>,
}

/// A place for a label: where its text is anchored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spot {
    pub(super) at: (f64, f64),
    pub(super) anchor: Anchor,
}

impl Spot {
    /// The rectangle a text takes here.
    fn rect(self, text: &str, face: Face) -> Rect {
        let width = face.width(text);
        let left = match self.anchor {
            Anchor::Start => self.at.0,
            Anchor::Middle => self.at.0 - width / 2.0,
            Anchor::End => self.at.0 - width,
        };
        Rect::new(left, self.at.1 - face.size * 0.8, width, face.size)
    }
}

impl Placer {
    /// Takes the first spot where the text touches nothing.
    pub(super) fn place(&mut self, text: &str, face: Face, spots: &[Spot]) -> Option<Spot> {
        let free = spots.iter().copied().find(|spot| self.collisions(spot.rect(text, face)) == 0)?;
        self.taken.push(free.rect(text, face));
        Some(free)
    }

    /// Takes the spot with the fewest lines behind it, for labels that carry a rim. Never another label's spot.
    pub(super) fn place_over_lines(&mut self, text: &str, face: Face, spots: &[Spot]) -> Option<Spot> {
        let open = |spot: &Spot| {
            let rect = spot.rect(text, face);
            self.bounds.holds(rect) && !self.taken.iter().any(|taken| taken.overlaps(rect))
        };
        let crossed = |spot: &Spot| self.collisions(spot.rect(text, face));
        let best = spots.iter().copied().filter(open).min_by_key(crossed)?;
        self.taken.push(best.rect(text, face));
        Some(best)
    }

    fn collisions(&self, rect: Rect) -> usize {
        let outside = usize::from(!self.bounds.holds(rect));
        let labels = self.taken.iter().filter(|taken| taken.overlaps(rect)).count();
        outside + labels + self.lines.iter().filter(|line| rect.meets(**line)).count()
    }
}

/// Spots around the end of a line: beside it first, then above and below.
pub(super) fn around_end((x, y): (f64, f64)) -> Vec<Spot> {
    let beside = [0.0, -5.0, 5.0, -10.0, 10.0]
        .map(|shift| Spot { at: (x + 9.0, y + 4.0 + shift), anchor: Anchor::Start });
    let over = [Anchor::Middle, Anchor::End, Anchor::Start]
        .into_iter()
        .flat_map(|anchor| [-9.0, 18.0].map(|shift| Spot { at: (x, y + shift), anchor }));
    beside.into_iter().chain(over).collect()
}

/// Spots along a vertical line, from the top down, right of it first.
pub(super) fn along_vertical(x: f64, plot: Rect) -> Vec<Spot> {
    let rows =
        (0..).map(|row| plot.y + 10.0 + f64::from(row) * 16.0).take_while(|y| *y < plot.bottom() - 4.0);
    rows.flat_map(|y| {
        [(6.0, Anchor::Start), (-6.0, Anchor::End)].map(|(dx, anchor)| Spot { at: (x + dx, y), anchor })
    })
    .collect()
}

/// Spots along a horizontal line, above it first.
pub(super) fn along_horizontal(y: f64, plot: Rect) -> Vec<Spot> {
    let places = [
        (plot.x + 4.0, Anchor::Start),
        (plot.right() - 4.0, Anchor::End),
        (plot.x + plot.width / 2.0, Anchor::Middle),
    ];
    let rows = [-5.0, 14.0];
    rows.into_iter().flat_map(|dy| places.map(|(x, anchor)| Spot { at: (x, y + dy), anchor })).collect()
}

/// Spots around a ring.
pub(super) fn around_ring((x, y): (f64, f64)) -> Vec<Spot> {
    let near = [
        (12.0, -9.0),
        (12.0, 17.0),
        (-12.0, -9.0),
        (-12.0, 17.0),
        (13.0, 4.0),
        (-13.0, 4.0),
        (12.0, -24.0),
        (12.0, 32.0),
        (-12.0, -24.0),
    ];
    near.map(|(dx, dy)| Spot {
        at: (x + dx, y + dy),
        anchor: if dx > 0.0 { Anchor::Start } else { Anchor::End },
    })
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_a_second_label_at_the_same_place_moves_aside() {
        let bounds = Rect::new(0.0, 0.0, 200.0, 200.0);
        let mut placer = Placer { bounds, taken: Vec::new(), lines: Vec::new() };
        let spots = around_end((50.0, 50.0));
        let first = placer.place("fp8", Face::BODY, &spots);
        let second = placer.place("bf16", Face::BODY, &spots);
        assert!(first.is_some() && second.is_some() && first != second);
        let outside = [Spot { at: (195.0, 50.0), anchor: Anchor::Start }];
        assert_eq!(placer.place("int4", Face::BODY, &outside), None);
    }
}
