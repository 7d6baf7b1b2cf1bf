//! The command line of `mqpub`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser as _, ValueParser};
use clap::{ArgGroup, Command, CommandFactory as _, Parser, ValueEnum};
use mqtools_common::args::{self, ConnectionArgs, TalkArgs, WillArgs};
use mqtools_common::color::ColorArgs;
use mqtools_common::defaults::DefaultsArgs;
use mqtools_common::generate::{self, Definition, Manual};
use mqtools_common::message::Qos;
use mqtools_common::tool::Tool;
use mqtools_common::url::UrlArgs;

use crate::source::template::Text;

mod exchange;
mod pace;
mod quick;

pub use exchange::ExchangeArgs;
pub use pace::{Rate, Speed};
pub use quick::quick;

const EXAMPLES: &str = "\
Examples:
  mqpub -h localhost -t test/topic -m 'Hello, MQTT'
  MQ_PASSWORD=secret mqpub -u name --cafile ca.pem -t a/topic -m hello
  journalctl -f -o cat | mqpub -t logs/host -l -q 1
  mqpub -t camera/door -f picture.jpg -r
  mqsub -h a -t '#' -F %j | mqpub -h b --json-lines

Signals: -l and --repeat end with SIGINT, SIGTERM and SIGHUP; what was read
still arrives, then the process ends by the signal.

Exit codes: 0 every message arrived (QoS 0: was handed over), 1 usage,
7 connection lost or messages without an answer, 14 cannot connect,
8 and 23 TLS, otherwise the broker's own code. See the README for all.
";

const USAGE: &str = "\
mqpub [OPTIONS] {-t TOPIC | -L URL}
             {-m TEXT | -f FILE | -l | -s | -n}
mqpub [OPTIONS] -l --topic-separator TEXT
mqpub [OPTIONS] {--json-lines | --replay FILE | --probe}";

/// What the manual page and the completions are made from.
pub const DEFINITION: Definition = Definition {
    tool: Tool::MQPUB,
    command,
    manual: Manual {
        before_options: include_str!("manual/description.roff"),
        after_options: &[
            include_str!("manual/sources.roff"),
            generate::EXIT_STATUS,
            generate::FILES,
            include_str!("manual/examples.roff"),
            include_str!("manual/differences.roff"),
        ],
    },
};

/// The definition of the command line; `name` is what its texts call the tool.
#[must_use]
pub fn command(name: &'static str) -> Command {
    Args::command()
        .name(name)
        .override_usage(Tool::MQPUB.speak(name, USAGE))
        .after_help(Tool::MQPUB.speak(name, EXAMPLES))
        // This moves it to the end, so that its group is not shown first.
        .mut_arg("url", |url| url)
}

/// Publish messages to an MQTT broker
#[derive(Debug, Default, Parser)]
#[command(
    name = "mqpub",
    version,
    about,
    disable_help_flag = true,
    disable_version_flag = true,
    args_override_self = true,
    max_term_width = 100,
    next_help_heading = "Message",
    group = ArgGroup::new("source").required(true).multiple(true),
    // A template goes with lines.
    group = ArgGroup::new("plain_source").multiple(false)
)]
pub struct Args {
    // In front of the options whose order it looks at.
    #[command(flatten)]
    pub url: UrlArgs,

