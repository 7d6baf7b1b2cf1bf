//! A connection: over TCP to the first address of a name that answers, or to a Unix domain
//! socket.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, UnixStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::prompt::Prompt;
use super::{Address, Route};
use crate::exit::Exit;
use crate::report::Report;
use crate::runtime::aside;

/// How long one address may keep the next from being tried (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Nearly every broker listens on the first.
const LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// Why there is no connection; whoever asked for it knows what it was for.
pub(super) enum DialError {
    /// The local address is of no use.
    Local(Report),
    /// The host has no address, for this reason.
    Unknown(String),
    /// None of its addresses answered, for these reasons.
    Unreachable(String),
}

impl DialError {
    /// The failure of a connection to the broker itself.
    pub(super) fn report(self, host: &str, route: &Route) -> Report {
        match self {
            Self::Local(report) => report,
            Self::Unknown(why) => unknown(host, "-h").cause(why),
            Self::Unreachable(why) => {
                Report::new(Exit::OS_ERROR, format!("cannot connect to {route}"))
                    .cause(why)
                    .hint("is a broker listening there? check -h and -p")
            }
        }
    }
}

/// Connects with TCP_NODELAY: messages are written whole, and waiting for more only delays them.
pub(super) async fn tcp(host: &str, port: u16, bind: Option<&str>) -> Result<Prompt, DialError> {
    let local = match bind {
        Some(name) => Some(Local {
            name: name.to_owned(),
            addresses: resolve(name, 0)
                .await
                .map_err(|why| DialError::Local(unknown(name, "-A").cause(why)))?,
        }),
        None => None,
    };
    let addresses = resolve(host, port).await.map_err(DialError::Unknown)?;
    let failed =
        |failures: Vec<Failure>| {
            let why = causes(&failures);
            if !failures.iter().all(|(_, why)| is_local(why)) {
                return DialError::Unreachable(why);
            }
            let name = bind.unwrap_or_default();
            let error = format!("cannot connect to {host}, port {port}, from {name}");
            DialError::Local(Report::new(Exit::OS_ERROR, error).cause(why).hint(
                "check -A: it names an address of this machine, IPv4 or IPv6 as the broker's is",
            ))
        };
    let stream = race(addresses, local).await.map_err(failed)?;
    stream
        .set_nodelay(true)
        .map_err(|why| failed(vec![(None, why)]))?;
    Ok(Prompt::new(stream))
}

/// Connects to a Unix domain socket.
pub(super) async fn unix(path: &Path) -> Result<UnixStream, Report> {
    UnixStream::connect(path).await.map_err(|why| {
        let hint = match why.kind() {
            io::ErrorKind::NotFound => "does the broker's configuration hold `listener 0 PATH`?",
            io::ErrorKind::PermissionDenied => {
                "the socket's mode and owner say who may connect: ls -l shows them"
            }
            _ => "is a broker listening there? check --unix",
        };
        let address = Address::Unix(path.to_owned());
        Report::new(Exit::OS_ERROR, format!("cannot connect to {address}"))
            .cause(why)
            .hint(hint)
    })
}

/// All addresses of the host, by the system's resolver. That needs a thread, which costs a run of a
/// millisecond a third of its time; what `localhost` means is known (RFC 6761, section 6.3).
async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(LOOPBACK.map(|address| (address, port).into()).to_vec());
    }
    let found: Vec<_> = lookup_host((host, port))
        .await
        .map_err(|why| why.to_string())?
        .collect();
    if found.is_empty() {
        return Err("the name has no address".to_owned());
    }
    Ok(found)
}

fn unknown(host: &str, option: &str) -> Report {
    Report::new(
        Exit::NAME_RESOLUTION,
        format!("cannot find the host {host:?}"),
    )
    .hint(format!("check the name given with {option}"))
}

/// Where a connection is to come from.
#[derive(Debug, Clone)]
struct Local {
    name: String,
    addresses: Vec<SocketAddr>,
}

/// Connects from a local address of the same family, if there is a choice at all.
async fn connect(to: SocketAddr, local: Option<Local>) -> io::Result<TcpStream> {
    let Some(Local { name, addresses }) = local else {
        return TcpStream::connect(to).await;
    };
    let mut fitting = addresses
        .into_iter()
        .filter(|from| from.is_ipv4() == to.is_ipv4());
    let from = fitting.next().ok_or_else(|| {
        let family = if to.is_ipv4() { "IPv4" } else { "IPv6" };
        io::Error::other(LocalError(format!(
            "{name} (-A) is not an {family} address"
        )))
    })?;
    let socket = if to.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.bind(from).map_err(|why| {
        io::Error::new(
            why.kind(),
            LocalError(format!("cannot connect from {} (-A): {why}", from.ip())),
        )
    })?;
    socket.connect(to).await
}

/// The local address is the cause.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct LocalError(String);

