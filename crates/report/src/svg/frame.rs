//! What all pictures share: heading, legend, margins.

use super::canvas::Canvas;
use super::geometry::Rect;
use super::marks::draw_key;
use super::text::{Anchor, Face};
use super::theme::{Ink, SERIES};

/// Margin around a picture.
pub(super) const MARGIN: f64 = 16.0;

/// Draws title and subtitle from `top` down and returns where the rest may begin.
pub(super) fn heading(canvas: &mut Canvas, title: &str, subtitle: &str, x: f64, width: f64, top: f64) -> f64 {
    let below = lines(canvas, title, Face::TITLE, Ink::Text, x, width, top);
    let below = lines(canvas, subtitle, Face::BODY, Ink::Muted, x, width, below);
    if below > top { below + 8.0 } else { top }
}

/// Draws a text in as many lines as it needs and returns where they end.
pub(super) fn lines(
    canvas: &mut Canvas,
    text: &str,
    face: Face,
    ink: Ink,
    x: f64,
    width: f64,
    top: f64,
) -> f64 {
    let mut bottom = top;
    for line in face.wrap(text, width) {
        bottom += face.line();
        canvas.text((x, bottom - face.size * 0.3), &line, face, ink, Anchor::Start);
    }
    bottom
}

/// What stands before a legend's text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Key {
    /// Line and marker of a series.
    Line(usize),
    /// A filled square.
    Area(Ink),
    /// An outlined square.
    Outline(Ink, Stroke),
}

/// How an outline runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stroke {
    Solid,
    Dashed,
}

const KEY_GAP: f64 = 6.0;
const ITEM_GAP: f64 = 18.0;
const ROW: f64 = 19.0;

impl Key {
    fn width(self) -> f64 {
        if matches!(self, Key::Line(_)) { 22.0 } else { 11.0 }
    }

    fn draw(self, canvas: &mut Canvas, x: f64, middle: f64) {
        let square = Rect::new(x, middle - 5.5, 11.0, 11.0);
        match self {
            Key::Line(series) => draw_key(canvas, series, x, middle, self.width()),
            Key::Area(ink) => canvas.rect(square).number("rx", 1.5).fill(ink).done(),
            Key::Outline(ink, stroke) => {
                let inner = Rect::new(x + 0.75, middle - 4.75, 9.5, 9.5);
                let outline = canvas.rect(inner).number("rx", 1.5).unfilled().stroke(ink, 1.5);
                match stroke {
                    Stroke::Solid => outline.done(),
                    Stroke::Dashed => outline.raw("stroke-dasharray", "2 2").done(),
                }
            }
        }
    }
}

/// Draws a legend in rows as wide as there is room and returns where it ends.
pub(super) fn legend(canvas: &mut Canvas, items: &[(Key, String)], x: f64, width: f64, top: f64) -> f64 {
    if items.is_empty() {
        return top;
    }
    let (mut at, mut row) = (x, top);
    for (key, name) in items {
        let name = Face::BODY.fit(name, (width - key.width() - KEY_GAP).max(0.0));
        let wide = key.width() + KEY_GAP + Face::BODY.width(&name);
        if at > x && at + wide > x + width {
            (at, row) = (x, row + ROW);
        }
        key.draw(canvas, at, row + 9.0);
        let text_at = (at + key.width() + KEY_GAP, row + 13.0);
        canvas.text(text_at, &name, Face::BODY, Ink::Text, Anchor::Start);
        at += wide + ITEM_GAP;
    }
    row + ROW + 6.0
}

/// A legend of series in their order.
pub(super) fn series_legend(names: &[String]) -> Vec<(Key, String)> {
    names.iter().enumerate().map(|(i, name)| (Key::Line(i), name.clone())).collect()
}

/// Line patterns: the palette's second round is dashed, so that twelve series still differ.
pub(super) fn dash(series: usize) -> Option<&'static str> {
    [None, Some("6 3"), Some("2 3")][(series / SERIES) % 3]
}