    /// Topic Name to publish to
    #[arg(
        short,
        long,
        value_name = "TOPIC",
        required_unless_present_any = ["url", "topic_separator", "json_lines", "replay", "probe"],
        conflicts_with_all = ["topic_separator", "json_lines", "replay"],
        allow_hyphen_values = true
    )]
    pub topic: Option<String>,

    /// Publish this text
    #[arg(
        short,
        long,
        value_name = "TEXT",
        groups = ["source", "plain_source"],
        allow_hyphen_values = true
    )]
    pub message: Option<OsString>,

    /// Publish the contents of this file
    #[arg(
        short,
        long,
        value_name = "FILE",
        groups = ["source", "plain_source"],
        allow_hyphen_values = true
    )]
    pub file: Option<PathBuf>,

    /// Publish each line of standard input as a message
    #[arg(short = 'l', long, groups = ["source", "plain_source"])]
    pub stdin_line: bool,

    /// Publish the messages that the lines of standard input describe: JSON objects as mqsub -F %j
    /// prints them; -q, -r and -D publish stand for what an object does not have
    #[arg(long, groups = ["source", "plain_source"])]
    pub json_lines: bool,

    /// Publish what mqsub -F %j has recorded in this file, with the times between the messages
    #[arg(
        long,
        value_name = "FILE",
        groups = ["source", "plain_source"],
        allow_hyphen_values = true
    )]
    pub replay: Option<PathBuf>,

    /// With --replay: so many times as fast as it was recorded, or max for as fast as it goes
    /// [default: 1]
    #[arg(long, value_name = "TIMES|max", allow_hyphen_values = true, conflicts_with = "rate", value_parser = pace::speed)]
    pub speed: Option<Speed>,

    /// With --replay: publish the recording this many times [default: 1]
    #[arg(long = "loop", value_name = "COUNT", allow_hyphen_values = true, value_parser = repeat)]
    pub repetitions: Option<u64>,

    /// With -l or --json-lines: lines end with a NUL byte instead of a newline, as those of find
    /// -print0
    #[arg(short = '0', long)]
    pub null_data: bool,

    /// With -l: each line is a topic, this text and a payload, which may have the text in it
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        value_parser = separator()
    )]
    pub topic_separator: Option<OsString>,

    /// What to do about a line that is no message, as of --json-lines; skip
    /// warns of it and goes on [default: stop]
    #[arg(long, value_name = "WHAT", value_enum)]
    pub on_bad_line: Option<OnBadLine>,

    /// Publish all of standard input as one message
    #[arg(short = 's', long, groups = ["source", "plain_source"])]
    pub stdin_file: bool,

    /// Publish an empty message; with -r it clears the retained one
    #[arg(short, long, groups = ["source", "plain_source"])]
    pub null_message: bool,

    /// Publish this text with {seq}, {time}, {uuid} and {random:FROM-TO} filled in anew for each
    /// message, also in -t; with -l each line becomes {line}, or {line:json} in quotes
    #[arg(long, value_name = "TEXT", group = "source", allow_hyphen_values = true, value_parser = template,
          conflicts_with_all = ["message", "file", "json_lines", "replay", "stdin_file", "null_message", "probe"])]
    pub template: Option<String>,

    /// What the payload is given as: hex or base64 for the bytes it stands for, cbor or msgpack for
    /// JSON to be published as such
    #[arg(long, value_name = "ENCODING", value_enum)]
    pub payload_is: Option<PayloadIs>,

    /// Quality of Service: 0, 1 or 2
    #[arg(short, long, value_name = "QOS", allow_hyphen_values = true, default_value = "0", value_parser = args::qos)]
    pub qos: Qos,

    /// Let the broker keep the message for later subscribers
    #[arg(short, long)]
    pub retain: bool,

    /// Publish the message this many times, other than lines and recordings [default: 1]
    #[arg(long, value_name = "COUNT", allow_hyphen_values = true, conflicts_with_all = ["stdin_line", "json_lines", "replay"],
          value_parser = repeat)]
    pub repeat: Option<u64>,

    /// Wait between repetitions; fractions are possible
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true, default_value = "0", conflicts_with_all = ["stdin_line", "json_lines", "replay"],
          value_parser = delay)]
    pub repeat_delay: Duration,

    /// Publish the message again and again at this interval, until a signal comes or --repeat is
    /// reached; a file is read again each time. Seconds, or with a unit: 500ms, 10s, 5m, 1h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with_all = ["stdin_line", "json_lines", "replay", "rate", "repeat_delay"],
          value_parser = pace::interval)]
    pub every: Option<Duration>,

    /// Publish at most so many messages a second, or a minute or hour with /m or /h, evenly spread; a
    /// recording's own times do not count then
    #[arg(long, value_name = "COUNT[/s|/m|/h]", allow_hyphen_values = true, value_parser = pace::rate)]
    pub rate: Option<Rate>,

    /// Whether to show on stderr how far it is, after one second: auto (on a terminal on which
    /// nobody types, and not with --quiet or -d), always (without a terminal a line each second) or
    /// never
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        hide_possible_values = true
    )]
    pub progress: ShowProgress,

    #[command(flatten)]
    pub exchange: ExchangeArgs,

    #[command(flatten)]
    pub connection: ConnectionArgs,

    #[command(flatten)]
    pub will: WillArgs,

    #[command(flatten)]
    pub defaults: DefaultsArgs,

    #[command(flatten)]
    pub color: ColorArgs,

    #[command(flatten)]
    pub talk: TalkArgs,
}

/// What `--payload-is` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PayloadIs {
    /// Digits.
    Hex,
    /// With padding or without.
    Base64,
    /// JSON for CBOR.
    Cbor,
    /// JSON for MessagePack.
    Msgpack,
}

/// What `--progress` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ShowProgress {
    /// Where somebody looks.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// What `--on-bad-line` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnBadLine {
    /// It is the end, with an error.
    Stop,
    /// It is left out, with a warning.
    Skip,
}

fn template(text: &str) -> Result<String, String> {
    Text::parse(text).map(|_| text.to_owned())
}

fn separator() -> ValueParser {
    ValueParser::new(OsStringValueParser::new().try_map(|text| {
        if text.is_empty() {
            return Err("it must have at least one character");
        }
        Ok(text)
    }))
}

fn repeat(text: &str) -> Result<u64, String> {
    args::number(text)
        .filter(|count| *count > 0)
        .ok_or_else(|| "it must be a whole number, 1 or more".to_owned())
}

fn delay(text: &str) -> Result<Duration, String> {
    if args::number(text) == Some(0.0) {
        return Ok(Duration::ZERO);
    }
    args::seconds(text)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definition_is_sound() {
        super::command("mqpub").debug_assert();
    }
}
