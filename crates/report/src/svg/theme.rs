//! The one place that knows colours: inks by meaning, each with a value on a light and on a dark ground.
//!
//! The palette keeps the hues of Okabe and Ito (2008) with lightness staggered, so that neighbours stay apart under
//! protanopia, deuteranopia and tritanopia and every line has a contrast of at least 3 to its ground.

use std::fmt::Write;

/// Which ground a picture is drawn on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Follows the reader's `prefers-color-scheme`; a renderer without CSS variables shows the light colours.
    #[default]
    Auto,
    /// Literal colours on a light ground, for print and PNG.
    Light,
    /// Literal colours on a dark ground.
    Dark,
}

/// Colours of categories, in the order they are handed out.
pub(super) const SERIES: usize = 6;

/// A colour by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ink {
    Ground,
    Surface,
    Edge,
    Text,
    Muted,
    Grid,
    Axis,
    /// A category's line or area; counts past the palette start again.
    Series(usize),
    /// Text in a category's colour, dark (or light) enough to read.
    Label(usize),
    /// Text that lies on a category's area.
    On(usize),
    /// GPUs that hold no work.
    Idle,
    /// A link with room, one that is busy, one about to be the limit.
    Calm,
    Busy,
    Hot,
}

const SERIES_LIGHT: [&str; SERIES] = ["#0a4f8a", "#e07010", "#0a7d6a", "#b878ab", "#6b4a00", "#1c97f2"];
const SERIES_DARK: [&str; SERIES] = ["#2f80ea", "#f65c26", "#2fdcae", "#ad6f96", "#f0d03c", "#66aed8"];
const LABEL_LIGHT: [&str; SERIES] = ["#0a4f8a", "#b35a0d", "#0a7d6a", "#97628c", "#6b4a00", "#1676bd"];
const LABEL_DARK: [&str; SERIES] = ["#5c9df0", "#fb7444", "#2fdcae", "#c48fb1", "#f0d03c", "#7fc2e6"];
const ON_LIGHT: [&str; SERIES] = ["#ffffff", "#000000", "#ffffff", "#000000", "#ffffff", "#000000"];
const ON_DARK: [&str; SERIES] = ["#000000"; SERIES];

impl Ink {
    /// The same ink under its first name, where a palette has come round.
    pub(super) fn within_palette(self) -> Ink {
        match self {
            Ink::Series(i) => Ink::Series(i % SERIES),
            Ink::Label(i) => Ink::Label(i % SERIES),
            Ink::On(i) => Ink::On(i % SERIES),
            plain => plain,
        }
    }

    /// The colour on one ground.
    pub(super) fn hex(self, dark: bool) -> &'static str {
        let pick = |light, on_dark| if dark { on_dark } else { light };
        match self {
            Ink::Ground => pick("#ffffff", "#14181d"),
            Ink::Surface => pick("#f4f6f8", "#1e242b"),
            Ink::Edge => pick("#b9c1ca", "#4a545f"),
            Ink::Text => pick("#1d2329", "#e9edf1"),
            Ink::Muted => pick("#59636e", "#a0abb6"),
            Ink::Grid => pick("#e4e8ec", "#2b323a"),
            Ink::Axis => pick("#8a949e", "#6d7883"),
            Ink::Idle => pick("#c3cad1", "#59636e"),
            Ink::Calm => pick("#6c7a89", "#8896a4"),
            Ink::Busy => pick("#e07010", "#f0d03c"),
            Ink::Hot => pick("#c2281d", "#ff5470"),
            Ink::Series(i) => pick(SERIES_LIGHT[i % SERIES], SERIES_DARK[i % SERIES]),
            Ink::Label(i) => pick(LABEL_LIGHT[i % SERIES], LABEL_DARK[i % SERIES]),
            Ink::On(i) => pick(ON_LIGHT[i % SERIES], ON_DARK[i % SERIES]),
        }
    }

    /// The name of its CSS variable, without the prefix.
    pub(super) fn name(self) -> String {
        match self {
            Ink::Series(i) => format!("series-{}", i % SERIES),
            Ink::Label(i) => format!("label-{}", i % SERIES),
            Ink::On(i) => format!("on-{}", i % SERIES),
            plain => format!("{plain:?}").to_lowercase(),
        }
    }
}

/// Whether a colour fills an area or draws an outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Paint {
    Fill,
    Stroke,
}

