//! Pictures out: SVG files, and PNG files where the program was built with them.

use crate::error::{Failure, write_failed};
use crate::output::write_bytes;
use clap::{Arg, ArgMatches};
use rackplan_report::html::Figure;
use rackplan_report::svg::Theme;
use std::path::PathBuf;

/// `--figures DIR`.
pub(crate) fn figures_flag() -> Arg {
    let arg =
        Arg::new("figures").long("figures").value_name("DIR").value_parser(clap::value_parser!(PathBuf));
    arg.help("Write every picture there as SVG (and PNG, if built with the feature `png`)")
}

/// Writes the pictures, if asked to; `draw` makes them for a theme.
pub(crate) fn write(matches: &ArgMatches, draw: impl Fn(Theme) -> Vec<Figure>) -> Result<(), Failure> {
    let Some(folder) = matches.get_one::<PathBuf>("figures") else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(write_failed(&folder.display().to_string()))?;
    for figure in draw(Theme::Auto) {
        write_bytes(Some(&folder.join(format!("{}.svg", figure.name))), figure.svg.as_bytes())?;
    }
    #[cfg(feature = "png")]
    write_png(folder, &draw(Theme::Light))?;
    Ok(())
}

/// A picture as PNG has one theme, and is drawn at twice its size for sharp screens.
#[cfg(feature = "png")]
fn write_png(folder: &std::path::Path, figures: &[Figure]) -> Result<(), Failure> {
    let fonts = rackplan_report::png::Fonts::of_system();
    for figure in figures {
        let png = rackplan_report::png::render(&figure.svg, 2.0, &fonts);
        let png = png.map_err(|error| Failure::Internal(error.to_string()))?;
        write_bytes(Some(&folder.join(format!("{}.png", figure.name))), &png)?;
    }
    Ok(())
}
