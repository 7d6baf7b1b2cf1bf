//! Options of runs that wait for messages, too: requests and probes.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use mqtools_common::args;

/// What is expected back.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Response")]
pub struct ExchangeArgs {
    /// Wait for the answer to the message and print it; subscribes before it publishes. In MQTT 5
    /// the message carries Response Topic and Correlation Data
    #[arg(long)]
    pub wait_response: bool,

    /// With --wait-response: the topic of the answer [default in MQTT 5: one of its own]
    #[arg(short = 'e', long, value_name = "TOPIC", allow_hyphen_values = true)]
    pub response_topic: Option<String>,

    /// With --wait-response: end after this many answers [default: 1]
    #[arg(short = 'C', value_name = "COUNT", allow_hyphen_values = true, value_parser = super::repeat)]
    pub count: Option<u64>,

    /// With --wait-response: print answers in this format, as mqsub does
    #[arg(short = 'F', value_name = "FORMAT", allow_hyphen_values = true)]
    pub format: Option<OsString>,

    /// With --wait-response: print on stderr how long each answer took
    #[arg(long)]
    pub latency: bool,

    /// Check the broker: connect, subscribe, publish, receive, disconnect; print how long each
    /// step took. The topic is -t, or one of its own
    #[arg(long, groups = ["source", "plain_source"])]
    pub probe: bool,

    /// With --probe: print one JSON object, also of a failure
    #[arg(long)]
    pub json: bool,

    /// With --wait-response or --probe: exit with code 27 after this time; fractions are possible
    /// [default with --probe: 10]
    #[arg(short = 'W', value_name = "SECONDS", allow_hyphen_values = true, value_parser = args::seconds)]
    pub timeout: Option<Duration>,
}
