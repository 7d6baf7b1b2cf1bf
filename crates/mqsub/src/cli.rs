//! The command line of `mqsub`.

mod quick;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Command, CommandFactory as _, Parser, ValueEnum};
use mqtools_common::args::{self, ConnectionArgs, TalkArgs, WillArgs};
use mqtools_common::color::ColorArgs;
use mqtools_common::defaults::DefaultsArgs;
use mqtools_common::generate::{self, Definition, Manual};
use mqtools_common::message::Qos;
use mqtools_common::protocol::RetainHandling;
use mqtools_common::tool::Tool;
use mqtools_common::url::UrlArgs;
use regex::bytes::Regex;

use crate::format::PayloadAs;
use crate::watch::Order;

pub use quick::quick;

const EXAMPLES: &str = "\
Formats (-F) are text with:
  %[-][0][WIDTH][.PRECISION]LETTER, as in printf
    %t topic              %p payload            %l its length
    %x %X hexadecimal     %q QoS                %r 1 if retained, else 0
    %m packet identifier  %j JSON               %J JSON, payload parsed
    %I local time         %U Unix time          %% a percent sign
    %f %d payload as a 4-byte float or an 8-byte double of this machine
    MQTT 5: %C Content Type, %D Correlation Data, %E Message Expiry Interval,
    %F Payload Format Indicator, %P User Properties, %R Response Topic,
    %S Subscription Identifier, %A Topic Alias
    %.2:x puts a colon (or another sign, if none a space) after every 2 digits
  @Y @m @d @H @M @S and the other letters of strftime: local time;
  @N nanoseconds; @@ an at sign
  \\\\ \\0 \\a \\e \\n \\r \\t \\v: control characters

