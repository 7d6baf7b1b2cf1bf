//! From the typed options to what is published, checked.

use std::os::unix::ffi::OsStringExt as _;

use bytes::Bytes;
use mqtools_common::connect::ConnectConfig;
use mqtools_common::message::Qos;
use mqtools_common::report::Report;
use mqtools_common::topic::{TopicError, TopicName};
use mqtools_common::usage::misuse;

use crate::cli::Args;
use crate::source::{Input, Repetition, SourceConfig};

/// One run of `mqpub`.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) connect: ConnectConfig,
    pub(crate) message: Template,
    pub(crate) source: SourceConfig,
}

/// What all messages of a run share.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) topic: TopicName,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
}

impl Config {
    pub(crate) fn new(args: Args) -> Result<Self, Report> {
        let topic = TopicName::new(&args.topic).map_err(|why| {
            let report = misuse(format!("cannot publish to the topic {:?}", args.topic)).cause(why);
            match why {
                TopicError::Wildcard(_) => {
                    report.hint("publish to one topic without wildcards; mqsub takes them")
                }
                _ => report,
            }
        })?;
        let input = match (args.message, args.file) {
            (Some(text), _) => Input::Text(Bytes::from(text.into_vec())),
            (None, Some(path)) => Input::File(path),
            (None, None) if args.stdin_line => Input::Lines,
            (None, None) if args.stdin_file => Input::Stdin,
            // clap has made sure that one source was given.
            (None, None) => Input::Text(Bytes::new()),
        };
        Ok(Self {
            connect: ConnectConfig::new(&args.connection, &args.will, args.talk)?,
            message: Template {
                topic,
                qos: args.qos,
                retain: args.retain,
            },
            source: SourceConfig {
                input,
                repetition: Repetition {
                    count: args.repeat,
                    delay: args.repeat_delay,
                },
            },
        })
    }
}
