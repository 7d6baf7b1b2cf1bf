//! The command line that nearly everybody types, read without clap: to define some ninety options takes
//! longer than to receive a message, and clap takes some 10,000 instructions for each Topic Filter.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use mqtools_common::args;

use super::{Args, count};

/// Reads a command line of the plainest options only, each with its value in a word of its own; none
/// where there is anything else or anything wrong, which clap is to look at. What this gives, clap
/// would give, too.
#[must_use]
pub fn quick(words: &[OsString]) -> Option<Box<Args>> {
    let mut args = Box::<Args>::default();
    let mut words = words.iter().skip(1);
    while let Some(option) = words.next() {
        match option.as_bytes() {
            b"-v" | b"--verbose" => args.verbose = true,
            b"-N" => args.no_newline = true,
            b"-R" => args.no_retained = true,
            b"-E" => args.exit_after_subscribe = true,
            option => take(&mut args, option, words.next()?)?,
        }
    }
    (!args.topic.is_empty()).then_some(args)
}

fn take(args: &mut Args, option: &[u8], value: &OsStr) -> Option<()> {
    let text = || value.to_str();
    match option {
        b"-t" | b"--topic" => args.topic.push(text()?.to_owned()),
        b"-T" | b"--filter-out" => args.filter_out.push(text()?.to_owned()),
        b"-q" | b"--qos" => args.qos = args::qos(text()?).ok()?,
        b"-C" => args.count = Some(count(text()?).ok()?),
        b"-W" => args.timeout = Some(args::seconds(text()?).ok()?),
        b"-F" => args.format = Some(value.to_owned()),
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
                "-t", "-T", "-q", "-C", "-W", "-F", "-v", "-N", "-R", "-E", "-h", "-p", "-i", "-u", "-V", "--topic",
                "--filter-out", "--qos", "--verbose", "--host", "--port", "--id", "--username", "--cafile",
            ])
            .prop_map(OsString::from),
            6 => prop::sample::select(vec![
                "a", "#", "1", "2", "", " 1 ", "0", "0.5", "1e3", "inf", "5", "311", "mqttv5", "MQTTV5", "65536", "-1",
                "--", "-", "-x", "-tx", "--topic=b", "-vN", "--help", "-d", "--quiet", "%p", "--topi", "-P",
            ])
            .prop_map(OsString::from),
            1 => prop::collection::vec(any::<u8>().prop_filter("no argument", |byte| *byte != 0), 0..4)
                .prop_map(OsString::from_vec),
        ];
        prop::collection::vec(word, 0..9)
    }

    fn check(typed: Vec<OsString>) -> bool {
        let mut line = vec![OsString::from("mqsub")];
        line.extend(typed);
        let Some(args) = quick(&line) else {
            return false;
        };
        match parse::<Args>(super::super::command("mqsub"), line.clone()) {
            Ok(Parsed::Run(parsed)) => {
                assert_eq!(
                    format!("{args:?}"),
                    format!("{:?}", Box::new(parsed)),
                    "{line:?}"
                );
            }
            other => panic!("clap says otherwise to {line:?}: {other:?}"),
        }
        true
    }

    fn split(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn what_is_usual_is_quick() {
        for line in [
            "-t a",
            "-h host -p 1884 -t a -t b/# -v -q 1",
            "--topic a -C 1 -W 0.5 -F %t -N",
            "-t # -T $SYS/# -R --cafile ca.pem -V mqttv5 -i id -u name",
            "-t -t -E",
            "-v -t a -v -C 1 -C 2",
        ] {
            assert!(check(split(line)), "{line}");
        }
    }

    #[test]
    fn what_is_not_usual_is_left_to_clap() {
        for line in [
            "",
            "-v",
            "-C 1",
            "-t",
            "-t a -C 0",
            "-t a -W x",
            "-t a -q 3",
            "-t a -P secret",
            "-t a b",
            "-ta",
            "-t a --help",
            "-t a --json",
            "-t a --exec cat",
            "-t a --cafile ",
        ] {
            assert!(!check(split(line)), "{line}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn clap_would_give_the_same(before in words(), after in words()) {
            // Most lines at random lack what each line needs.
            let needed = ["-t", "a"].map(OsString::from);
            check([&before[..], &after].concat());
            check([&before[..], &needed, &after].concat());
        }
    }
}
