//! The writer: elements and their attributes. Layout lives in the charts, colours in the theme.

use super::geometry::Rect;
use super::text::{Anchor, Face};
use super::theme::{Ink, Paint, Theme, style_sheet};
use super::xml::{Escaped, Number};
use std::collections::BTreeSet;
use std::fmt::Write;

const FONTS: &str =
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Noto Sans', sans-serif";

/// A picture being written. Its size is known only once the layout is done, so the head is written last.
pub(super) struct Canvas {
    theme: Theme,
    body: String,
    open: Vec<&'static str>,
    used: BTreeSet<(Ink, Paint)>,
}

/// What a reader who cannot see the picture is told.
pub(super) struct Described<'a> {
    pub(super) title: &'a str,
    pub(super) description: &'a str,
}

impl Canvas {
    pub(super) fn new(theme: Theme) -> Canvas {
        Canvas { theme, body: String::new(), open: Vec::new(), used: BTreeSet::new() }
    }

    /// Starts an element; it is written when its builder is closed by `done`, `titled` or `holding`.
    pub(super) fn element(&mut self, name: &'static str) -> Element<'_> {
        Element { canvas: self, name, attributes: String::new(), classes: String::new() }
    }

    pub(super) fn rect(&mut self, rect: Rect) -> Element<'_> {
        let at = self.element("rect").number("x", rect.x).number("y", rect.y);
        at.number("width", rect.width.max(0.0)).number("height", rect.height.max(0.0))
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64)) -> Element<'_> {
        let start = self.element("line").number("x1", from.0).number("y1", from.1);
        start.number("x2", to.0).number("y2", to.1)
    }

    pub(super) fn circle(&mut self, centre: (f64, f64), radius: f64) -> Element<'_> {
        self.element("circle").number("cx", centre.0).number("cy", centre.1).number("r", radius)
    }

    /// An open line through points, unfilled unless a fill is set.
    pub(super) fn path(&mut self, points: &[(f64, f64)]) -> Element<'_> {
        self.element("path").raw("d", &path_data(points))
    }

    /// A closed shape through points.
    pub(super) fn outline(&mut self, points: &[(f64, f64)]) -> Element<'_> {
        self.element("path").raw("d", &(path_data(points) + "Z"))
    }

    /// Many rectangles as one shape.
    pub(super) fn tiles(&mut self, tiles: &[Rect]) -> Element<'_> {
        let data = tiles.iter().fold(String::new(), |mut data, tile| {
            let (width, height) = (Number(tile.width), Number(tile.height));
            let _ = write!(data, "M{},{}h{width}v{height}h-{width}z", Number(tile.x), Number(tile.y));
            data
        });
        self.element("path").raw("d", &data)
    }

    /// A text whose baseline starts, centres or ends at a point.
    pub(super) fn text(&mut self, at: (f64, f64), text: &str, face: Face, ink: Ink, anchor: Anchor) {
        self.text_element(at, face, ink, anchor).holding_text(text);
    }

    /// A text with a rim in the colour of the ground, for texts that may cross a line.
    pub(super) fn text_with_rim(&mut self, at: (f64, f64), text: &str, face: Face, ink: Ink, anchor: Anchor) {
        let element = self.text_element(at, face, ink, anchor).stroke(Ink::Ground, 3.0);
        element.raw("paint-order", "stroke").raw("stroke-linejoin", "round").holding_text(text);
    }

    fn text_element(&mut self, at: (f64, f64), face: Face, ink: Ink, anchor: Anchor) -> Element<'_> {
        let mut element = self.element("text").number("x", at.0).number("y", at.1).fill(ink);
        if face.size != Face::BODY.size {
            element = element.number("font-size", face.size);
        }
        if face.bold {
            element = element.raw("font-weight", "600");
        }
        if anchor != Anchor::Start {
            element = element.raw("text-anchor", anchor.name());
        }
        element
    }

    /// Opens a group; everything until [`Canvas::end`] belongs to it.
    pub(super) fn group(&mut self, title: &str) {
        self.body.push_str("<g>");
        self.open.push("g");
        if !title.is_empty() {
            let _ = write!(self.body, "<title>{}</title>", Escaped(title));
        }
    }

    pub(super) fn end(&mut self) {
        if let Some(name) = self.open.pop() {
            let _ = write!(self.body, "</{name}>");
        }
    }

    /// The whole document.
    pub(super) fn finish(mut self, width: f64, height: f64, told: &Described<'_>) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        // Whole pixels, so that no renderer leaves a seam at the edges.
        let (width, height) = (width.ceil(), height.ceil());
        let body = std::mem::take(&mut self.body);
        let ground = Rect::new(0.0, 0.0, width, height);
        self.rect(ground).raw("class", "rp-ground").fill(Ink::Ground).done();
        let mut out = String::with_capacity(body.len() + 4096);
        let (w, h) = (Number(width), Number(height));
        let _ = write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"rackplan\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" aria-label=\"{title}\" font-family=\"{FONTS}\" font-size=\"12\"><title>{title}</title><desc>{description}</desc>",
            title = Escaped(told.title),
            description = Escaped(told.description),
        );
        if self.theme == Theme::Auto {
            let _ = write!(out, "<style>{}</style>", style_sheet(self.used.iter().copied()));
        }
        out + &self.body + &body + "</svg>\n"
    }
}