The environment of --exec: MQ_TOPIC, MQ_QOS, MQ_RETAIN (1 or 0), MQ_PAYLOAD_LEN;
MQTT 5, where the message has it: MQ_CONTENT_TYPE, MQ_CORRELATION_DATA_HEX,
  MQ_MESSAGE_EXPIRY_INTERVAL, MQ_PAYLOAD_FORMAT_INDICATOR, MQ_RESPONSE_TOPIC,
  MQ_USER_PROPERTIES (JSON: [{\"KEY\":\"VALUE\"},...])

Examples:
  mqsub -h localhost -t test/topic
  mqsub -t 'home/+/temperature' -t 'garden/#' -v
  mqsub -t 'home/#' -T 'home/attic/#' -q 1 -c -i logger >> home.log
  mqsub -t door/state -C 1 -W 5 || echo 'no message within 5 seconds'
  mqsub -t 'build/+/log' --until '(passed|failed)$'
  mqsub -i worker -c -q 1 -t 'jobs/#' --jobs 4 --exec ./do-job --fast
  mqsub -t 'home/#' -V 5 --json --idle-timeout 10 > home.jsonl
  mqsub -t 'home/#' -F '@Y-@m-@d @H:@M:@S  %-30t %p'

Exit codes: 0 done (SIGINT, SIGTERM and SIGHUP included), 1 usage,
7 connection lost, 14 cannot connect, 27 the time of -W is over,
8 and 23 TLS, otherwise the broker's own code. See the README for all.
";

/// The highest `--jobs`.
const MAX_JOBS: usize = 1000;

const USAGE: &str = "\
mqsub [OPTIONS]
             {-t FILTER | -U FILTER | -L URL}...";

/// What the manual page and the completions are made from.
pub const DEFINITION: Definition = Definition {
    tool: Tool::MQSUB,
    command,
    manual: Manual {
        before_options: include_str!("manual/description.roff"),
        after_options: &[
            include_str!("manual/formats.roff"),
            include_str!("manual/exec.roff"),
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
        .override_usage(Tool::MQSUB.speak(name, USAGE))
        .after_help(Tool::MQSUB.speak(name, EXAMPLES))
        // This moves it to the end, so that its group is not shown first.
        .mut_arg("url", |url| url)
}

/// Print the messages of MQTT topics
#[derive(Debug, Default, Parser)]
#[command(
    name = "mqsub",
    version,
    about,
    disable_help_flag = true,
    disable_version_flag = true,
    args_override_self = true,
    max_term_width = 100,
    next_help_heading = "Output",
    group = ArgGroup::new("topics").arg("url").required(true).multiple(true)
)]
pub struct Args {
    // In front of the options whose order it looks at.
    #[command(flatten)]
    pub url: UrlArgs,

    /// Topic Filter to subscribe to; may be repeated
    #[arg(
        short,
        long,
        value_name = "FILTER",
        group = "topics",
        allow_hyphen_values = true,
        help_heading = "Topics"
    )]
    pub topic: Vec<String>,

    /// Topic Filter to unsubscribe from (of a session kept with -c); may be repeated
    #[arg(
        short = 'U',
        long,
        value_name = "FILTER",
        group = "topics",
        allow_hyphen_values = true,
        help_heading = "Topics"
    )]
    pub unsubscribe: Vec<String>,

    /// Do not print messages whose topic matches; may be repeated
    #[arg(
        short = 'T',
        long,
        value_name = "FILTER",
        allow_hyphen_values = true,
        help_heading = "Topics"
    )]
    pub filter_out: Vec<String>,

    /// Highest Quality of Service to receive with: 0, 1 or 2
    #[arg(short, long, value_name = "QOS", allow_hyphen_values = true, default_value = "0", value_parser = args::qos, help_heading = "Topics")]
    pub qos: Qos,

    /// Exit after this many printed messages
    #[arg(short = 'C', value_name = "COUNT", allow_hyphen_values = true, value_parser = count, help_heading = "End")]
    pub count: Option<u64>,

    /// Exit with code 27 after this time; fractions are possible
    #[arg(short = 'W', value_name = "SECONDS", allow_hyphen_values = true, value_parser = args::seconds, help_heading = "End")]
    pub timeout: Option<Duration>,

    /// Exit once no message has come for this time; fractions are possible
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true, value_parser = args::seconds, help_heading = "End")]
    pub idle_timeout: Option<Duration>,

    /// Exit after the first printed message whose payload matches this regular expression
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true, value_parser = regex, help_heading = "End")]
    pub until: Option<Box<Regex>>,

    /// Exit once the broker has acknowledged all subscriptions
    #[arg(short = 'E', help_heading = "End")]
    pub exit_after_subscribe: bool,

    /// Print the topic before each payload
    #[arg(short, long)]
    pub verbose: bool,

    /// Print no newline after each message
    #[arg(short = 'N')]
    pub no_newline: bool,

    /// How to print each message; see below
    #[arg(short = 'F', value_name = "FORMAT", allow_hyphen_values = true)]
    pub format: Option<OsString>,

    /// Print each message as one line of JSON, like -F %j
    #[arg(long, conflicts_with_all = ["format", "no_newline", "pretty"])]
    pub json: bool,

    /// Save the payload of each message in a file of its own, DIR/TOPIC/TIME.msg, and print only
    /// what -v, -F, --json, -w or --payload-as ask for
    #[arg(long, value_name = "DIR", allow_hyphen_values = true)]
    pub save_dir: Option<PathBuf>,

    /// Run this command for each message, the payload on its standard input, MQ_TOPIC and more in
    /// its environment (see below), and acknowledge the message once it succeeded; the last
    /// option: everything behind it belongs to the command
    #[arg(long, value_names = ["CMD", "ARGS"], num_args = 1.., allow_hyphen_values = true)]
    pub exec: Vec<OsString>,

    /// How many commands of --exec may run at the same time [default: 1, in the order of the
    /// messages]
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = jobs, requires = "exec")]
    pub jobs: Option<usize>,

    /// The command of --exec is a text for the shell; ARGS are its $1, $2 and so on
    #[arg(long, requires = "exec")]
    pub shell: bool,

    /// Show the latest message of each topic on its own line of the terminal: its age, the rate of
    /// the topic, and what -v prints; or only what -F prints
    #[arg(short, long)]
    pub watch: bool,

    /// The order of the lines of -w: arrival (the first to come is the first) or name [default:
    /// arrival]
    #[arg(
        long,
        value_name = "ORDER",
        value_enum,
        hide_possible_values = true,
        requires = "watch"
    )]
    pub watch_sort: Option<WatchSortArg>,

    /// Print each second how many messages came in it, in place of the messages
    #[arg(long, conflicts_with_all = ["watch", "format", "json"])]
    pub message_rate: bool,

    /// Decode each payload: text, hex, base64, json, cbor or msgpack (these two become JSON); one
    /// that does not decode is printed in hexadecimal, with a warning
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        hide_possible_values = true,
        conflicts_with = "message_rate"
    )]
    pub payload_as: Option<PayloadAsArg>,

    /// Exit with code 13 at the first payload that does not decode and the first command that
    /// fails, and do not acknowledge that message
    #[arg(long)]
    pub exit_on_error: bool,

    /// Show on standard error how many messages came, their bytes, their rate, a table of the topics,
    /// and how many are missing of messages that begin with a number; at the end, and each second on
    /// a terminal on which nothing else is printed
    #[arg(long)]
    pub stats: bool,

    /// Indent the JSON of %j, %J and --payload-as
    #[arg(long)]
    pub pretty: bool,

    /// On a terminal too, print control characters of messages as they are: they are commands
    /// to it
    #[arg(long)]
    pub raw: bool,

    /// Do not print retained messages
    #[arg(short = 'R', conflicts_with = "retained_only")]
    pub no_retained: bool,

    /// Print only retained messages, and exit at the first that is not
    #[arg(long)]
    pub retained_only: bool,

    /// Remove each retained message that arrives from the broker (-T protects, -R does not)
    #[arg(long)]
    pub remove_retained: bool,

    /// With --remove-retained: remove nothing, print and count what would be removed
    #[arg(long, requires = "remove_retained")]
    pub dry_run: bool,

    /// Print a message only if its payload differs from the one before on its topic
    #[arg(long)]
    pub changed_only: bool,

    /// Print only so many of 100 messages, chosen at random: 0.1 to 100; all count for -C
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, value_parser = percent)]
    pub random_filter: Option<f64>,

    /// Print the retain flag as it was published; makes it MQTT 5
    #[arg(long)]
    pub retain_as_published: bool,

    /// Which retained messages to ask for: always, new (only for a subscription that the session
    /// did not have) or never; makes it MQTT 5
    #[arg(long, value_name = "WHEN", value_enum, hide_possible_values = true)]
    pub retain_handling: Option<RetainHandlingArg>,

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

