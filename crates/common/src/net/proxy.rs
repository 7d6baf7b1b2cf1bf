//! A SOCKS5 proxy (RFC 1928, RFC 1929) that makes the connection and looks up the name.

use percent_encoding::percent_decode_str;
use tokio_socks::Error;
use tokio_socks::tcp::Socks5Stream;

use super::dial::{self, DialError};
use super::{Address, Limit, Route, Stream};
use crate::exit::Exit;
use crate::report::Report;
use crate::secret::Secret;
use crate::url::split_port;
use crate::usage::misuse;

/// The port of SOCKS (IANA).
const PORT: u16 = 1080;

const SHAPE: &str = "the proxy's URL is socks5h://[USER:PASSWORD@]HOST[:PORT]";

/// A proxy, and who we are to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    credentials: Option<Credentials>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Credentials {
    username: String,
    /// UTF-8.
    password: Secret,
}

impl Proxy {
    /// Takes the URL of `--proxy` apart; user name, password and host are percent-decoded. No
    /// message repeats the URL, because it may hold a password.
    ///
    /// # Errors
    /// A URL that has another shape or another scheme, credentials that SOCKS5 cannot carry.
    pub fn parse(url: &Secret) -> Result<Self, Report> {
        let wrong = |why: &str| {
            misuse("the URL given with --proxy is not valid")
                .cause(why)
                .hint(SHAPE)
        };
        let text = std::str::from_utf8(url.reveal()).map_err(|_| wrong("it is not UTF-8"))?;
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| wrong("it has no scheme"))?;
        if scheme.eq_ignore_ascii_case("socks5") {
            return Err(wrong(
                "with socks5 it is the client that looks up names; only socks5h, where the proxy does, is supported",
            ));
        }
        if !scheme.eq_ignore_ascii_case("socks5h") {
            return Err(wrong("its scheme is not socks5h"));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        if place.contains(['/', '?', '#']) {
            return Err(wrong("something follows its host and port"));
        }
        let (host, port) = split_port(place).ok_or_else(|| {
            wrong("its port has no host in front, or an IPv6 address is not in brackets")
        })?;
        let decoded = |what: &str, text: &str| match percent_decode_str(text).decode_utf8() {
            Ok(text) => Ok(text.into_owned()),
            Err(_) => Err(wrong(&format!("its {what}, decoded, is not UTF-8"))),
        };
        let host = decoded("host", host)?;
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        let port = match port {
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|&port| port != 0)
                .ok_or_else(|| wrong("its port is not a number from 1 to 65535"))?,
            None => PORT,
        };
        let credentials = match user {
            Some(user) => {
                let (username, password) = user.split_once(':').unwrap_or((user, ""));
                let credentials = Credentials {
                    username: decoded("user name", username)?,
                    password: Secret::from(decoded("password", password)?),
                };
                // One byte holds the length, and 0 is no length (RFC 1929, section 2).
                let lengths = [
                    credentials.username.len(),
                    credentials.password.reveal().len(),
                ];
                if lengths.iter().any(|length| !(1..=255).contains(length)) {
                    return Err(wrong(
                        "SOCKS5 takes a user name together with a password, each of 1 to 255 bytes",
                    ));
                }
                Some(credentials)
            }
            None => None,
        };
        Ok(Self {
            host,
            port,
            credentials,
        })
    }

    /// Where it listens: `host:port`.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::Tcp {
            host: self.host.clone(),
            port: self.port,
        }
    }

    /// Connects to it, from the route's local address, and has it connect to the broker.
    pub(super) async fn connect(&self, route: &Route, limit: &Limit) -> Result<Stream, Report> {
        let Address::Tcp { host, port } = &route.address else {
            return Err(misuse(format!("no proxy leads to {}", route.address)));
        };
        let unreachable = || {
            Report::new(
                Exit::PROXY,
                format!("cannot connect to the proxy {}", self.address()),
            )
            .hint("is a SOCKS5 proxy listening there? check --proxy")
        };
        let stream: Stream = limit
            .on(dial::tcp(&self.host, self.port, route.bind.as_deref()))
            .await
            .map_err(|seconds| unreachable().cause(format!("no answer within {seconds} s")))?
            .map(|stream| -> Stream { Box::pin(stream) })
            .map_err(|failure| match failure {
                DialError::Local(report) => report,
                DialError::Unknown(why) | DialError::Unreachable(why) => unreachable().cause(why),
            })?;
        let failed = || {
            Report::new(
                Exit::PROXY,
                format!(
                    "the proxy {} did not connect to {}",
                    self.address(),
                    route.address
                ),
            )
        };
        limit
            .on(self.negotiate(stream, (host, *port)))
            .await
            .map_err(|seconds| {
                failed()
                    .cause(format!("no answer within {seconds} s"))
                    .hint("the broker may be unreachable from there, or that port is no SOCKS5 proxy's")
            })?
            .map_err(|why| {
                let (cause, hint) = explain(&why, self.credentials.is_some());
                let report = failed().cause(cause).hint(hint);
                if may_heal(&why) {
                    report
                } else {
                    report.lasting()
                }
            })
    }

    /// Has it connect to `target`, over a connection to it.
    pub(super) async fn negotiate(
        &self,
        stream: Stream,
        target: (&str, u16),
    ) -> Result<Stream, Error> {
        let connected = match &self.credentials {
            None => Socks5Stream::connect_with_socket(stream, target).await,
            Some(Credentials { username, password }) => {
                let password = std::str::from_utf8(password.reveal()).unwrap_or_default();
                Socks5Stream::connect_with_password_and_socket(stream, target, username, password)
                    .await
            }
        };
        connected.map(Socks5Stream::into_inner)
    }
}

