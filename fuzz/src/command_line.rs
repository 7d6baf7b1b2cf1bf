//! What a user writes: options files, `-L`, `--proxy`, `-D`, topics.

use std::cell::RefCell;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use bytes::Bytes;
use clap::{Arg, Args as _, Command, FromArgMatches as _};
use mqtools_common::fuzz::options_file;
use mqtools_common::net::Proxy;
use mqtools_common::property;
use mqtools_common::secret::Secret;
use mqtools_common::topic::{MAX_STRING, TopicFilter, TopicName};
use mqtools_common::url::UrlArgs;

use crate::cursor::Cursor;
use crate::{Target, assert_harmless, assert_harmless_report};

/// The text of an options file.
pub(crate) const OPTIONS_FILE: Target = Target {
    name: "options_file",
    run: options_of,
    words: &[
        b"\n",
        b"\r\n",
        b"#",
        b"-h ",
        b"-p ",
        b"-P ",
        b"--pw ",
        b"-D ",
        b"publish",
        b"user-property",
        b"--will-topic ",
        b"--host=",
        b"-m ",
        b"-o ",
        b"--help",
        b"-d",
        b"\xef\xbb\xbf",
        b"=",
        b"\x1b[2J",
        b"--proxy ",
        b"-L ",
        b"-k ",
        b"-V ",
        b"mqttv5",
    ],
    memory: (2 << 20, 400),
    cases: 400,
};

/// `-D`: the words of several options, NUL between words and newline between options.
pub(crate) const PROPERTY: Target = Target {
    name: "property",
    run: properties,
    words: &[
        b"\0",
        b"\n",
        b"connect",
        b"publish",
        b"subscribe",
        b"unsubscribe",
        b"disconnect",
        b"will",
        b"user-property",
        b"topic-alias",
        b"content-type",
        b"correlation-data",
        b"response-topic",
        b"session-expiry-interval",
        b"receive-maximum",
        b"will-delay-interval",
        b"4294967295",
        b"65535",
        b"0",
        b"-1",
        b"\xff",
        b"\xc2\x9b",
    ],
    memory: (256 << 10, 64),
    cases: 20_000,
};

/// The length of the first text, then a Topic Name or Topic Filter, then another.
pub(crate) const TOPIC: Target = Target {
    name: "topic",
    run: topics,
    words: &[
        b"/",
        b"+",
        b"#",
        b"$share/",
        b"$SYS/",
        b"$",
        b"\0",
        b"\xff",
        b"\xef\xbf\xbe",
        b"a",
        b"/+/",
        b"/#",
    ],
    memory: (64 << 10, 64),
    cases: 20_000,
};

/// `-L` or `--proxy`, as typed.
pub(crate) const URL: Target = Target {
    name: "url",
    run: urls,
    words: &[
        b"mqtt://",
        b"mqtts://",
        b"ws://",
        b"wss://",
        b"socks5h://",
        b"@",
        b":",
        b"/",
        b"[::1]",
        b"%00",
        b"%2F",
        b"%ff",
        b"%",
        b"]",
        b"65535",
        b"0",
        b"\xff",
        b"\x1b",
    ],
    memory: (256 << 10, 64),
    cases: 4_000,
};

fn options_of(input: &[u8]) {
    thread_local! {
        static COMMAND: RefCell<Command> = RefCell::new({
            let mut command = mqpub::cli::command("mqpub");
            command.build();
            command
        });
    }
    let lines = input.split(|&byte| byte == b'\n').count();
    COMMAND.with_borrow_mut(|command| match options_file(input, command) {
        Ok(entries) => {
            let mut before = 0;
            for (line, words) in entries {
                assert!(line > before && line <= lines, "line {line} after {before}");
                before = line;
                assert!(words[0].as_bytes().starts_with(b"-"));
                // Nothing is made up: what the option is given is in its line.
                let size: usize = words.iter().map(|word| word.len()).sum();
                let text = input.split(|&byte| byte == b'\n').nth(line - 1).unwrap();
                assert!(size <= text.len(), "{words:?} of {text:?}");
            }
        }
        Err((line, what)) => {
            assert!((1..=lines).contains(&line), "line {line} of {lines}");
            assert!(!what.is_empty());
            // As it reaches the user: as the cause of a report.
            assert_harmless_report(&mqtools_common::usage::misuse("an options file").cause(what));
        }
    });
}

