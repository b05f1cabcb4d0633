//! An answer as titled tables, built once and laid out by every text format.

use serde::Serialize;

/// A titled table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    /// Title.
    pub title: String,
    /// Column headings.
    pub columns: Vec<String>,
    /// Rows of cells, as many as there are columns.
    pub rows: Vec<Vec<String>>,
    /// Columns from this one on hold numbers and are aligned to the right.
    pub numbers_from: usize,
}

impl Section {
    /// A table of text.
    pub fn new(title: &str, columns: &[&str], rows: Vec<Vec<String>>) -> Self {
        let columns: Vec<String> = columns.iter().map(|c| (*c).to_owned()).collect();
        let numbers_from = columns.len();
        Self { title: title.to_owned(), columns, rows, numbers_from }
    }

    /// A table of labels and values.
    pub fn pairs(title: &str, rows: Vec<(&str, String)>) -> Self {
        let rows = rows.into_iter().map(|(label, value)| vec![label.to_owned(), value]).collect();
        Self::new(title, &["what", "value"], rows)
    }

    /// With numbers from a column on.
    pub fn numbers_from(mut self, column: usize) -> Self {
        self.numbers_from = column;
        self
    }
}

/// What to know before acting, a row each.
pub fn warnings(texts: &[String]) -> Section {
    Section::new("Warnings", &["what"], texts.iter().map(|text| vec![text.clone()]).collect())
}

/// As plain text, in columns.
pub fn text(sections: &[Section]) -> String {
    use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
    let one = |section: &Section| {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(section.columns.iter().map(String::as_str));
        table.add_rows(section.rows.iter().map(|row| row.iter().map(String::as_str)));
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if index >= section.numbers_from {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let body: String = table.lines().map(|line| format!("  {}\n", line.trim_end())).collect();
        format!("{}\n{body}", section.title)
    };
    sections.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// As Markdown, with pipe tables.
pub fn markdown(sections: &[Section]) -> String {
    let cell = |text: &String| text.replace('|', "\\|").replace('\n', " ");
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let one = |section: &Section| {
        let rules =
            (0..section.columns.len()).map(|i| if i >= section.numbers_from { "---:" } else { "---" });
        let head = line(section.columns.iter().map(cell).collect());
        let rule = line(rules.map(str::to_owned).collect());
        let rows: String = section.rows.iter().map(|row| line(row.iter().map(cell).collect())).collect();
        format!("## {}\n\n{head}{rule}{rows}", section.title)
    };
    sections.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// As one CSV row a table row, quoted where needed.
pub fn csv(columns: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |text: &str| match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    };
    let line = |cells: Vec<String>| cells.join(",") + "\n";
    let head = line(columns.iter().map(|c| cell(c)).collect());
    head + &rows.iter().map(|row| line(row.iter().map(|c| cell(c)).collect())).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_one_table_in_three_formats() {
        let rows = vec![vec!["fp8, \"block\"".to_owned(), "12".to_owned()]];
        let section = Section::new("Plans", &["quant", "racks"], rows.clone()).numbers_from(1);
        assert_eq!(
            text(std::slice::from_ref(&section)),
            "Plans\n  quant         racks\n  fp8, \"block\"     12\n"
        );
        assert!(markdown(&[section]).contains("| --- | ---: |\n| fp8, \"block\" | 12 |"));
        assert_eq!(csv(&["quant", "racks"], &rows), "quant,racks\n\"fp8, \"\"block\"\"\",12\n");
    }
}
