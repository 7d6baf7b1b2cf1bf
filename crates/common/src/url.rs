//! The URL of `-L`: a broker's address, credentials and a topic in one word.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, FromArgMatches, value_parser};
use percent_encoding::percent_decode_str;

use crate::report::Report;
use crate::secret::Secret;
use crate::usage::misuse;

const SHAPE: &str = "the URL is mqtt://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC, with mqtts:// for TLS, ws:// or wss:// for WebSocket";

/// The option `-L`, as typed, and which options were typed after it.
///
/// Of an option and the part of the URL that says the same, the last one wins. To see their
/// order, this group must come before the options in a tool's definition.
#[derive(Debug, Clone, Default)]
pub struct UrlArgs {
    url: Option<Secret>,
    later: Later,
}

/// Which options were typed after the URL.
#[derive(Debug, Clone, Copy, Default)]
struct Later {
    unix: bool,
    host: bool,
    port: bool,
    username: bool,
    password: bool,
    topic: bool,
}

/// What a URL says, decoded.
#[derive(Debug, Clone)]
pub struct Url {
    /// Its scheme asks for TLS.
    pub secure: bool,
    /// Its scheme asks for WebSocket.
    pub websocket: bool,
    host: String,
    port: Option<u16>,
    username: Option<String>,
    password: Option<Secret>,
    topic: Option<String>,
    later: Later,
}

impl UrlArgs {
    /// Takes the URL apart; none when there is none. No message repeats the URL, because it
    /// may hold a password.
    ///
    /// # Errors
    /// A URL that has another shape, another scheme, or text that is not UTF-8.
    pub fn parse(&self) -> Result<Option<Url>, Report> {
        self.url
            .as_ref()
            .map(|url| Url::parse(url, self.later))
            .transpose()
    }
}

impl Url {
    fn parse(url: &Secret, later: Later) -> Result<Self, Report> {
        let wrong = |why: &str| {
            misuse("the URL given with -L is not valid")
                .cause(why)
                .hint(SHAPE)
        };
        let text = std::str::from_utf8(url.reveal()).map_err(|_| wrong("it is not UTF-8"))?;
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| wrong("it has no scheme"))?;
        let (secure, websocket) = match scheme.to_ascii_lowercase().as_str() {
            "mqtt" => (false, false),
            "mqtts" => (true, false),
            "ws" => (false, true),
            "wss" => (true, true),
            _ => return Err(wrong("its scheme is none of mqtt, mqtts, ws and wss")),
        };
        let (authority, topic) = match rest.split_once('/') {
            Some((authority, topic)) => (authority, Some(topic)),
            None => (rest, None),
        };
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority),
        };
        let (username, password) = match user.map(|user| user.split_once(':').ok_or(user)) {
            Some(Ok((user, password))) => (Some(user), Some(password)),
            Some(Err(user)) => (Some(user), None),
            None => (None, None),
        };
        let (host, port) = split_port(place).ok_or_else(|| {
            wrong("its port has no host in front, or an IPv6 address is not in brackets")
        })?;
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        let port = match port {
            Some(digits) => Some(
                digits
                    .parse()
                    .ok()
                    .filter(|&port| port != 0)
                    .ok_or_else(|| wrong("its port is not a number from 1 to 65535"))?,
            ),
            None => None,
        };
        let decoded = |what: &str, text: Option<&str>| {
            text.map(|text| percent_decode_str(text).decode_utf8())
                .transpose()
                .map(|text| text.map(|text| text.into_owned()))
                .map_err(|_| wrong(&format!("its {what}, decoded, is not UTF-8")))
        };
        Ok(Self {
            secure,
            websocket,
            host: host.to_owned(),
            port,
            username: decoded("user name", username)?,
            password: password.map(|text| Secret::new(percent_decode_str(text).collect())),
            topic: decoded("topic", topic)?,
            later,
        })
    }

    /// Whether `--unix` was typed after the URL and so replaces its host and port.
    #[must_use]
    pub fn yields_to_unix(&self) -> bool {
        self.later.unix
    }

    /// The host, given that of `-h`.
    #[must_use]
    pub fn host(&self, typed: Option<&str>) -> String {
        pick(self.later.host, typed.map(str::to_owned), Some(&self.host))
            .unwrap_or_else(|| self.host.clone())
    }

    /// The port, given that of `-p`; none for the scheme's own, which an earlier `-p` does not
    /// change.
    #[must_use]
    pub fn port(&self, typed: Option<u16>) -> Option<u16> {
        if self.later.port { typed } else { self.port }
    }

    /// The user name, given that of `-u`.
    #[must_use]
    pub fn username(&self, typed: Option<String>) -> Option<String> {
        pick(self.later.username, typed, self.username.as_ref())
    }

    /// The URL's own password, unless an option for one was typed after the URL.
    #[must_use]
    pub fn own_password(&self) -> Option<&Secret> {
        self.password.as_ref().filter(|_| !self.later.password)
    }

    /// The topic, where the URL has one.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        self.topic.as_deref()
    }

    /// The one topic, given that of `-t`.
    #[must_use]
    pub fn single_topic(&self, typed: Option<String>) -> Option<String> {
        pick(self.later.topic, typed, self.topic.as_ref())
    }
}

/// The option where it was typed after the URL or the URL says nothing, else the URL.
fn pick<T: Clone>(later: bool, typed: Option<T>, of_url: Option<&T>) -> Option<T> {
    match (later, typed) {
        (true, Some(typed)) => Some(typed),
        (_, typed) => of_url.cloned().or(typed),
    }
}

