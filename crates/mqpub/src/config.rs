//! From the typed options to what is published, checked.

use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use bytes::Bytes;
use mqtools_common::connect::ConnectConfig;
use mqtools_common::message::{Publication, Qos};
use mqtools_common::payload::Payload;
use mqtools_common::property::Properties;
use mqtools_common::reason::Version;
use mqtools_common::report::{Report, warn};
use mqtools_common::retry::{Attempts, RetryPolicy};
use mqtools_common::topic::{TopicError, TopicName};
use mqtools_common::usage::{WORD_SEPARATOR, misuse};

use mqsub::Printer;
use uuid::Uuid;

use crate::cli::{Args, OnBadLine, PayloadIs, Speed};
use crate::probe::Probe;
use crate::progress::{Plan, Work};
use crate::request::Request;
use crate::source::encoding::Encoding;
use crate::source::messages::MessagesConfig;
use crate::source::object::Defaults;
use crate::source::pace::Pace;
use crate::source::records::{Form, Recipe};
use crate::source::template::{self, Text};
use crate::source::{Cut, Input, Repetition, SourceConfig};

/// A broker of MQTT 3.1.1 cannot announce how many unfinished QoS 2 messages it takes, and
/// mosquitto closes the connection at the 21st (its max_inflight_messages, unless set).
const QOS_2_IN_FLIGHT_V311: u16 = 20;

/// How long a probe may take.
const PROBE: Duration = Duration::from_secs(10);

/// One run of `mqpub`.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) connect: ConnectConfig,
    pub(crate) message: Template,
    pub(crate) messages: MessagesConfig,
    pub(crate) task: Task,
    pub(crate) progress: Option<Plan>,
}

/// What is done besides publishing.
#[derive(Debug)]
pub(crate) enum Task {
    Publish,
    /// `--wait-response`
    Request(Box<Request>),
    /// `--probe`
    Probe(Probe),
}

/// What all messages of a run share.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) topic: TopicName,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    pub(crate) properties: Properties,
    pub(crate) topic_alias: Option<u16>,
    pub(crate) quiet: bool,
}

impl Template {
    /// A message without a payload.
    pub(crate) fn publication(&self) -> Publication {
        Publication {
            topic: self.topic.clone(),
            payload: Payload::default(),
            qos: self.qos,
            retain: self.retain,
            properties: self.properties.clone(),
            topic_alias: self.topic_alias,
        }
    }
}

impl Config {
    pub(crate) fn new(mut args: Args) -> Result<Self, Report> {
        check_fit(&args)?;
        let url = args.url.parse()?;
        let typed = args.topic.take();
        let topic = match &url {
            Some(url) => url.single_topic(typed),
            None => typed,
        };
        let topic = match (topic, args.topic_separator.is_some() || has_objects(&args)) {
            (Some(topic), false) => topic_name(&topic)?,
            // Nobody else listens there.
            (None, false) if args.exchange.probe => topic_name(&own_topic("probe"))?,
            (None, false) => {
                return Err(misuse("the URL given with -L holds no topic")
                    .hint("end it with /TOPIC, or add -t TOPIC"));
            }
            (Some(_), true) => {
                return Err(misuse("each message has a topic of its own")
                    .hint("leave -t out, and the topic of the URL given with -L"));
            }
            (None, true) => TopicName::default(),
        };
        let exchange = &args.exchange;
        let subscribes = exchange.wait_response || exchange.probe;
        if exchange.wait_response && exchange.response_topic.is_none() {
            args.connection.mqtt5_option = Some("--wait-response without -e");
        }
        let mut connect =
            ConnectConfig::new(&args.connection, url.as_ref(), &args.will, args.talk)?;
        let idle = &connect.properties;
        let is_given = !idle.subscribe.is_empty() || !idle.unsubscribe.is_empty();
        if is_given && !args.talk.quiet && !subscribes {
            warn("-D subscribe and -D unsubscribe have no effect: mqpub only publishes");
        }
        let highest = if has_objects(&args) {
            Qos::ExactlyOnce
        } else {
            args.qos
        };
        if args.connection.max_inflight.is_none()
            && highest == Qos::ExactlyOnce
            && connect.connect.version != Version::V5
        {
            connect.max_in_flight = QOS_2_IN_FLIGHT_V311;
        }
        let message = Template {
            topic,
            qos: args.qos,
            retain: args.retain,
            properties: connect.properties.publish.clone(),
            topic_alias: connect.properties.topic_alias,
            quiet: args.talk.quiet,
        };
        let task = task(&args)?;
        let (how, is_silent) = (args.progress, args.talk.quiet || args.talk.debug);
        let has_default_retry = args.connection.retry.is_none();
        let messages = messages(args, &message, connect.connect.version)?;
        if has_default_retry && !messages.source.is_long() {
            connect.retry = RetryPolicy {
                first: Attempts::NONE,
                again: Attempts::NONE,
            };
        }
        match &task {
            Task::Publish => {}
            Task::Request(_) if messages.source.is_long() => {
                return Err(misuse("--wait-response goes with one message")
                    .hint("give it with -m, -f, -s, -n or --template, and not --repeat"));
            }
            Task::Request(request) if request.response_topic == message.topic => {
                return Err(misuse(
                    "the answer cannot come on the topic of the message, which would be taken for it",
                )
                .hint("give another topic with -e"));
            }
            // Another connection would know nothing of the subscription.
            Task::Request(_) | Task::Probe(_) => connect.retry.again = Attempts::NONE,
        }
        if highest != Qos::AtMostOnce {
            connect.outlive_connection();
        }
        let input = &messages.source.input;
        let reads_stdin = matches!(input, Input::Lines(_) | Input::Stdin);
        let progress = work(&messages.source).and_then(|work| {
            Plan::new(
                work,
                how,
                reads_stdin,
                is_silent,
                highest != Qos::AtMostOnce,
            )
        });
        connect.releases_leftovers = highest == Qos::ExactlyOnce;
        Ok(Self {
            connect,
            message,
            messages,
            task,
            progress,
        })
    }
}

