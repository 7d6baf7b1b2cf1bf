//! What a receiver must have printed for numbered messages.

use serde::Deserialize;

use crate::numbers::{Number, payload};
use crate::workload::Output;

/// Compares `printed` with what `count` messages look like; every `step`th message of the source
/// counts, beginning with the first.
///
/// # Errors
/// The first line that is not right.
pub fn check(
    printed: &[u8],
    form: Output,
    topic: &str,
    count: u64,
    step: usize,
    size: usize,
) -> Result<(), String> {
    let mut number = Number::first();
    let mut rest = printed;
    for line in 1..=count {
        let payload = payload(&number, size);
        let end = rest.iter().position(|&byte| byte == b'\n');
        let Some((found, after)) = end.and_then(|end| rest.split_at_checked(end)) else {
            return Err(format!("line {line} of {count} is missing"));
        };
        let right = match form {
            Output::Plain => found == payload,
            Output::Verbose => found == [topic.as_bytes(), b" ", &payload].concat(),
            Output::Hex => {
                let hex: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
                found == hex.as_bytes()
            }
            Output::Json => json_matches(found, topic, &payload),
        };
        if !right {
            return Err(format!("line {line} is not as it should be"));
        }
        rest = after.get(1..).unwrap_or_default();
        for _ in 0..step {
            number.advance();
        }
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(format!("there is more than {count} lines"))
    }
}

fn json_matches(line: &[u8], topic: &str, payload: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Message<'a> {
        topic: &'a str,
        payload: &'a str,
    }
    serde_json::from_slice::<Message<'_>>(line)
        .is_ok_and(|message| message.topic == topic && message.payload.as_bytes() == payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_doubled_and_changed_lines_are_found() {
        let check = |printed: &str| check(printed.as_bytes(), Output::Plain, "t", 2, 1, 3);
        assert_eq!(check("001\n002\n"), Ok(()));
        for wrong in [
            "001\n",
            "001\n001\n",
            "002\n001\n",
            "001\n002\n003\n",
            "001\n002",
            "001 \n002\n",
        ] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn each_form_is_known() {
        let every = |form, printed: &str| check(printed.as_bytes(), form, "t", 2, 2, 2);
        assert_eq!(every(Output::Verbose, "t 01\nt 03\n"), Ok(()));
        assert_eq!(every(Output::Hex, "3031\n3033\n"), Ok(()));
        let json = "{\"topic\":\"t\",\"payload\":\"01\"}\n{\"topic\":\"t\",\"payload\":\"03\"}\n";
        assert_eq!(every(Output::Json, json), Ok(()));
        assert!(every(Output::Json, &json.replace("03", "02")).is_err());
        assert!(every(Output::Hex, "3031\n3032\n").is_err());
    }
}