/// `host:port`, `[address]:port`, or either without a port.
pub(crate) fn split_port(place: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match place.split_once(':') {
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
        None => Some((place, None)),
    }
}

impl clap::Args for UrlArgs {
    fn augment_args(command: Command) -> Command {
        command.arg(
            Arg::new("url")
                .short('L')
                .long("url")
                .value_name("URL")
                .help("mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC in one word, percent-decoded; mqtts and wss turn TLS on, ws and wss are for WebSocket")
                .help_heading("Connection")
                .allow_hyphen_values(true)
                .value_parser(value_parser!(OsString)),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for UrlArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let Some(url) = matches.get_one::<OsString>("url") else {
            return Ok(());
        };
        let position = |id: &str| {
            let typed = matches.value_source(id) == Some(ValueSource::CommandLine);
            typed.then(|| matches.indices_of(id)).flatten()?.max()
        };
        let own = position("url");
        let is_later = |id: &str| position(id) > own;
        self.url = Some(Secret::new(url.clone().into_vec()));
        self.later = Later {
            unix: is_later("unix"),
            host: is_later("host"),
            port: is_later("port"),
            username: is_later("username"),
            password: ["password", "password_file", "ask_password"]
                .into_iter()
                .any(is_later),
            topic: is_later("topic"),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(url: &str) -> Result<Url, Report> {
        Url::parse(&Secret::from(url.to_owned()), Later::default())
    }

    #[test]
    fn its_parts_are_decoded() {
        let url = parsed("MQTTS://us%40er:p%2Fa%3A:b%ff@host:1234/a/%E2%82%AC/+/#").unwrap();
        assert!(url.secure);
        assert_eq!((url.host.as_str(), url.port), ("host", Some(1234)));
        assert_eq!(url.username.as_deref(), Some("us@er"));
        assert_eq!(url.password.unwrap().reveal(), b"p/a::b\xff");
        assert_eq!(url.topic.as_deref(), Some("a/€/+/#"));
    }

    #[test]
    fn most_parts_may_be_missing() {
        let url = parsed("mqtt://host").unwrap();
        assert!(!url.secure && !url.websocket && url.port.is_none() && url.username.is_none());
        assert!(url.password.is_none() && url.topic.is_none());
        let url = parsed("mqtt://user@[::1]/").unwrap();
        assert_eq!(url.host, "::1");
        assert_eq!((url.username.as_deref(), url.port), (Some("user"), None));
        assert_eq!(url.topic.as_deref(), Some(""));
        assert_eq!(parsed("mqtt://[::1]:99/a").unwrap().port, Some(99));
        // What was not encoded stays as it is.
        let url = parsed("mqtt://u:100%@p%zz@h/50%").unwrap();
        assert_eq!(url.password.unwrap().reveal(), b"100%@p%zz");
        assert_eq!(url.topic.as_deref(), Some("50%"));
    }

    #[test]
    fn the_scheme_says_how_to_connect() {
        for (scheme, secure, websocket) in [
            ("mqtt", false, false),
            ("mqtts", true, false),
            ("ws", false, true),
            ("wss", true, true),
            ("WSs", true, true),
        ] {
            let url = parsed(&format!("{scheme}://h/mqtt")).unwrap();
            assert_eq!((url.secure, url.websocket), (secure, websocket), "{scheme}");
            assert_eq!((url.topic.as_deref(), url.port), (Some("mqtt"), None));
        }
    }

    #[test]
    fn a_wrong_url_is_told_without_being_repeated() {
        for url in [
            "",
            "secret",
            "secret://secret",
            "mqtt:/secret",
            "mqtt://",
            "mqtt:///secret",
            "mqtt://u:secret@",
            "mqtt://u:secret@:1883/t",
            "mqtt://u:secret@h:0/t",
            "mqtt://u:secret@h:secret/t",
            "mqtt://u:secret@h:65536/t",
            "mqtt://u:secret@::1/t",
            "mqtt://u:secret@[::1/t",
            "mqtt://u:secret@[::1]secret/t",
            "mqtt://u:secret@h:/t",
            "mqtt://%ff:secret@h/t",
            "mqtt://u:secret@h/%ff",
            "ws:///secret",
            "wsss://u:secret@h/t",
        ] {
            let report = parsed(url).unwrap_err();
            assert!(!report.to_string().contains("secret"), "{url}: {report}");
            assert!(report.to_string().contains("hint: "), "{url}: {report}");
        }
    }

    #[test]
    fn debug_output_hides_the_password() {
        let args = UrlArgs {
            url: Some(Secret::from("mqtt://u:hunter2@h/t".to_owned())),
            later: Later::default(),
        };
        assert!(!format!("{args:?}{:?}", args.parse()).contains("hunter2"));
    }

    proptest! {
        #[test]
        fn nothing_panics(url in "((mqtt|ws)s?://)?[a-z%@:/\\[\\]0-9\u{20ac}]{0,40}") {
            let _ = parsed(&url);
        }

        #[test]
        fn what_is_encoded_comes_back(user in any::<String>(), password in any::<Vec<u8>>(), topic in any::<String>()) {
            use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
            let encode = |bytes: &[u8]| percent_encode(bytes, NON_ALPHANUMERIC).to_string();
            let url = format!("mqtt://{}:{}@h/{}", encode(user.as_bytes()), encode(&password), encode(topic.as_bytes()));
            let url = parsed(&url).unwrap();
            prop_assert_eq!(url.username.unwrap(), user);
            let decoded = url.password.unwrap();
            prop_assert_eq!(decoded.reveal(), &password[..]);
            prop_assert_eq!(url.topic.unwrap(), topic);
        }
    }
}
