//! The command line that nearly everybody types, read without clap: to define some eighty options takes
//! longer than to publish a message.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use mqtools_common::args;

use super::Args;

/// Reads a command line of the plainest options only, each with its value in a word of its own; none
/// where there is anything else or anything wrong, which clap is to look at. What this gives, clap
/// would give, too.
#[must_use]
pub fn quick(words: &[OsString]) -> Option<Box<Args>> {
    let mut args = Box::<Args>::default();
    let mut words = words.iter().skip(1);
    while let Some(option) = words.next() {
        match option.as_bytes() {
            b"-r" | b"--retain" => args.retain = true,
            b"-n" | b"--null-message" => args.null_message = true,
            b"-l" | b"--stdin-line" => args.stdin_line = true,
            option => take(&mut args, option, words.next()?)?,
        }
    }
    let sources = [
        args.message.is_some(),
        args.file.is_some(),
        args.null_message,
        args.stdin_line,
    ];
    let has_source = sources.iter().filter(|given| **given).count() == 1;
    (has_source && args.topic.is_some()).then_some(args)
}

fn take(args: &mut Args, option: &[u8], value: &OsStr) -> Option<()> {
    let text = || value.to_str();
    match option {
        b"-t" | b"--topic" => args.topic = Some(text()?.to_owned()),
        b"-m" | b"--message" => args.message = Some(value.to_owned()),
        // clap takes no empty path.
        b"-f" | b"--file" if !value.is_empty() => args.file = Some(PathBuf::from(value)),
        b"-q" | b"--qos" => args.qos = args::qos(text()?).ok()?,
        option => args.connection.take(option, value)?,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use mqtools_common::usage::{Parsed, parse};
    use proptest::prelude::*;

    use super::*;

    fn words() -> impl Strategy<Value = Vec<OsString>> {
        let word = prop_oneof![
            8 => prop::sample::select(vec![
                "-t", "-m", "-f", "-q", "-h", "-p", "-i", "-u", "-V", "-r", "-n", "-l", "--topic", "--message",
                "--file", "--qos", "--host", "--port", "--id", "--username", "--retain", "--null-message",
                "--stdin-line", "--cafile",
            ])
            .prop_map(OsString::from),
            6 => prop::sample::select(vec![
                "a", "1", "2", "", " 1 ", "5", "311", "mqttv5", "mqttv31", "MQTTV5", "65535", "65536", "-1", "--",
                "-", "-x", "-tx", "--topic=b", "-rl", "--help", "-d", "--quiet", "-k", "10", "--retai", "-P",
            ])
            .prop_map(OsString::from),
            1 => prop::collection::vec(any::<u8>().prop_filter("no argument", |byte| *byte != 0), 0..4)
                .prop_map(OsString::from_vec),
        ];
        prop::collection::vec(word, 0..9)
    }

    fn check(typed: Vec<OsString>) -> bool {
        let mut line = vec![OsString::from("mqpub")];
        line.extend(typed);
        let Some(args) = quick(&line) else {
            return false;
        };
        match parse::<Args>(super::super::command("mqpub"), line.clone()) {
            Ok(Parsed::Run(parsed)) => {
                assert_eq!(format!("{args:?}"), format!("{parsed:?}"), "{line:?}");
            }
            other => panic!("clap says otherwise to {line:?}: {other:?}"),
        }
        true
    }

    #[test]
    fn what_is_usual_is_quick() {
        for line in [
            "-t a -m b",
            "-h host -p 1884 -t a -m b -q 1 -r",
            "--host host --topic a --null-message --retain",
            "-t a -l --qos 2 -i id -u name",
            "-t a -f file -V mqttv5 --cafile ca.pem",
            "-t a -m -t -m --",
            "-r -t a -t b -m c -m d -r",
        ] {
            assert!(
                check(line.split(' ').map(OsString::from).collect()),
                "{line}"
            );
        }
    }

    #[test]
    fn what_is_not_usual_is_left_to_clap() {
        for line in [
            "",
            "-t a",
            "-m b",
            "-t a -m",
            "-t a -m b -f c",
            "-t a -m b -l",
            "-t a -m b -q 3",
            "-t a -m b -p x",
            "-t a -m b -P secret",
            "-t a -m b --unknown c",
            "-t a -m b c",
            "-ta -m b",
            "-t a -m b --help",
            "-t a -f ",
        ] {
            assert!(
                !check(line.split(' ').map(OsString::from).collect()),
                "{line}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn clap_would_give_the_same(before in words(), after in words()) {
            // Most lines at random lack what each line needs.
            let needed = ["-t", "a", "-m", "b"].map(OsString::from);
            check([&before[..], &after].concat());
            check([&before[..], &needed, &after].concat());
        }
    }
}