fn properties(input: &[u8]) {
    let options: Vec<OsString> = input
        .split(|&byte| byte == b'\n')
        .map(|words| OsString::from_vec(words.to_vec()))
        .collect();
    match property::parse(&options) {
        Ok(typed) => {
            let lists = [
                typed.connect,
                typed.publish,
                typed.subscribe,
                typed.unsubscribe,
                typed.disconnect,
                typed.will,
            ];
            let count: usize = lists.iter().map(Vec::len).sum();
            assert_eq!(count, options.len(), "one property for each option");
            for list in lists {
                let encoded: property::Properties = list.into_iter().collect();
                assert!(encoded.as_bytes().len() <= input.len() + 8 * options.len());
            }
        }
        Err(report) => {
            assert_eq!(report.exit().code(), 1);
            assert_harmless_report(&report);
            assert!(report.to_string().contains("cause: "));
        }
    }
}

fn topics(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let first = cursor.short();
    let second = cursor.rest();
    let mut names = Vec::new();
    let mut filters = Vec::new();
    for bytes in [first, second] {
        let packet = Bytes::copy_from_slice(bytes);
        match TopicName::from_packet(&packet, &packet) {
            Ok(topic) => assert_eq!(topic.as_bytes(), bytes),
            Err(why) => assert_harmless(&why.to_string()),
        }
        let text = String::from_utf8_lossy(bytes);
        match TopicName::new(&text) {
            Ok(topic) => {
                assert_eq!(topic.as_str(), text);
                assert!(!text.is_empty() && text.len() <= MAX_STRING);
                assert!(!text.contains(['+', '#', '\0']));
                assert_eq!(topic.detached(), topic);
                names.push(topic);
            }
            Err(why) => {
                assert_harmless(&why.to_string());
                assert_harmless(why.hint());
            }
        }
        match TopicFilter::new(&text) {
            Ok(filter) => {
                assert_eq!(filter.as_str(), text);
                filters.push(filter);
            }
            Err(why) => {
                assert_harmless(&why.to_string());
                assert_harmless(why.hint());
                // A name without wildcards is a filter, but for a beginning that has a meaning.
                assert!(TopicName::new(&text).is_err() || text.starts_with("$share/"));
            }
        }
    }
    for topic in &names {
        for filter in &filters {
            let matches = filter.matches(topic);
            if !filter.as_str().contains(['+', '#']) {
                assert_eq!(matches, filter.as_str() == topic.as_str());
            }
        }
    }
}

fn urls(input: &[u8]) {
    // The operating system gives no word with a NUL in it.
    if !input.contains(&0) {
        // The options whose order it looks at.
        let others = [
            "unix",
            "host",
            "port",
            "username",
            "password",
            "password_file",
            "ask_password",
            "topic",
        ];
        let command = UrlArgs::augment_args(Command::new("tool"))
            .args(others.map(|it| Arg::new(it).long(it)));
        let words = [
            "tool".into(),
            "-L".into(),
            OsString::from_vec(input.to_vec()),
        ];
        let matches = command.try_get_matches_from(words).unwrap();
        let args = UrlArgs::from_arg_matches(&matches).unwrap();
        match args.parse() {
            Ok(Some(url)) => {
                let host = url.host(None);
                assert!(!host.is_empty() && host.len() <= input.len());
                assert_ne!(url.port(None), Some(0));
                let parts = [url.username(None), url.single_topic(None)];
                let size: usize = parts.iter().flatten().map(String::len).sum();
                assert!(size <= input.len(), "decoding makes nothing longer");
                assert_eq!(
                    url.host(Some("other")),
                    host,
                    "the URL beats what was typed before"
                );
            }
            Ok(None) => panic!("the URL is gone"),
            Err(report) => assert_harmless_report(&report),
        }
    }
    match Proxy::parse(&Secret::new(input.to_vec())) {
        // Its name may be anything; it is escaped where a report shows it.
        Ok(proxy) => assert!(proxy.address().to_string().len() <= input.len() + 8),
        Err(report) => assert_harmless_report(&report),
    }
}
