//! What keeps a broker from accepting a CONNECT, explained.

use std::time::Instant;

use super::{Client, ClientError, OUR_LIMIT};
use crate::exit::Exit;
use crate::protocol::{ProtocolError, Verdict};
use crate::reason::Refusal;
use crate::report::Report;
use crate::tls::told_from_mqtt;

impl Client {
    /// Says CONNECT over a fresh stream.
    pub(super) fn greet(&mut self) -> Result<(), Report> {
        self.session.open(Instant::now()).map_err(|why| {
            Report::new(Exit::USAGE, "cannot send this CONNECT")
                .cause(why)
                .lasting()
        })
    }

    /// Why this handshake has failed, once it has; `step` is what became of its last step.
    pub(super) fn no_welcome(&self, step: Option<&ClientError>) -> Option<Report> {
        // Others than brokers may also keep quiet after their first line.
        if let Some(report) = self.stranger() {
            return Some(report);
        }
        if let Some(why) = step {
            return Some(self.no_connack(why));
        }
        match self.session.verdict() {
            Some(Verdict::Refused(refusal)) => Some(self.refused(refusal)),
            _ => None,
        }
    }

    /// No CONNACK came in time.
    pub(super) fn no_answer(&self, seconds: f64) -> Report {
        Report::new(
            Exit::CONNECTION_REFUSED,
            format!("{} did not answer the CONNECT", self.peer),
        )
        .cause(format!("no CONNACK within {seconds} s"))
        .hint("is an MQTT broker listening there? a listener with TLS needs --cafile")
    }

    fn refused(&self, refusal: &Refusal) -> Report {
        let mut report = Report::new(
            Exit::from_broker(refusal.code),
            format!("{} refused the connection", self.peer),
        )
        .cause(refusal);
        if let Some(hint) = refusal.hint() {
            report = report.hint(hint);
        }
        if refusal.may_heal() {
            report
        } else {
            report.lasting()
        }
    }

    /// What answers is no broker, or one that wants TLS.
    fn stranger(&self) -> Option<Report> {
        let (cause, hint, is_tls) = told_from_mqtt(&self.beginning)?;
        let exit = match (is_tls, &self.tls) {
            (true, None) => Exit::CONNECTION_REFUSED,
            (true, Some(_)) => return None,
            (false, _) => Exit::MALFORMED_PACKET,
        };
        Some(
            Report::new(exit, self.not_accepted())
                .cause(cause)
                .hint(hint)
                .lasting(),
        )
    }

    fn not_accepted(&self) -> String {
        format!("{} did not accept the connection", self.peer)
    }

    /// The connection ended while CONNACK was due.
    fn no_connack(&self, why: &ClientError) -> Report {
        let report = |exit| Report::new(exit, self.not_accepted());
        let end = match why {
            ClientError::Closed => Some(None),
            ClientError::Io(why) => Some(Some(why)),
            _ => None,
        };
        if let (Some(tls), Some(error)) = (&self.tls, end)
            && let Some(report) = tls.no_answer(&self.peer, error)
        {
            return report;
        }
        match why {
            ClientError::Protocol(ProtocolError::OverLimit(_)) => {
                report(why.exit()).cause(why).hint(OUR_LIMIT).lasting()
            }
            ClientError::Protocol(_) => report(why.exit())
                .cause(why)
                .hint("is an MQTT broker listening there? for WebSocket, add --ws")
                .lasting(),
            _ => report(Exit::CONNECTION_REFUSED)
                .cause(format!("{why} before it answered the CONNECT"))
                .hint(if self.tls.is_some() {
                    "some brokers answer a wrong user name or password in this way; the broker's log says more"
                } else {
                    "a listener with TLS needs --cafile; some brokers answer a wrong user name or password in this way; the broker's log says more"
                }),
        }
    }
}