impl Paint {
    pub(super) fn attribute(self) -> &'static str {
        match self {
            Paint::Fill => "fill",
            Paint::Stroke => "stroke",
        }
    }

    /// The class that lets a style sheet override the literal colour.
    pub(super) fn class(self, ink: Ink) -> String {
        let kind = if self == Paint::Fill { 'f' } else { 's' };
        format!("rp-{kind}-{}", ink.name())
    }
}

/// The style sheet of `Theme::Auto` for the inks a picture used: variables for both grounds, a rule per use.
///
/// Colours hang on `.rackplan`, so a page that embeds the picture can override `--rp-...` for its own theme switch.
pub(super) fn style_sheet(used: impl Iterator<Item = (Ink, Paint)> + Clone) -> String {
    let variables = |dark: bool| {
        let mut inks: Vec<Ink> = used.clone().map(|(ink, _)| ink).collect();
        inks.dedup();
        inks.iter().fold(String::new(), |mut text, ink| {
            let _ = write!(text, "--rp-{}:{};", ink.name(), ink.hex(dark));
            text
        })
    };
    let mut css = format!(".rackplan{{max-width:100%;height:auto;{}}}", variables(false));
    let _ = write!(css, "@media (prefers-color-scheme:dark){{.rackplan{{{}}}}}", variables(true));
    for (ink, paint) in used.clone() {
        let _ = write!(css, ".{}{{{}:var(--rp-{})}}", paint.class(ink), paint.attribute(), ink.name());
    }
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red, green and blue of `#rrggbb`, linear.
    fn linear(hex: &str) -> [f64; 3] {
        [1, 3, 5].map(|at| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        })
    }

    /// The contrast ratio of WCAG 2.
    fn contrast(a: &str, b: &str) -> f64 {
        let luminance = |hex| {
            let [r, g, b] = linear(hex);
            0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05
        };
        let (a, b) = (luminance(a), luminance(b));
        a.max(b) / a.min(b)
    }

    #[test]
    fn law_lines_and_text_stand_out_from_their_ground() {
        for dark in [false, true] {
            let ground = Ink::Ground.hex(dark);
            let check = |ink: Ink, least: f64, ground: &str| {
                let ratio = contrast(ink.hex(dark), ground);
                assert!(ratio >= least, "{ink:?} dark={dark}: {ratio:.2} < {least}");
            };
            for i in 0..SERIES {
                check(Ink::Series(i), 3.0, ground);
                check(Ink::Label(i), 4.5, ground);
                check(Ink::On(i), 4.5, Ink::Series(i).hex(dark));
            }
            check(Ink::Text, 7.0, ground);
            check(Ink::Muted, 4.5, ground);
            check(Ink::Muted, 4.5, Ink::Surface.hex(dark));
            for ink in [Ink::Calm, Ink::Busy, Ink::Hot] {
                check(ink, 3.0, ground);
            }
        }
    }

    /// Simulates full protanopia, deuteranopia and tritanopia (Machado et al. 2009), distance in OKLab.
    #[test]
    fn law_categories_stay_apart_for_the_colour_blind() {
        for palette in [SERIES_LIGHT, SERIES_DARK] {
            for (i, a) in palette.iter().enumerate() {
                for b in &palette[i + 1..] {
                    let least = VISIONS.iter().map(|seen| distance(a, b, seen)).fold(f64::INFINITY, f64::min);
                    assert!(least > 0.075, "{a} and {b}: {least:.3}");
                }
            }
        }
    }

    const VISIONS: [[[f64; 3]; 3]; 3] = [
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ];
    const OKLAB_CONES: [[f64; 3]; 3] = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ];
    const OKLAB: [[f64; 3]; 3] = [
        [0.2104542553, 0.793617785, -0.0040720468],
        [1.9779984951, -2.428592205, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.808675766],
    ];

    fn times(matrix: &[[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
        [0, 1, 2].map(|row| (0..3).map(|column| matrix[row][column] * v[column]).sum())
    }

    fn distance(a: &str, b: &str, vision: &[[f64; 3]; 3]) -> f64 {
        let lab = |hex| {
            let seen = times(vision, linear(hex)).map(|value| value.max(0.0));
            times(&OKLAB, times(&OKLAB_CONES, seen).map(f64::cbrt))
        };
        let (a, b) = (lab(a), lab(b));
        (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
    }
}
