//! What the user is told when something about a message does not work.

use mqtools_common::exit::Exit;
use mqtools_common::message::Message;
use mqtools_common::protocol::PublishError;
use mqtools_common::report::Report;

use crate::config::Config;
use crate::format::NotDecoded;
use crate::remover::Refused;
use crate::sink::SinkError;
use crate::stop::End;
use crate::warn;

/// How many refusals to remove a retained message are told one by one.
const TOLD: u64 = 10;

pub(super) fn undecoded(message: &Message, why: &NotDecoded) -> String {
    let topic = message.topic.as_str();
    format!("a payload on the topic {topic:?} is {why}")
}

pub(super) fn warn_of_refused(config: &Config, refused: &Refused) {
    let Refused { topic, why, before } = refused;
    let topic = topic.as_str();
    if *before < TOLD {
        warn(
            config,
            &format!("the retained message on the topic {topic:?} was not removed: {why}"),
        );
    }
}

pub(super) fn not_requested(what: &str, why: &PublishError) -> Report {
    let exit = match why {
        PublishError::OverBrokerMaximum { .. } => Exit::OVERSIZE_PACKET,
        _ => Exit::UNKNOWN,
    };
    Report::new(exit, format!("cannot {what}")).cause(why)
}

/// What the end of the output means for the whole.
pub(super) fn unwritten(why: SinkError) -> Result<End, Report> {
    match why {
        SinkError::ReaderGone => Ok(End::Done),
        SinkError::Io(why) => Err(unwritable(&why)),
        SinkError::NotHandled(report) => Err(report),
    }
}

fn unwritable(why: &std::io::Error) -> Report {
    Report::new(Exit::OS_ERROR, "cannot write to standard output")
        .cause(why)
        .hint("what was not written was not acknowledged either: with -c and -q 1 the broker keeps it")
}
