//! Pictures as PNG: renders an SVG of [`crate::svg`] with resvg. Needs literal colours, so draw it in `Theme::Light`
//! or `Theme::Dark`; `Theme::Auto` comes out light.

use resvg::{tiny_skia, usvg};
use std::sync::Arc;
use usvg::fontdb;

/// Faces tried for text, in the order of the pictures' own font list.
const FACES: [&str; 9] = [
    "Segoe UI",
    "Roboto",
    "Helvetica Neue",
    "Helvetica",
    "Arial",
    "Noto Sans",
    "Inter",
    "Liberation Sans",
    "DejaVu Sans",
];

/// Larger pictures would take gigabytes.
const MOST_PIXELS: f64 = 100e6;

/// The fonts text is drawn with. Loading them is the shell's business: rendering reads nothing.
#[derive(Clone, Debug)]
pub struct Fonts(Arc<fontdb::Database>);

impl Fonts {
    /// The fonts installed on this machine; the result differs from machine to machine.
    pub fn of_system() -> Fonts {
        let mut database = fontdb::Database::new();
        database.load_system_fonts();
        Fonts::named(database)
    }

    /// Fonts from the contents of TrueType or OpenType files, for the same picture everywhere.
    pub fn from_files(files: impl IntoIterator<Item = Vec<u8>>) -> Fonts {
        let mut database = fontdb::Database::new();
        for file in files {
            database.load_font_data(file);
        }
        Fonts::named(database)
    }

    /// Makes `sans-serif` mean a face that is there.
    fn named(mut database: fontdb::Database) -> Fonts {
        let has =
            |name: &str| database.faces().any(|face| face.families.iter().any(|(family, _)| family == name));
        let any = database.faces().find(|face| !face.monospaced).or_else(|| database.faces().next());
        let family = match FACES.into_iter().find(|name| has(name)) {
            Some(name) => Some(name.to_owned()),
            None => any.and_then(|face| face.families.first()).map(|(family, _)| family.clone()),
        };
        if let Some(family) = family {
            database.set_sans_serif_family(family);
        }
        Fonts(Arc::new(database))
    }

    /// Whether there is any face to draw text with.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why a picture could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// The text is no SVG.
    #[error("not a drawable svg: {0}")]
    Unreadable(#[from] usvg::Error),
    /// Text would be missing from the picture.
    #[error("no fonts to draw text with")]
    NoFonts,
    /// No pixels, or more than memory should hold.
    #[error(
        "a scale of {scale} makes {width:.0} x {height:.0} pixels; at least 1 and at most 100 million can be drawn"
    )]
    Size {
        /// What was asked.
        scale: f32,
        /// Resulting width.
        width: f64,
        /// Resulting height.
        height: f64,
    },
    /// The picture could not be written as PNG.
    #[error("cannot encode the picture: {0}")]
    Encoding(String),
}

/// Renders an SVG at a scale (2 for sharp print and dense screens) and returns the bytes of a PNG file.
pub fn render(svg: &str, scale: f32, fonts: &Fonts) -> Result<Vec<u8>, PngError> {
    if fonts.is_empty() {
        return Err(PngError::NoFonts);
    }
    let options = usvg::Options {
        fontdb: Arc::clone(&fonts.0),
        font_family: "sans-serif".to_owned(),
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(svg, &options)?;
    let [width, height] =
        [tree.size().width(), tree.size().height()].map(|side| (f64::from(side) * f64::from(scale)).ceil());
    let size = || PngError::Size { scale, width, height };
    if !(width >= 1.0 && height >= 1.0 && width * height <= MOST_PIXELS) {
        return Err(size());
    }
    let mut pixels = tiny_skia::Pixmap::new(width as u32, height as u32).ok_or_else(size)?;
    let stretch = tiny_skia::Transform::from_scale(
        width as f32 / tree.size().width(),
        height as f32 / tree.size().height(),
    );
    resvg::render(&tree, stretch, &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| PngError::Encoding(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::svg::{ClusterDiagram, LineChart, Series, Theme};

    #[test]
    fn hand_without_fonts_rendering_is_refused() {
        let none = Fonts::from_files([]);
        assert!(matches!(
            render("<svg xmlns='http://www.w3.org/2000/svg'/>", 1.0, &none),
            Err(PngError::NoFonts)
        ));
    }

    #[test]
    fn law_our_pictures_are_read_as_svg_of_the_asked_width() {
        let series = vec![Series::new("a < b & \"c\"", [(1.0, 2.0), (2.0, 3.0)])];
        let chart = LineChart { series, ..LineChart::default() };
        let cluster =
            ClusterDiagram { racks: 3, servers_per_rack: 2, gpus_per_server: 8, ..ClusterDiagram::default() };
        for theme in [Theme::Auto, Theme::Light, Theme::Dark] {
            for svg in [chart.to_svg(theme, 640.0), cluster.to_svg(theme, 640.0)] {
                let tree = usvg::Tree::from_str(&svg, &usvg::Options::default()).unwrap();
                assert_eq!(tree.size().width(), 640.0);
            }
        }
    }

    /// Needs a machine with fonts; without any there is nothing to see.
    #[test]
    fn hand_a_png_starts_with_its_signature_and_impossible_sizes_are_refused() {
        let fonts = Fonts::of_system();
        if fonts.is_empty() {
            return;
        }
        let svg = LineChart::default().to_svg(Theme::Light, 300.0);
        assert!(render(&svg, 1.0, &fonts).unwrap().starts_with(b"\x89PNG\r\n\x1a\n"));
        for scale in [0.0, -1.0, f32::NAN, 1e9] {
            assert!(matches!(render(&svg, scale, &fonts), Err(PngError::Size { .. })), "{scale}");
        }
        assert!(matches!(render("<svg", 1.0, &fonts), Err(PngError::Unreadable(_))));
    }
}
