//! What came beside what is shown: equal, but for what is different in every run.

use std::sync::LazyLock;

use regex::Regex;

/// What changes from run to run, and what stands for it.
static CHANGING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d{4}|Z)?",
            "DATE",
        ),
        (r"\d{4}-\d\d-\d\d", "DAY"),
        (r"\d\d:\d\d:\d\d", "TIME"),
        (r"\$(6|7\$1000)\$[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+", "HASH"),
        (r"^[A-Za-z0-9]{24}$", "PASSWORD"),
        (r"[0-9a-f]{8}-[0-9a-f-]{27}", "UUID"),
        (r"\d+(\.\d+)? (µs|ms|s)\b", "SPAN"),
        (r#"("[a-z_]*ms"):\d+(\.\d+)?"#, "$1:SPAN"),
        (r"\d+(\.\d+)? (messages|k?B|MB)/s", "RATE"),
        // In the table of --stats, after how many messages and bytes.
        (r"^( +\d+ +\d+) +\d+\.\d", "$1 RATE"),
        // How a killed broker's connection ends depends on what was on its way.
        (r"was lost: .*; trying", "was lost: REASON; trying"),
    ]
    .map(|(pattern, name)| (Regex::new(pattern).expect("a pattern"), name))
    .into()
});

/// What only root is told, who is not the reader.
const ROOT_ONLY: &str = "note: passwd can be read by the group of the user mosquitto";

/// Whether both say the same; `...` alone on a line stands for any lines.
pub(crate) fn same(shown: &[String], came: &[String]) -> Result<(), String> {
    let expected: Vec<_> = shown.iter().map(|line| lasting(line)).collect();
    let for_everybody = came.iter().filter(|line| !line.starts_with(ROOT_ONLY));
    let actual: Vec<_> = for_everybody.map(|line| lasting(line)).collect();
    if matches(&expected, &actual) {
        return Ok(());
    }
    let (shown, came) = (shown.join("\n"), came.join("\n"));
    Err(format!("shown:\n{shown}\ncame:\n{came}\n"))
}

fn matches(expected: &[String], actual: &[String]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((line, rest)) if line == "..." => {
            (0..=actual.len()).any(|skipped| matches(rest, &actual[skipped..]))
        }
        Some((line, rest)) => actual.first() == Some(line) && matches(rest, &actual[1..]),
    }
}

/// A line without what changes, and without the blanks at its end, which no reader sees.
fn lasting(line: &str) -> String {
    CHANGING
        .iter()
        .fold(line.trim_end().to_owned(), |line, (pattern, name)| {
            pattern.replace_all(&line, *name).into_owned()
        })
}

#[test]
fn what_changes_is_compared_by_its_form_and_the_rest_to_the_letter() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let same = |shown, came| same(&lines(shown), &lines(came)).is_ok();
    assert!(same("12:00:00 a", "13:01:02 a"));
    assert!(!same("12:00:00 a", "13:01:02 b"));
    assert!(same("a\n...\nz", "a\nb\nc\nz") && same("a\n...\nz", "a\nz"));
    assert!(!same("a\n...\nz", "a\nb") && !same("a", "a\nb") && !same("a\nb", "a"));
}