/// Reads a number of messages.
fn count(text: &str) -> Result<u64, String> {
    args::number(text)
        .filter(|count| *count > 0)
        .ok_or_else(|| "it is a whole number above 0".to_owned())
}

/// Reads a regular expression. Its search looks at bytes: a payload may be any.
fn regex(text: &str) -> Result<Box<Regex>, String> {
    let why = match Regex::new(text) {
        Ok(regex) => return Ok(Box::new(regex)),
        Err(why) => why.to_string(),
    };
    // The library draws the text and points at a place in it; the last line says what is wrong.
    let last = why.lines().last().unwrap_or_default();
    Err(last.strip_prefix("error: ").unwrap_or(last).to_owned())
}

/// Reads a number of processes.
fn jobs(text: &str) -> Result<usize, String> {
    args::number(text)
        .filter(|jobs| (1..=MAX_JOBS).contains(jobs))
        .ok_or_else(|| format!("it is 1 to {MAX_JOBS}"))
}

/// Reads the share of messages to print.
fn percent(text: &str) -> Result<f64, String> {
    args::number(text)
        .filter(|percent| (0.1..=100.0).contains(percent))
        .ok_or_else(|| "it is 0.1 to 100 percent".to_owned())
}

/// The values of `--payload-as`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum PayloadAsArg {
    /// As it is, if it is UTF-8
    Text,
    /// Hexadecimal digits
    Hex,
    /// Base64
    Base64,
    /// JSON on one line
    Json,
    /// CBOR, as JSON
    Cbor,
    /// MessagePack, as JSON
    Msgpack,
}

impl From<PayloadAsArg> for PayloadAs {
    fn from(arg: PayloadAsArg) -> Self {
        match arg {
            PayloadAsArg::Text => Self::Text,
            PayloadAsArg::Hex => Self::Hex,
            PayloadAsArg::Base64 => Self::Base64,
            PayloadAsArg::Json => Self::Json,
            PayloadAsArg::Cbor => Self::Cbor,
            PayloadAsArg::Msgpack => Self::MessagePack,
        }
    }
}

/// The values of `--watch-sort`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum WatchSortArg {
    /// A topic keeps its line
    Arrival,
    /// By the names of the topics
    Name,
}

impl From<WatchSortArg> for Order {
    fn from(arg: WatchSortArg) -> Self {
        match arg {
            WatchSortArg::Arrival => Self::Arrival,
            WatchSortArg::Name => Self::Name,
        }
    }
}

/// The values of `--retain-handling`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RetainHandlingArg {
    /// All
    Always,
    /// Those of a new subscription
    New,
    /// None
    Never,
}

impl From<RetainHandlingArg> for RetainHandling {
    fn from(arg: RetainHandlingArg) -> Self {
        match arg {
            RetainHandlingArg::Always => Self::Always,
            RetainHandlingArg::New => Self::New,
            RetainHandlingArg::Never => Self::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definition_is_sound() {
        super::command("mqsub").debug_assert();
    }
}
