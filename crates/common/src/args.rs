//! What the user typed: the option groups that mqpub and mqsub share. Parsing does no I/O and
//! draws no conclusions; [`crate::connect`] does.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "what stands in brackets is for the readers of --help"
)]

mod quick;
mod tls;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser as _, ValueParser};
use clap::{ArgAction, Args, ValueEnum};

use crate::defaults::Variables;
use crate::generate;
use crate::message::Qos;
use crate::reason::Version;
use crate::retry::Attempts;
use crate::secret::Secret;

pub use self::tls::{KeyFormArg, TlsArgs, TlsVersionArg};

/// Where the broker is and how to talk to it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// The broker's name or address [env: MQ_HOST] [default: localhost]
    #[arg(short = 'h', long, value_name = "HOST", allow_hyphen_values = true)]
    pub host: Option<String>,

    /// The broker's port: 1 to 65535, or 0 with --unix [env: MQ_PORT] [default: 1883, with
    /// TLS 8883]
    #[arg(short, long, value_name = "PORT", allow_hyphen_values = true, value_parser = port)]
    pub port: Option<u16>,

    /// Connect to this Unix domain socket instead of a host and port
    #[arg(long, value_name = "PATH", allow_hyphen_values = true)]
    pub unix: Option<PathBuf>,

    /// Speak MQTT over WebSocket: path /mqtt, subprotocol mqtt
    #[arg(long)]
    pub ws: bool,

    /// Connect through a SOCKS5 proxy, which looks up the broker's name:
    /// socks5h://[USER:PASSWORD@]HOST[:PORT], percent-decoded [default port: 1080]
    #[arg(long, value_name = "URL", allow_hyphen_values = true, value_parser = OsStringValueParser::new().map(secret))]
    pub proxy: Option<Secret>,

    /// Look up the SRV records _mqtt._tcp.HOST (with TLS _secure-mqtt._tcp.HOST) and connect to
    /// the hosts and ports they name; MQ_DNS_SERVER=IP[:PORT] in the environment is asked instead
    /// of the system's name servers
    #[arg(short = 'S')]
    pub srv: bool,

    /// Local address, or name of one, to connect from
    #[arg(
        short = 'A',
        long = "bind",
        value_name = "ADDR",
        allow_hyphen_values = true
    )]
    pub bind: Option<String>,

    /// Accepted for compatibility: small packets are never held back (TCP_NODELAY)
    #[arg(long)]
    pub nodelay: bool,

    /// Client identifier [default: the broker assigns one]
    #[arg(
        short,
        long,
        value_name = "ID",
        conflicts_with = "id_prefix",
        allow_hyphen_values = true
    )]
    pub id: Option<String>,

    /// Client identifier: this prefix and the process id
    #[arg(short = 'I', long, value_name = "PREFIX", allow_hyphen_values = true)]
    pub id_prefix: Option<String>,

    /// User name [env: MQ_USERNAME]
    #[arg(short, long, value_name = "NAME", allow_hyphen_values = true)]
    pub username: Option<String>,

    /// Password; it stays in the shell's history, other than with --password-file or
    /// --ask-password [env: MQ_PASSWORD]
    #[arg(
        short = 'P',
        long = "pw",
        value_name = "PASSWORD", value_parser = password_parser(),
        allow_hyphen_values = true
    )]
    pub password: Option<Secret>,

    /// Take the password from the first line of this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["password", "ask_password"], allow_hyphen_values = true)]
    pub password_file: Option<PathBuf>,

    /// Ask for the password on the terminal
    #[arg(long, conflicts_with = "password")]
    pub ask_password: bool,

    /// Keep Alive in seconds: 5 to 65535, or 0 for none [default: 60]
    #[arg(short, long, value_name = "SECONDS", allow_hyphen_values = true, value_parser = keep_alive)]
    pub keepalive: Option<u16>,

    /// Keep the session at the broker between runs (needs --id)
    #[arg(short = 'c', long, requires = "id")]
    pub disable_clean_session: bool,

    /// How long the broker keeps the session after the connection ends, in seconds: 0 to
    /// 4294967295, or -1 for ever (needs --id); makes it MQTT 5
    #[arg(short = 'x', value_name = "SECONDS", allow_hyphen_values = true, value_parser = session_expiry)]
    pub session_expiry: Option<u32>,

    /// MQTT version [default: mqttv311; mqttv5 with an option that only MQTT 5 has]
    #[arg(short = 'V', long, value_name = "VERSION", value_enum)]
    pub protocol_version: Option<VersionArg>,

    /// The most unacknowledged QoS 1 and 2 messages at a time: 1 to 65535 [default: 100, at
    /// QoS 2 in MQTT 3.1.1: 20]
    #[arg(short = 'M', long, value_name = "COUNT", allow_hyphen_values = true, value_parser = max_inflight)]
    pub max_inflight: Option<u16>,

    /// How long connecting may take, CONNACK included [default: 10]
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true, value_parser = seconds)]
    pub connect_timeout: Option<Duration>,

    /// How many attempts to connect may fail one after the other before it gives up; forever for
    /// no limit [default: 0 for the first connection and for a single message, otherwise forever]
    #[arg(long, value_name = "COUNT|forever", allow_hyphen_values = true, value_parser = Attempts::parse)]
    pub retry: Option<Attempts>,

    #[command(flatten)]
    pub tls: TlsArgs,

    /// MQTT 5 property, in three words: the packet (connect, publish, subscribe, unsubscribe,
    /// disconnect or will), the property, its value; with user-property four: its key and its
    /// value. May be repeated; a wrong name is answered with the right ones
    #[arg(
        short = 'D',
        long,
        value_name = "CMD NAME VALUE",
        allow_hyphen_values = true,
        // Behind the TLS group, whose heading it would have.
        help_heading = "Connection"
    )]
    pub property: Vec<OsString>,

    /// An option of the tool's own that only MQTT 5 has, by its name.
    #[arg(skip)]
    pub mqtt5_option: Option<&'static str>,

    /// Which of the values come from environment variables.
    #[arg(skip)]
    pub variables: Variables,
}