/// One element being written.
#[must_use = "an element is written by `done`, `titled` or `holding_text`"]
pub(super) struct Element<'c> {
    canvas: &'c mut Canvas,
    name: &'static str,
    attributes: String,
    classes: String,
}

impl Element<'_> {
    pub(super) fn number(mut self, name: &str, value: f64) -> Self {
        let _ = write!(self.attributes, " {name}=\"{}\"", Number(value));
        self
    }

    /// An attribute whose value is ours and needs no escaping.
    pub(super) fn raw(mut self, name: &str, value: &str) -> Self {
        if name == "class" {
            return self.class(value);
        }
        let _ = write!(self.attributes, " {name}=\"{value}\"");
        self
    }

    fn class(mut self, name: &str) -> Self {
        if !self.classes.is_empty() {
            self.classes.push(' ');
        }
        self.classes.push_str(name);
        self
    }

    pub(super) fn fill(self, ink: Ink) -> Self {
        self.paint(Paint::Fill, ink)
    }

    pub(super) fn stroke(self, ink: Ink, width: f64) -> Self {
        self.paint(Paint::Stroke, ink).number("stroke-width", width)
    }

    pub(super) fn unfilled(self) -> Self {
        self.raw("fill", "none")
    }

    /// The literal colour is always there, and in `Auto` a class that lets the reader's theme override it.
    fn paint(self, paint: Paint, ink: Ink) -> Self {
        let ink = ink.within_palette();
        self.canvas.used.insert((ink, paint));
        let theme = self.canvas.theme;
        let painted = self.raw(paint.attribute(), ink.hex(theme == Theme::Dark));
        if theme == Theme::Auto { painted.class(&paint.class(ink)) } else { painted }
    }

    pub(super) fn done(self) {
        let canvas = self.start();
        canvas.body.push_str("/>");
    }

    /// Closes the element with a tooltip, if there is anything to tell.
    pub(super) fn titled(self, title: &str) {
        if title.is_empty() {
            return self.done();
        }
        let name = self.name;
        let canvas = self.start();
        let _ = write!(canvas.body, "><title>{}</title></{name}>", Escaped(title));
    }

    fn holding_text(self, text: &str) {
        let name = self.name;
        let canvas = self.start();
        let _ = write!(canvas.body, ">{}</{name}>", Escaped(text));
    }
}

impl<'c> Element<'c> {
    /// Writes the tag up to its attributes, not yet closed.
    fn start(self) -> &'c mut Canvas {
        let canvas = self.canvas;
        let _ = write!(canvas.body, "<{}{}", self.name, self.attributes);
        if !self.classes.is_empty() {
            let _ = write!(canvas.body, " class=\"{}\"", self.classes);
        }
        canvas
    }
}

/// The `d` of a path through points.
fn path_data(points: &[(f64, f64)]) -> String {
    let mut data = String::new();
    for (i, (x, y)) in points.iter().enumerate() {
        let _ = write!(data, "{}{},{}", if i == 0 { 'M' } else { 'L' }, Number(*x), Number(*y));
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_literal_themes_carry_no_style_sheet() {
        let draw = |theme| {
            let mut canvas = Canvas::new(theme);
            canvas.group("g");
            canvas
                .rect(Rect::new(0.0, 0.0, 1.0, 1.0))
                .fill(Ink::Series(0))
                .stroke(Ink::Text, 1.0)
                .titled("t");
            canvas.finish(10.0, 10.0, &Described { title: "T", description: "D" })
        };
        let light = draw(Theme::Light);
        assert!(!light.contains("var(") && !light.contains("<style"), "{light}");
        let auto = draw(Theme::Auto);
        assert!(
            auto.contains("fill=\"#0a4f8a\"") && auto.contains("class=\"rp-f-series-0 rp-s-text\""),
            "{auto}"
        );
        assert!(auto.contains("--rp-series-0:#2f80ea") && auto.ends_with("</g></svg>\n"), "{auto}");
    }
}