fn is_local(why: &io::Error) -> bool {
    why.get_ref().is_some_and(|why| why.is::<LocalError>())
}

/// This machine has no address of that family.
fn is_missing(why: &io::Error) -> bool {
    why.kind() == io::ErrorKind::AddrNotAvailable
}

type Failure = (Option<SocketAddr>, io::Error);

/// Tries the addresses in turn, the next one as soon as the one before has failed or has
/// had its head start; the first connection wins.
async fn race(addresses: Vec<SocketAddr>, local: Option<Local>) -> Result<TcpStream, Vec<Failure>> {
    let mut addresses = addresses.into_iter();
    // Not as a task: mostly it is the only one.
    let Some(address) = addresses.next() else {
        return Err(Vec::new());
    };
    let mut first = Box::pin(attempt(address, local.clone()));
    let begun = match timeout(ATTEMPT_DELAY, &mut first).await {
        Ok(Ok(stream)) => return Ok(stream),
        Ok(Err(failure)) => Err(failure),
        Err(_) => Ok(first),
    };
    aside(|| race_on(begun, addresses, local)).await
}

async fn attempt(address: SocketAddr, local: Option<Local>) -> Result<TcpStream, Failure> {
    connect(address, local)
        .await
        .map_err(|why| (Some(address), why))
}

/// The rest of the race, after the first has failed or goes on.
async fn race_on(
    first: Result<impl Future<Output = Result<TcpStream, Failure>> + Send + 'static, Failure>,
    mut addresses: impl Iterator<Item = SocketAddr>,
    local: Option<Local>,
) -> Result<TcpStream, Vec<Failure>> {
    let mut attempts = JoinSet::new();
    let mut failures = Vec::new();
    match first {
        Ok(first) => {
            attempts.spawn(first);
        }
        Err(failure) => failures.push(failure),
    }
    loop {
        let next = addresses.next();
        let last = next.is_none();
        if let Some(address) = next {
            attempts.spawn(attempt(address, local.clone()));
        }
        let outcome = if last {
            attempts.join_next().await
        } else {
            match timeout(ATTEMPT_DELAY, attempts.join_next()).await {
                Ok(outcome) => outcome,
                Err(_) => continue,
            }
        };
        match outcome {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(failure))) => failures.push(failure),
            Some(Err(why)) => failures.push((None, io::Error::other(why))),
            None => return Err(failures),
        }
    }
}

fn causes(failures: &[Failure]) -> String {
    // Where there is no IPv6 at all, that does not help to find out about the rest.
    let are_all_missing = failures.iter().all(|(_, why)| is_missing(why));
    let causes: Vec<String> = failures
        .iter()
        .filter(|(_, why)| are_all_missing || !is_missing(why))
        .map(|(to, why)| match to {
            Some(to) => format!("{to}: {why}"),
            None => why.to_string(),
        })
        .collect();
    causes.join("; ")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn race_of(addresses: Vec<SocketAddr>) -> Result<SocketAddr, Vec<Failure>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let stream = runtime.block_on(race(addresses, None))?;
        Ok(stream.peer_addr().unwrap())
    }

    /// An address where nobody listens, nor can while the socket is there.
    fn nobody() -> (TcpSocket, SocketAddr) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    #[test]
    fn every_address_is_tried_until_one_answers() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let there = listener.local_addr().unwrap();
        let (_held, nobody): (Vec<_>, Vec<_>) = (0..3).map(|_| nobody()).unzip();
        for addresses in [
            vec![there],
            vec![nobody[0], there],
            vec![nobody[0], nobody[1], there, nobody[2]],
        ] {
            assert_eq!(race_of(addresses).unwrap(), there);
        }
    }

    #[test]
    fn localhost_is_both_loopback_addresses() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        for name in ["localhost", "LocalHost"] {
            let found = runtime.block_on(resolve(name, 1883)).unwrap();
            assert_eq!(
                found,
                ["127.0.0.1:1883", "[::1]:1883"].map(|text| text.parse().unwrap())
            );
        }
    }

    #[test]
    fn a_family_that_is_not_there_is_only_told_alone() {
        let failure = |host: IpAddr, kind: io::ErrorKind| (Some((host, 1).into()), kind.into());
        let [four, six] = LOOPBACK;
        let missing = || failure(six, io::ErrorKind::AddrNotAvailable);
        let refused = || failure(four, io::ErrorKind::ConnectionRefused);
        assert_eq!(
            causes(&[refused(), missing()]),
            "127.0.0.1:1: connection refused"
        );
        assert_eq!(causes(&[missing()]), "[::1]:1: address not available");
    }

    #[test]
    fn every_failure_is_told() {
        let (_held, addresses): (Vec<_>, Vec<_>) = (0..2).map(|_| nobody()).unzip();
        let failures = race_of(addresses.clone()).unwrap_err();
        let failed: Vec<_> = failures.iter().filter_map(|(to, _)| *to).collect();
        assert_eq!(failed, addresses);
    }
}
