//! Rectangles and line segments in pixels, y pointing down: enough geometry to keep labels apart.

/// A rectangle by its top left corner and size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Rect {
    pub(super) fn new(x: f64, y: f64, width: f64, height: f64) -> Rect {
        Rect { x, y, width, height }
    }

    pub(super) fn right(self) -> f64 {
        self.x + self.width
    }

    pub(super) fn bottom(self) -> f64 {
        self.y + self.height
    }

    pub(super) fn overlaps(self, other: Rect) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    pub(super) fn holds(self, other: Rect) -> bool {
        other.x >= self.x
            && other.y >= self.y
            && other.right() <= self.right()
            && other.bottom() <= self.bottom()
    }

    /// Whether any part of the segment lies inside: clips it to the rectangle, side by side (Liang and Barsky).
    pub(super) fn meets(self, segment: Segment) -> bool {
        let (dx, dy) = (segment.to.0 - segment.from.0, segment.to.1 - segment.from.1);
        let sides = [
            (-dx, segment.from.0 - self.x),
            (dx, self.right() - segment.from.0),
            (-dy, segment.from.1 - self.y),
            (dy, self.bottom() - segment.from.1),
        ];
        let (mut enters, mut leaves) = (0.0_f64, 1.0_f64);
        for (step, room) in sides {
            if step == 0.0 {
                if room < 0.0 {
                    return false;
                }
            } else if step < 0.0 {
                enters = enters.max(room / step);
            } else {
                leaves = leaves.min(room / step);
            }
        }
        enters <= leaves
    }
}

/// A straight line between two points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Segment {
    pub(super) from: (f64, f64),
    pub(super) to: (f64, f64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_a_segment_meets_a_rectangle_only_where_it_passes_through() {
        let rect = Rect::new(10.0, 10.0, 10.0, 10.0);
        let segment = |from, to| Segment { from, to };
        assert!(rect.meets(segment((0.0, 0.0), (30.0, 30.0))));
        assert!(rect.meets(segment((12.0, 12.0), (13.0, 13.0))));
        assert!(!rect.meets(segment((0.0, 0.0), (9.0, 30.0))));
        assert!(!rect.meets(segment((0.0, 15.0), (9.0, 15.0))));
        assert!(!rect.meets(segment((0.0, 5.0), (30.0, 5.0))));
    }
}
