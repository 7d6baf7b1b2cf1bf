//! From the typed options to what is published, checked.

use std::os::unix::ffi::OsStringExt as _;

use bytes::Bytes;
use mqtools_common::connect::ConnectConfig;
use mqtools_common::message::Qos;
use mqtools_common::property::Properties;
use mqtools_common::reason::Version;
use mqtools_common::report::{Report, warn};
use mqtools_common::retry::{Attempts, RetryPolicy};
use mqtools_common::topic::{TopicError, TopicName};
use mqtools_common::usage::misuse;

use crate::cli::Args;
use crate::source::messages::MessagesConfig;
use crate::source::records::{Form, Recipe};
use crate::source::{Cut, Input, Repetition, SourceConfig};

/// A broker of MQTT 3.1.1 cannot announce how many unfinished QoS 2 messages it takes, and
/// mosquitto closes the connection at the 21st (its max_inflight_messages, unless set).
const QOS_2_IN_FLIGHT_V311: u16 = 20;

/// One run of `mqpub`.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) connect: ConnectConfig,
    pub(crate) message: Template,
    pub(crate) messages: MessagesConfig,
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

impl Config {
    pub(crate) fn new(args: Args) -> Result<Self, Report> {
        check_fit(&args)?;
        let url = args.url.parse()?;
        let recipe = args.topic_separator.map(|separator| Recipe {
            form: Form::Separated(separator.into_vec().into()),
        });
        let topic = match &url {
            Some(url) => url.single_topic(args.topic),
            None => args.topic,
        };
        let topic = match (topic, &recipe) {
            (Some(topic), None) => topic_name(&topic)?,
            (None, None) => {
                return Err(misuse("the URL given with -L holds no topic")
                    .hint("end it with /TOPIC, or add -t TOPIC"));
            }
            (Some(_), Some(_)) => {
                return Err(misuse("each message has a topic of its own")
                    .hint("leave -t out, and the topic of the URL given with -L"));
            }
            (None, Some(_)) => TopicName::default(),
        };
        let input = match (args.message, args.file) {
            (Some(text), _) => Input::Text(Bytes::from(text.into_vec())),
            (None, Some(path)) => Input::File(path),
            (None, None) if args.stdin_line => {
                Input::Lines(Cut(if args.null_data { 0 } else { b'\n' }))
            }
            (None, None) if args.stdin_file => Input::Stdin,
            // clap has made sure that one source was given.
            (None, None) => Input::Text(Bytes::new()),
        };
        let mut connect =
            ConnectConfig::new(&args.connection, url.as_ref(), &args.will, args.talk)?;
        let idle = &connect.properties;
        if !(idle.subscribe.is_empty() && idle.unsubscribe.is_empty()) && !args.talk.quiet {
            warn("-D subscribe and -D unsubscribe have no effect: mqpub only publishes");
        }
        if args.connection.max_inflight.is_none()
            && args.qos == Qos::ExactlyOnce
            && connect.connect.version != Version::V5
        {
            connect.max_in_flight = QOS_2_IN_FLIGHT_V311;
        }
        let repetition = Repetition {
            count: args.repeat,
            delay: args.repeat_delay,
        };
        let is_long = matches!(input, Input::Lines(_)) || repetition.count > 1;
        if args.connection.retry.is_none() && !is_long {
            connect.retry = RetryPolicy {
                first: Attempts::NONE,
                again: Attempts::NONE,
            };
        }
        if args.qos != Qos::AtMostOnce {
            connect.outlive_connection();
        }
        connect.releases_leftovers = args.qos == Qos::ExactlyOnce;
        Ok(Self {
            message: Template {
                topic,
                qos: args.qos,
                retain: args.retain,
                properties: connect.properties.publish.clone(),
                topic_alias: connect.properties.topic_alias,
                quiet: args.talk.quiet,
            },
            connect,
            messages: MessagesConfig {
                source: SourceConfig { input, repetition },
                recipe,
            },
        })
    }
}

/// Options that change a source which was not given. clap drops such a requirement where the
/// source that was given excludes the one that is needed.
fn check_fit(args: &Args) -> Result<(), Report> {
    for (given, option) in [
        (args.null_data, "-0"),
        (args.topic_separator.is_some(), "--topic-separator"),
    ] {
        if given && !args.stdin_line {
            return Err(misuse(format!("{option} goes with -l (--stdin-line) only"))
                .hint(format!("leave {option} out, or publish lines with -l")));
        }
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