/// What a person could want to know the progress of.
fn work(source: &SourceConfig) -> Option<Work> {
    match (&source.input, source.repetition.count) {
        (Input::Lines(_) | Input::Recording(..), _) | (_, u64::MAX) => Some(Work::Messages(None)),
        (_, count @ 2..) => Some(Work::Messages(Some(count))),
        (Input::File(_), _) => Some(Work::File),
        (Input::Stdin, _) => Some(Work::Stdin),
        (Input::Text(_), _) => None,
    }
}

/// Where each message is described as a whole.
fn has_objects(args: &Args) -> bool {
    args.json_lines || args.replay.is_some()
}

/// A topic that nobody has used yet.
fn own_topic(what: &str) -> String {
    format!("mqpub/{what}/{}", Uuid::new_v4())
}

fn task(args: &Args) -> Result<Task, Report> {
    let exchange = &args.exchange;
    if exchange.probe {
        return Ok(Task::Probe(Probe {
            timeout: exchange.timeout.unwrap_or(PROBE),
            json: exchange.json,
        }));
    }
    if !exchange.wait_response {
        return Ok(Task::Publish);
    }
    for property in ["response-topic", "correlation-data"] {
        let separator = char::from(WORD_SEPARATOR);
        let typed = format!("publish{separator}{property}{separator}");
        let mut options = args.connection.property.iter();
        if options.any(|option| option.as_encoded_bytes().starts_with(typed.as_bytes())) {
            return Err(
                misuse(format!("--wait-response sets the property {property}"))
                    .hint("leave -D out; -e names the topic of the answer"),
            );
        }
    }
    let topic = exchange.response_topic.clone();
    let topic = topic.unwrap_or_else(|| own_topic("response"));
    let response_topic = TopicName::new(&topic).map_err(|why| {
        misuse(format!("there can be no answer on the topic {topic:?}"))
            .cause(why)
            .hint(why.hint())
    })?;
    Ok(Task::Request(Box::new(Request {
        response_topic,
        count: exchange.count.unwrap_or(1),
        printer: Printer::new(exchange.format.as_deref(), args.talk.quiet)?,
        latency: exchange.latency,
        timeout: exchange.timeout,
        quiet: args.talk.quiet,
    })))
}

/// What the options say about the source, and what becomes of it.
fn messages(args: Args, message: &Template, version: Version) -> Result<MessagesConfig, Report> {
    let filled = filled(&args, &message.topic)?;
    let encoding = args.payload_is.map(|given| match given {
        PayloadIs::Hex => Encoding::Hex,
        PayloadIs::Base64 => Encoding::Base64,
        PayloadIs::Cbor => Encoding::Cbor,
        PayloadIs::Msgpack => Encoding::MessagePack,
    });
    let defaults = has_objects(&args).then(|| Defaults {
        qos: message.qos,
        retain: message.retain,
        properties: message.properties.clone(),
        has_properties: version == Version::V5,
    });
    let repetition = Repetition {
        count: args.repeat.unwrap_or(match args.every {
            Some(_) => u64::MAX,
            None => 1,
        }),
        delay: args.repeat_delay,
    };
    let pace = match (
        args.rate,
        args.every,
        &args.replay,
        args.speed.unwrap_or_default(),
    ) {
        (Some(rate), ..) => Some(Pace::rate(rate.interval)),
        (None, Some(interval), ..) => Some(Pace::every(interval)),
        (None, None, Some(_), Speed::Times(speed)) => Some(Pace::recorded(speed)),
        _ => None,
    };
    let mut fresh = None;
    let input = match (args.message, args.file, args.replay) {
        (Some(text), ..) => Input::Text(Bytes::from(text.into_vec())),
        (None, Some(path), _) => {
            fresh = args.every.map(|_| path.clone());
            Input::File(path)
        }
        (None, None, Some(path)) => Input::Recording(path, args.repetitions.unwrap_or(1)),
        (None, None, None) if args.stdin_line || args.json_lines => {
            Input::Lines(Cut(if args.null_data { 0 } else { b'\n' }))
        }
        (None, None, None) if args.stdin_file => Input::Stdin,
        // clap has made sure that one source was given.
        (None, None, None) => Input::Text(Bytes::new()),
    };
    let form = match (defaults, args.topic_separator, fresh) {
        (Some(defaults), ..) => Form::Object(defaults),
        (None, Some(separator), _) => Form::Separated(separator.into_vec().into()),
        (None, None, Some(path)) => Form::Fresh(path),
        (None, None, None) => Form::Payload,
    };
    let is_plain =
        matches!(form, Form::Payload) && pace.is_none() && filled.is_none() && encoding.is_none();
    Ok(MessagesConfig {
        source: SourceConfig {
            input,
            repetition,
            in_memory: encoding.is_some(),
        },
        recipe: (!is_plain).then_some(Recipe {
            form,
            template: filled,
            encoding,
            pace,
            skips_bad: args.on_bad_line == Some(OnBadLine::Skip),
            quiet: args.talk.quiet,
        }),
    })
}