/// Whether the way through the proxy may be open at another time.
fn may_heal(why: &Error) -> bool {
    matches!(
        why,
        Error::Io(_)
            | Error::GeneralSocksServerFailure
            | Error::NetworkUnreachable
            | Error::HostUnreachable
            | Error::ConnectionRefused
            | Error::TtlExpired
    )
}

/// Cause and hint of what the proxy answered (RFC 1928, section 6).
pub(super) fn explain(why: &Error, has_credentials: bool) -> (String, &'static str) {
    let (cause, hint) = match why {
        Error::GeneralSocksServerFailure => (
            "general failure of the proxy (reply 1)",
            "many proxies say so of a name that they cannot find; the proxy's log says more",
        ),
        Error::ConnectionNotAllowedByRuleset => (
            "its rules do not allow this connection (reply 2)",
            "the proxy's configuration must allow the broker's host and port",
        ),
        Error::NetworkUnreachable => (
            "from there, the broker's network is unreachable (reply 3)",
            "check -h, and the proxy's own network",
        ),
        Error::HostUnreachable => (
            "from there, the host is unreachable or has no such name (reply 4)",
            "check -h; the proxy looks the name up",
        ),
        Error::ConnectionRefused => (
            "the broker's port refuses connections (reply 5)",
            "is a broker listening there? check -h and -p",
        ),
        Error::TtlExpired => (
            "the way from there to the broker takes too long (reply 6)",
            "check -h, and the proxy's own network",
        ),
        Error::CommandNotSupported => (
            "it makes no connections (reply 7)",
            "a SOCKS5 proxy that supports CONNECT is needed",
        ),
        Error::AddressTypeNotSupported => (
            "it does not know this kind of address (reply 8)",
            "the proxy must look up names itself (socks5h); or give the broker's IPv4 address with -h",
        ),
        Error::PasswordAuthFailure(_) => (
            "it refused the user name or password",
            "check the credentials in the URL of --proxy",
        ),
        Error::NoAcceptableAuthMethods if has_credentials => (
            "it takes neither this user name and password nor nobody's",
            "that proxy asks for a kind of authentication other than user name and password",
        ),
        Error::NoAcceptableAuthMethods | Error::AuthorizationRequired => (
            "it asks for authentication",
            "put a user name and password into the URL: socks5h://USER:PASSWORD@HOST",
        ),
        Error::Io(why) if why.kind() == std::io::ErrorKind::UnexpectedEof => (
            "it closed the connection in the middle of the negotiation",
            "is that port a SOCKS5 proxy's? check --proxy",
        ),
        Error::Io(why) => return (why.to_string(), "the proxy's log may say more"),
        Error::InvalidTargetAddress(_) => (
            "the broker's name is longer than 255 bytes",
            "check the name given with -h",
        ),
        _ => (
            "what it answers is not SOCKS5",
            "is that port a SOCKS5 proxy's? check --proxy",
        ),
    };
    (cause.to_owned(), hint)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(url: &str) -> Result<Proxy, Report> {
        Proxy::parse(&Secret::from(url.to_owned()))
    }

    #[test]
    fn its_parts_are_decoded() {
        let proxy = parsed("SOCKS5H://us%40er:p%2Fa%3A:b@gate%2d1:99/").unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("gate-1", 99));
        let credentials = proxy.credentials.unwrap();
        assert_eq!(credentials.username, "us@er");
        assert_eq!(credentials.password.reveal(), b"p/a::b");
    }

    #[test]
    fn port_and_credentials_may_be_missing() {
        let proxy = parsed("socks5h://[::1]").unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("::1", 1080));
        assert_eq!(proxy.credentials, None);
        assert_eq!(proxy.address().to_string(), "[::1]:1080");
    }

    #[test]
    fn a_wrong_url_is_told_without_being_repeated() {
        let long = format!("socks5h://u:{}secret@h", "x".repeat(250));
        for url in [
            "",
            "secret",
            "secret:1080",
            "http://u:secret@h",
            "socks5://u:secret@h",
            "socks4a://u:secret@h",
            "socks5h://",
            "socks5h://u:secret@",
            "socks5h://u:secret@:1080",
            "socks5h://u:secret@h:0",
            "socks5h://u:secret@h:",
            "socks5h://u:secret@h:secret",
            "socks5h://u:secret@h:65536",
            "socks5h://u:secret@::1",
            "socks5h://u:secret@[::1",
            "socks5h://u:secret@[::1]secret",
            "socks5h://u:secret@h/secret",
            "socks5h://secret@h",
            "socks5h://secret:@h",
            "socks5h://:secret@h",
            "socks5h://%ff:secret@h",
            "socks5h://u:%ffsecret@h",
            &long,
        ] {
            let report = parsed(url).unwrap_err();
            assert!(!report.to_string().contains("secret"), "{url}: {report}");
            assert!(report.to_string().contains("hint: "), "{url}: {report}");
        }
    }

    #[test]
    fn debug_output_hides_the_password() {
        assert!(!format!("{:?}", parsed("socks5h://u:hunter2@h")).contains("hunter2"));
    }

    proptest! {
        #[test]
        fn nothing_panics(url in "(socks5h://)?[a-z%@:/\\[\\]0-9\u{20ac}]{0,40}") {
            let _ = parsed(&url);
        }

        #[test]
        fn what_is_encoded_comes_back(user in "\\PC{1,60}", password in "\\PC{1,60}", port in 1..=u16::MAX) {
            use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
            let encode = |text: &str| percent_encode(text.as_bytes(), NON_ALPHANUMERIC).to_string();
            let url = format!("socks5h://{}:{}@h:{port}", encode(&user), encode(&password));
            let proxy = parsed(&url).unwrap();
            prop_assert_eq!(proxy.port, port);
            let credentials = proxy.credentials.unwrap();
            prop_assert_eq!(credentials.username, user);
            prop_assert_eq!(credentials.password.reveal(), password.as_bytes());
        }
    }
}