/// What the broker publishes when this client vanishes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Will")]
pub struct WillArgs {
    /// The Will's topic: the broker publishes there when this client vanishes
    #[arg(long, value_name = "TOPIC", allow_hyphen_values = true)]
    pub will_topic: Option<String>,

    /// The Will's payload [default: empty]
    #[arg(
        long,
        value_name = "TEXT",
        requires = "will_topic",
        allow_hyphen_values = true
    )]
    pub will_payload: Option<OsString>,

    /// The Will's QoS: 0, 1 or 2
    #[arg(long, value_name = "QOS", allow_hyphen_values = true, default_value = "0", value_parser = qos)]
    pub will_qos: Qos,

    /// Keep the Will as a retained message
    #[arg(long, requires = "will_topic")]
    pub will_retain: bool,
}

/// What the tool says about itself.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "General")]
pub struct TalkArgs {
    /// Print each protocol step on stderr
    #[arg(short, long)]
    pub debug: bool,

    /// Print no errors and no warnings; exit codes stay
    #[arg(long)]
    pub quiet: bool,

    /// Print what became of the messages as one JSON object on stderr at the end
    #[arg(long)]
    pub json_summary: bool,

    /// Print the manual page, or the completions for a shell: man, bash, zsh, fish, powershell or
    /// elvish; alone on the command line
    #[arg(long, value_name = "WHAT", hide_possible_values = true, value_parser = generate::alone())]
    generate: Option<generate::Kind>,

    /// Print help
    #[arg(long, action = ArgAction::HelpShort)]
    help: Option<bool>,

    /// Print version
    #[arg(long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// The protocol versions of `-V`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum VersionArg {
    /// MQTT 3.1
    #[value(alias = "31")]
    Mqttv31,
    /// MQTT 3.1.1
    #[value(alias = "311")]
    Mqttv311,
    /// MQTT 5
    #[value(alias = "5")]
    Mqttv5,
}

impl From<VersionArg> for Version {
    fn from(version: VersionArg) -> Self {
        match version {
            VersionArg::Mqttv31 => Self::V31,
            VersionArg::Mqttv311 => Self::V311,
            VersionArg::Mqttv5 => Self::V5,
        }
    }
}

/// Reads a QoS.
///
/// # Errors
/// Anything but 0, 1 and 2.
pub fn qos(text: &str) -> Result<Qos, String> {
    number(text)
        .and_then(Qos::from_level)
        .ok_or_else(|| "QoS is 0, 1 or 2".to_owned())
}

/// Reads a number, blanks around it allowed: scripts cut them out of columns.
#[must_use]
pub fn number<T: FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}

/// Reads a time in seconds, fractions allowed.
///
/// # Errors
/// Not a number, negative, zero, or more than a century.
pub fn seconds(text: &str) -> Result<Duration, String> {
    const CENTURY: f64 = 3_155_760_000.0;
    let seconds: f64 = number(text).ok_or_else(|| "not a number".to_owned())?;
    if seconds > 0.0 && seconds <= CENTURY {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("must be above 0 and at most a century".to_owned())
    }
}

/// Reads a password: any bytes.
pub(crate) fn password_parser() -> ValueParser {
    ValueParser::new(OsStringValueParser::new().map(secret))
}

fn secret(text: OsString) -> Secret {
    Secret::new(text.into_vec())
}

/// The largest number stands for "never" (MQTT 5, section 3.1.2.11.2).
fn session_expiry(text: &str) -> Result<u32, String> {
    match text.trim() {
        "-1" | "∞" => Ok(u32::MAX),
        _ => number(text).ok_or_else(|| "it is 0 to 4294967295 seconds, or -1 for ever".to_owned()),
    }
}

fn keep_alive(text: &str) -> Result<u16, String> {
    match number(text) {
        Some(seconds) if seconds == 0 || seconds >= 5 => Ok(seconds),
        _ => Err("Keep Alive is 5 to 65535 whole seconds, or 0 for none".to_owned()),
    }
}

fn port(text: &str) -> Result<u16, String> {
    number(text).ok_or_else(|| "a port is 1 to 65535, or 0 with --unix".to_owned())
}

/// More than a Packet Identifier can tell apart is the same as that many.
fn max_inflight(text: &str) -> Result<u16, String> {
    match number::<u64>(text) {
        Some(count @ 1..) => Ok(u16::try_from(count).unwrap_or(u16::MAX)),
        _ => Err("it is 1 to 65535 messages".to_owned()),
    }
}
