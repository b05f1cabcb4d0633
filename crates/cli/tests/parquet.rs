//! Tables as Parquet hold what CSV holds, each column with its type; a program built without it says so.

mod common;

use common::{Said, folder, rackplan};
use std::path::Path;

fn said(words: &str) -> Said {
    rackplan().args(words.split_whitespace()).output().expect("it runs").into()
}

const SWEEP: &str = "sweep --method operators --model Llama-3.1-8B --hardware h100_hgx --quant fp8,bf16 --users 500 \
                     --think-time 20s --isl 1000 --osl 200 --tp 1,2 --pp 1 --ttft 2s --tpot 50ms";
const SIMULATE: &str =
    "simulate --model llama-3.1-8b --gpu h100_sxm --rate 5 --isl 500 --osl 20 --requests 40";

fn in_folder(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

#[cfg(not(feature = "parquet"))]
#[test]
fn hand_without_parquet_the_way_out_is_said() {
    let file = in_folder(&folder("parquet_absent"), "rows.parquet");
    for words in [format!("{SWEEP} -o {file}"), format!("{SIMULATE} --requests-out {file}")] {
        let said = said(&words);
        assert_eq!(said.code, 3, "{}", said.err);
        assert!(said.err.starts_with(&format!("error: {file}: this program was built without Parquet")));
        assert!(said.err.contains("hint: build it with `--features parquet`"), "{}", said.err);
        assert!(!Path::new(&file).exists());
    }
}

#[test]
fn hand_flags_that_parquet_has_no_use_for_are_refused() {
    let file = in_folder(&folder("parquet_refused"), "plans.parquet");
    let plans = SWEEP.replace("--method operators", "--method first-order");
    let wrong = [
        (format!("{plans} -o {file}"), "only rows of plans"),
        (format!("{SWEEP} --format csv -o {file}"), "a format of its own"),
        (format!("{SWEEP} --resume -o {file}"), "cannot be gone on with"),
    ];
    for (words, why) in wrong {
        let said = said(&words);
        assert_eq!(said.code, 2, "{}", said.err);
        assert!(said.err.contains(why) && said.err.contains("hint: "), "{}", said.err);
    }
}

#[cfg(feature = "parquet")]
mod with {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    use std::fs::{File, read_to_string};

    /// Heading, kinds of columns, and rows as CSV has them.
    fn table(path: &str) -> (Vec<String>, Vec<String>, Vec<Vec<String>>) {
        let reader =
            SerializedFileReader::new(File::open(path).expect("it is there")).expect("it is Parquet");
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let names = schema.columns().iter().map(|column| column.name().to_owned()).collect();
        let kinds = schema.columns().iter().map(|column| column.physical_type().to_string()).collect();
        let rows = reader.get_row_iter(None).expect("it has rows");
        let cells = rows.map(|row| {
            let row = row.expect("it can be read");
            row.get_column_iter().map(|(_, field)| cell(field)).collect()
        });
        (names, kinds, cells.collect())
    }

    fn cell(field: &Field) -> String {
        match field {
            Field::Null => String::new(),
            Field::Bool(value) => value.to_string(),
            Field::ULong(value) => value.to_string(),
            Field::Double(value) => value.to_string(),
            Field::Str(value) => value.clone(),
            other => panic!("no column has {other:?}"),
        }
    }

    fn csv(path: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let text = read_to_string(path).expect("it is there");
        let split = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let mut lines = text.lines().map(split);
        (lines.next().expect("a heading"), lines.collect())
    }

    #[test]
    fn law_parquet_and_csv_hold_the_same() {
        let folder = folder("parquet_rows");
        let [plans, rows, steps] = ["plans", "requests", "steps"].map(|name| {
            [format!("{name}.parquet"), format!("{name}.csv")].map(|name| in_folder(&folder, &name))
        });
        for (index, format) in ["", "--format csv"].into_iter().enumerate() {
            let swept = said(&format!("{SWEEP} {format} -o {}", plans[index]));
            assert_eq!(swept.code, 0, "{}", swept.err);
            let out = format!("--requests-out {} --steps-out {}", rows[index], steps[index]);
            let played = said(&format!("{SIMULATE} {out}"));
            assert_eq!(played.code, 0, "{}", played.err);
        }
        for [parquet, text] in [plans, rows, steps] {
            let ((names, kinds, found), (heading, asked)) = (table(&parquet), csv(&text));
            assert_eq!(names, heading, "{parquet}");
            assert_eq!(found, asked, "{parquet}");
            assert!(found.len() > 1 && kinds.iter().any(|kind| kind == "DOUBLE"), "{parquet}");
        }
    }

    #[test]
    fn hand_columns_have_the_types_of_their_values() {
        let file = in_folder(&folder("parquet_types"), "plans.parquet");
        assert_eq!(said(&format!("{SWEEP} -o {file}")).code, 0);
        let (names, kinds, _) = table(&file);
        let kind =
            |name: &str| kinds[names.iter().position(|other| other == name).expect("a column")].as_str();
        let found = ["hardware", "tp", "ttft_s", "power_w", "pareto"].map(kind);
        assert_eq!(found, ["BYTE_ARRAY", "INT64", "DOUBLE", "DOUBLE", "BOOLEAN"]);
    }

    #[test]
    fn hand_many_rows_are_several_groups() {
        // 70,000 requests of a token each: a group of 65,536 and the rest.
        let file = in_folder(&folder("parquet_groups"), "requests.parquet");
        let words =
            SIMULATE.replace("--rate 5 --isl 500 --osl 20 --requests 40", "--rate 200 --isl 10 --osl 1");
        assert_eq!(said(&format!("{words} --requests 70000 --requests-out {file}")).code, 0);
        let reader =
            SerializedFileReader::new(File::open(&file).expect("it is there")).expect("it is Parquet");
        let groups: Vec<i64> = reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
        assert_eq!(groups, [65_536, 4_464]);
    }
}
