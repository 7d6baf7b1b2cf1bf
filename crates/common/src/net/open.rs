//! The steps of opening a connection, each within what is left of the time.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::srv::Service;
use super::{Address, Peer, Route, Stream, dial, websocket};
use crate::exit::Exit;
use crate::report::Report;
use crate::runtime::aside;
use crate::tls::Tls;

/// How many targets of a service a message names.
const NAMED: usize = 5;

/// The time that all steps of connecting share.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    time: Duration,
    deadline: Instant,
}

impl Limit {
    /// All of `time`, from now on.
    #[must_use]
    pub fn new(time: Duration) -> Self {
        Self {
            time,
            deadline: Instant::now() + time,
        }
    }

    /// When it is over.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// How long it was at the beginning, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.time.as_secs_f64()
    }

    /// An equal share of what is left, with `others` to come after it.
    fn share(&self, others: usize) -> Self {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let shares = u32::try_from(others).unwrap_or(u32::MAX).saturating_add(1);
        // Whole milliseconds, because a person reads them.
        let share = u64::try_from((left / shares).as_millis()).unwrap_or(u64::MAX);
        Self::new(Duration::from_millis(share))
    }

    /// Runs one step; the error is the limit in seconds.
    ///
    /// # Errors
    /// The time is over.
    pub async fn on<T>(&self, step: impl Future<Output = T>) -> Result<T, f64> {
        timeout_at(self.deadline, step)
            .await
            .map_err(|_| self.time.as_secs_f64())
    }
}

/// Connects to the broker, secures the connection and opens the WebSocket, as the route says.
/// Gives what it is connected to as well.
///
/// # Errors
/// No such host, no such socket, nobody there, a proxy or a handshake that failed: explained.
pub async fn open(
    route: &Route,
    tls: Option<&Tls>,
    limit: &Limit,
) -> Result<(Stream, Peer), Report> {
    match &route.address {
        Address::Service(service) => aside(|| any_of(service, route, tls, limit)).await,
        _ => way(route, tls, limit).await,
    }
}

/// Tries what the service's records name, one after the other.
async fn any_of(
    service: &Service,
    route: &Route,
    tls: Option<&Tls>,
    limit: &Limit,
) -> Result<(Stream, Peer), Report> {
    let targets = limit.on(service.targets()).await.map_err(|seconds| {
        service
            .not_found()
            .cause(format!("no answer within {seconds} s"))
            .hint("the name servers in /etc/resolv.conf, or that in MQ_DNS_SERVER, must answer")
    })??;
    let count = targets.len();
    let mut names = Vec::new();
    let mut failure = service.not_found();
    for (done, address) in targets.into_iter().enumerate() {
        names.push(address.to_string());
        let route = Route {
            address,
            ..route.clone()
        };
        match way(&route, tls, &limit.share(count - done - 1)).await {
            Ok(connected) => return Ok(connected),
            Err(report) => failure = report,
        }
    }
    let mut notes = Vec::new();
    if count > 1 {
        names.truncate(NAMED);
        let more = if count > NAMED { ", …" } else { "" };
        notes.push(format!(
            "{} names {count} hosts, and none could be used: {}{more}",
            route.address,
            names.join(", ")
        ));
    }
    if tls.is_some() && failure.exit() == Exit::TLS {
        notes.push(format!(
            "with -S the certificate must name {}; that the DNS names a host is no proof",
            service.host
        ));
    }
    Err(if notes.is_empty() {
        failure
    } else {
        failure.note(notes.join("; "))
    })
}

async fn way(route: &Route, tls: Option<&Tls>, limit: &Limit) -> Result<(Stream, Peer), Report> {
    let (mut stream, ip) = match &route.proxy {
        Some(proxy) => (aside(|| proxy.connect(route, limit)).await?, None),
        None => limit.on(dial(route)).await.map_err(|seconds| {
            Report::new(Exit::OS_ERROR, format!("cannot connect to {route}"))
                .cause(format!("no answer within {seconds} s"))
                .hint("check -h and -p, and whether a firewall drops the connection")
        })??,
    };
    if let Some(tls) = tls {
        stream = limit
            .on(aside(|| secure(tls, stream, route)))
            .await
            .map_err(|seconds| {
                Report::new(
                    Exit::TLS_HANDSHAKE,
                    format!("{} did not answer the TLS handshake", route.address),
                )
                .cause(format!("no answer within {seconds} s"))
                .hint("does that listener have TLS? without --cafile it is plain MQTT")
            })??;
    }
    if route.websocket {
        stream = limit
            .on(aside(|| websocket::open(stream, route, tls)))
            .await
            .map_err(|seconds| {
                Report::new(
                    Exit::CONNECTION_REFUSED,
                    format!("{} did not open a WebSocket", route.address),
                )
                .cause(format!("no answer within {seconds} s"))
                .hint("is that a listener for WebSockets? without --ws it is plain MQTT")
            })??;
    }
    Ok((stream, Peer::new(route, ip)))
}

async fn secure(tls: &Tls, stream: Stream, route: &Route) -> Result<Stream, Report> {
    tls.secure(stream, &route.address.to_string()).await
}

/// Gives the address that answered as well, where it is one.
async fn dial(route: &Route) -> Result<(Stream, Option<IpAddr>), Report> {
    match &route.address {
        Address::Tcp { host, port } => {
            let stream = dial::tcp(host, *port, route.bind.as_deref())
                .await
                .map_err(|failure| failure.report(host, route))?;
            let ip = stream.peer_addr().ok().map(|peer| peer.ip());
            Ok((Box::pin(stream), ip))
        }
        Address::Unix(path) => Ok((Box::pin(dial::unix(path).await?), None)),
        // Only its targets can be connected to.
        Address::Service(service) => Err(service.not_found()),
    }
}
