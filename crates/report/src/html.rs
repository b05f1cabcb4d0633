//! An answer as one self-contained page: text, pictures and tables, no script and nothing to load.

use crate::section::Section;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

/// A picture with what it shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// File name without extension.
    pub name: String,
    /// What it shows, in a sentence.
    pub caption: String,
    /// The picture.
    pub svg: String,
}

/// What a page holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Page {
    /// For the window.
    pub title: String,
    /// The decision.
    pub headline: String,
    /// What it rests on, in a sentence.
    pub lead: String,
    /// The first screen, as text.
    pub screen: String,
    /// Pictures.
    pub figures: Vec<Figure>,
    /// Tables.
    pub sections: Vec<Section>,
    /// Version of the program.
    pub version: String,
}

/// The page as HTML.
pub fn html(page: &Page) -> String {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page", include_str!("page.html")).expect("the template is part of the program");
    let template = environment.get_template("page").expect("it was just added");
    template.render(Serde(page)).expect("every name in the template is a field of the page")
}