/// The templates of payload and topic.
fn filled(args: &Args, topic: &TopicName) -> Result<Option<template::Template>, Report> {
    let Some(payload) = &args.template else {
        return Ok(None);
    };
    let parse = |option: &str, text: &str| {
        Text::parse(text).map_err(|why| {
            misuse(format!("{option} holds no template"))
                .cause(why)
                .hint("write {{name}} for the text {name}")
        })
    };
    let payload = parse("--template", payload)?;
    let topic = parse("-t", topic.as_str())?;
    if (payload.has_line() || topic.has_line()) && !args.stdin_line {
        return Err(misuse("{line} stands for a line, and there are none")
            .hint("add -l, or leave {line} out"));
    }
    // A topic without placeholders may still have {{name}} in it.
    let topic = (!topic.is_empty()).then_some(topic);
    Ok(Some(template::Template { topic, payload }))
}

/// Options that change a source which was not given. clap drops such a requirement where the
/// source that was given excludes the one that is needed.
fn check_fit(args: &Args) -> Result<(), Report> {
    const WAIT: &str = "--wait-response";
    let is_recording = args.replay.is_some();
    let exchange = &args.exchange;
    let waits = exchange.wait_response;
    for (option, given, needed, is_there) in [
        (
            "-0",
            args.null_data,
            "-l or --json-lines",
            args.stdin_line || args.json_lines,
        ),
        (
            "--topic-separator",
            args.topic_separator.is_some(),
            "-l",
            args.stdin_line,
        ),
        ("--speed", args.speed.is_some(), "--replay", is_recording),
        (
            "--loop",
            args.repetitions.is_some(),
            "--replay",
            is_recording,
        ),
        ("-e", exchange.response_topic.is_some(), WAIT, waits),
        ("-C", exchange.count.is_some(), WAIT, waits),
        ("-F", exchange.format.is_some(), WAIT, waits),
        ("--latency", exchange.latency, WAIT, waits),
        ("--json", exchange.json, "--probe", exchange.probe),
        (
            "-W",
            exchange.timeout.is_some(),
            "--wait-response or --probe",
            waits || exchange.probe,
        ),
        (
            "--on-bad-line",
            args.on_bad_line.is_some(),
            "-l, --json-lines or --replay",
            has_objects(args) || args.stdin_line,
        ),
        (
            "--wait-response",
            waits,
            "a message",
            !exchange.probe && args.topic_separator.is_none() && !has_objects(args),
        ),
    ] {
        if given && !is_there {
            return Err(misuse(format!("{option} goes with {needed} only"))
                .hint(format!("leave {option} out, or add {needed}")));
        }
    }
    for (option, given) in [
        ("--every", args.every.is_some()),
        ("--rate", args.rate.is_some()),
        ("--repeat", args.repeat.is_some()),
        ("--payload-is", args.payload_is.is_some()),
        ("-r", args.retain),
    ] {
        if given && exchange.probe {
            return Err(misuse(format!(
                "--probe publishes a message of its own, and {option} is for others"
            ))
            .hint(format!(
                "leave {option} out; a loop around --probe checks again"
            )));
        }
    }
    if args.talk.json_summary && (waits || exchange.probe) {
        return Err(misuse("--json-summary sums up what is published alone")
            .hint("leave it out; --probe has --json"));
    }
    Ok(())
}

fn topic_name(topic: &str) -> Result<TopicName, Report> {
    TopicName::new(topic).map_err(|why| {
        let error = match why {
            // Nobody wants to read that much of it.
            TopicError::TooLong(_) => "cannot publish to this topic".to_owned(),
            _ => format!("cannot publish to the topic {topic:?}"),
        };
        misuse(error).cause(why).hint(why.hint())
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn debug_output_hides_every_secret() {
        let line = "mqpub -u user -P hunter2 -L mqtt://u:hunter2@localhost/t -m x \
                    --proxy socks5h://u:hunter2@localhost";
        let args = Args::try_parse_from(line.split_whitespace()).unwrap();
        let shown = format!("{args:?}");
        assert!(
            shown.contains("user") && !shown.contains("hunter2"),
            "{shown}"
        );
        let config = Config::new(args).unwrap();
        assert!(config.connect.connect.password.is_some());
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
