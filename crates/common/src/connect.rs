//! From the typed options to a connection that can be made: checked here, nothing left to
//! check later.

mod credentials;
mod tls;

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::args::{ConnectionArgs, TalkArgs, WillArgs};
use crate::exit::Exit;
use crate::message::Will;
use crate::net::{Address, Peer, Proxy, Route, Service, dns_server};
use crate::property::{self, Properties, Property, Typed};
use crate::protocol::{Connect, Farewell, Session, Trace};
use crate::reason::Version;
use crate::report::{self, Report, note, warn};
use crate::retry::{Attempts, RetryPolicy};
use crate::secret::forbid_core_files;
use crate::tls::Tls;
use crate::topic::{MAX_STRING, TopicName};
use crate::url::Url;
use crate::usage::misuse;

/// Where a broker is sought when nothing says where.
const HOST: &str = "localhost";

/// The port of plain MQTT, and that of MQTT over TLS (IANA).
const PORT: u16 = 1883;
const TLS_PORT: u16 = 8883;

/// Unacknowledged messages at a time, unless the user or the broker wants fewer.
const MAX_IN_FLIGHT: u16 = 100;

/// How long a broker keeps the session of a client that wants it only for as long as it runs, in
/// seconds: longer than a restart takes, and short enough to forget clients that were killed.
const SESSION_KEPT: u32 = 300;

/// Keep Alive in seconds, unless the user wants another.
const KEEP_ALIVE: u16 = 60;

/// How long connecting may take, unless the user says so.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest client identifier of MQTT 3.1, in bytes.
const MAX_CLIENT_ID_V31: usize = 23;

/// A connection to a broker, ready to be made.
#[derive(Debug, Clone)]
pub struct ConnectConfig {
    /// Where the broker is, and which way leads there.
    pub route: Route,
    /// How to secure it; none for plain MQTT.
    pub tls: Option<Tls>,
    /// What the CONNECT says.
    pub connect: Connect,
    /// The option --cafile was not typed: it comes from MQ_CAFILE.
    pub ca_variable: bool,
    /// What goes to the broker without TLS that should not, as the begin of a sentence; none to
    /// say nothing about it.
    pub plain_text: Option<&'static str>,
    /// What the requests over this connection say beside themselves (MQTT 5).
    pub properties: RequestProperties,
    /// What the DISCONNECT says (MQTT 5).
    pub farewell: Farewell,
    /// The most unacknowledged messages at a time.
    pub max_in_flight: u16,
    /// The time for everything up to CONNACK.
    pub connect_timeout: Duration,
    /// How often to try.
    pub retry: RetryPolicy,
    /// The user has chosen the client identifier, so that another client may have it too.
    pub has_own_id: bool,
    /// Messages go out at QoS 2, and an earlier run may have left some half done in the broker's
    /// session.
    pub releases_leftovers: bool,
    /// Say nothing on stderr.
    pub quiet: bool,
    /// Where each protocol step is told.
    pub trace: Option<Trace>,
}

/// Properties of what is sent between CONNECT and DISCONNECT (MQTT 5).
#[derive(Debug, Clone, Default)]
pub struct RequestProperties {
    /// Of every PUBLISH.
    pub publish: Properties,
    /// The Topic Alias of every PUBLISH.
    pub topic_alias: Option<u16>,
    /// Of SUBSCRIBE.
    pub subscribe: Properties,
    /// Of UNSUBSCRIBE.
    pub unsubscribe: Properties,
}

impl ConnectConfig {
    /// Draws the conclusions from what was typed.
    ///
    /// # Errors
    /// Options that contradict each other, values that no packet can hold, certificates that
    /// cannot be used.
    pub fn new(
        connection: &ConnectionArgs,
        url: Option<&Url>,
        will: &WillArgs,
        talk: TalkArgs,
    ) -> Result<Self, Report> {
        let version = version(connection)?;
        let properties = property::parse(&connection.property)?;
        let host = host(connection, url)?;
        let port = port(connection, url)?;
        let tls = tls::options(connection, url, port, &talk)?;
        let route = route(connection, url, &host, port, tls.is_some(), talk.quiet)?;
        // A certificate must name the host over a Unix domain socket too; and with SRV records the
        // host they were asked for, because anyone may forge an answer of the DNS that names a
        // host with a certificate of its own (RFC 9525, section 6.1).
        let ca_variable = connection.variables.has("MQ_CAFILE");
        let tls = tls
            .map(|options| Tls::new(options, &host))
            .transpose()
            .map_err(|report| name_variable(report, ca_variable))?;
        let session_expiry = session_expiry(connection, &properties)?;
        let client_id = client_id(connection, version, session_expiry, talk.quiet)?;
        let will = will_of(will, properties.will)?;
        // Last: nobody is asked for a password when something else is wrong.
        let (username, password) = credentials::credentials(connection, url, talk.quiet)?;
        if password.is_some() && username.is_none() && version != Version::V5 {
            return Err(lonely_password(connection, url));
        }
        let mut connect = Connect {
            version,
            client_id,
            clean_start: !connection.disable_clean_session,
            keep_alive: connection.keepalive.unwrap_or(KEEP_ALIVE),
            // In MQTT 5 a session that shall be there next time must also not expire.
            session_expiry: session_expiry.or_else(|| {
                (connection.disable_clean_session && version == Version::V5).then_some(u32::MAX)
            }),
            username,
            password,
            will,
            ..Connect::default()
        };
        say_in_connect(&mut connect, properties.connect);
        let farewell = farewell(properties.disconnect, &connect)?;
        check_length(
            "the user name",
            connect.username.as_deref().unwrap_or_default().len(),
        )?;
        check_length(
            "the password",
            connect.password.as_ref().map_or(0, |p| p.reveal().len()),
        )?;
        let tls_secret = connection.tls.key.is_some() || connection.tls.psk.is_some();
        if connect.password.is_some() || tls_secret {
            forbid_core_files();
        }
        let is_plain = tls.is_none() && !talk.quiet;
        Ok(Self {
            ca_variable,
            plain_text: is_plain.then(|| credentials::named(&connect)).flatten(),
            route,
            tls,
            connect,
            properties: request_properties(
                properties.publish,
                properties.subscribe,
                properties.unsubscribe,
            ),
            farewell,
            max_in_flight: connection.max_inflight.unwrap_or(MAX_IN_FLIGHT),
            connect_timeout: connection.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            retry: RetryPolicy::new(connection.retry),
            has_own_id: connection.id.is_some(),
            releases_leftovers: false,
            quiet: talk.quiet,
            trace: talk.debug.then_some(report::debug as Trace),
        })
    }

    /// A session that says what this configuration says.
    #[must_use]
    pub fn session(&self) -> Session {
        let session = Session::new(self.connect.clone(), self.max_in_flight, self.trace)
            .with_farewell(self.farewell.clone());
        let session = if self.releases_leftovers {
            session.after_another_run()
        } else {
            session
        };
        match self.retry.again {
            Attempts::NONE => session,
            _ => session.keeping_unsent(),
        }
    }

    /// Tells the user, on stderr, something that ends nothing.
    pub(crate) fn warn(&self, text: impl std::fmt::Display) {
        if !self.quiet {
            warn(text);
        }
    }

    /// Tells the user that there is a connection after all.
    pub(crate) fn tell_up(&self, peer: &str, since: Instant) {
        if !self.quiet {
            let seconds = since.elapsed().as_secs_f64();
            note(format_args!("connected to {peer} after {seconds:.1} s"));
        }
    }

    /// Warns of what anybody on the way to `peer` can read.
    pub(crate) fn warn_of_plain_text(&self, peer: &Peer) {
        if !peer.is_here
            && let Some(what) = self.plain_text
        {
            warn(format_args!(
                "{what} in plain text to {}, for all on the way to read; --cafile or mqtts:// turns TLS on",
                peer.name
            ));
        }
    }

    /// Lets the session survive the loss of a connection, where the user has not said how long the
    /// broker keeps it: with MQTT 5 for 300 s, and DISCONNECT ends it. Before,
    /// only the user can have it so, with `-c` and a name for it.
    pub fn outlive_connection(&mut self) {
        let connect = &mut self.connect;
        if connect.version == Version::V5
            && connect.session_expiry.is_none()
            && self.retry.again != Attempts::NONE
        {
            connect.session_expiry = Some(SESSION_KEPT);
            self.farewell.session_expiry.get_or_insert(0);
        }
    }
}

/// Lets a report about TLS name the variable where it would name an option that nobody typed.
pub(crate) fn name_variable(report: Report, ca_variable: bool) -> Report {
    if !ca_variable {
        return report;
    }
    report
        .replace("leave out --cafile", "unset MQ_CAFILE")
        .replace("--cafile", "MQ_CAFILE")
}

fn lonely_password(connection: &ConnectionArgs, url: Option<&Url>) -> Report {
    let is_of_url = url.is_some_and(|url| url.own_password().is_some());
    let report = misuse("a password without a user name is possible in MQTT 5 only");
    if connection.variables.has("MQ_PASSWORD") && !is_of_url {
        return report
            .cause("the password comes from the environment variable MQ_PASSWORD")
            .hint("add -u NAME or set MQ_USERNAME, give -V mqttv5, or unset MQ_PASSWORD");
    }
    report.hint("add -u NAME, or -V mqttv5")
}

/// MQTT 3.1.1 unless asked for otherwise; an option that only MQTT 5 has asks for it.
fn version(connection: &ConnectionArgs) -> Result<Version, Report> {
    let asked = connection.protocol_version.map(Version::from);
    let option = [
        (
            connection.session_expiry.is_some(),
            "a Session Expiry Interval (-x)",
        ),
        (!connection.property.is_empty(), "a property (-D)"),
    ]
    .into_iter()
    .find_map(|(is_given, option)| is_given.then_some(option))
    .or(connection.mqtt5_option);
    match (asked, option) {
        (Some(Version::V31 | Version::V311), Some(option)) => {
            Err(misuse(format!("{option} is possible in MQTT 5 only"))
                .hint("leave -V out, or give -V mqttv5"))
        }
        (Some(version), _) => Ok(version),
        (None, Some(_)) => Ok(Version::V5),
        (None, None) => Ok(Version::V311),
    }
}

/// The Session Expiry Interval that was asked for in one of two ways.
fn session_expiry(connection: &ConnectionArgs, typed: &Typed) -> Result<Option<u32>, Report> {
    let property = typed.connect.iter().find_map(|property| match property {
        Property::SessionExpiryInterval(seconds) => Some(*seconds),
        _ => None,
    });
    match (connection.session_expiry, property) {
        (Some(_), Some(_)) => Err(misuse(
            "-x and -D connect session-expiry-interval say the same thing",
        )
        .hint("give one of them")),
        (typed, property) => Ok(typed.or(property)),
    }
}

/// Puts the properties of CONNECT where the session looks for them.
fn say_in_connect(connect: &mut Connect, properties: Vec<Property>) {
    let mut others = Vec::new();
    for property in properties {
        match property {
            // Already there, with -x.
            Property::SessionExpiryInterval(_) => {}
            Property::ReceiveMaximum(count) => connect.receive_maximum = Some(count),
            Property::MaximumPacketSize(size) => connect.maximum_packet_size = Some(size),
            Property::TopicAliasMaximum(highest) => connect.topic_alias_maximum = Some(highest),
            other => others.push(other),
        }
    }
    connect.properties = others.into_iter().collect();
}

fn farewell(properties: Vec<Property>, connect: &Connect) -> Result<Farewell, Report> {
    let mut session_expiry = None;
    let mut words = Vec::new();
    for property in properties {
        match property {
            Property::SessionExpiryInterval(seconds) => session_expiry = Some(seconds),
            other => words.push(other),
        }
    }
    // MQTT 5, section 3.14.2.2.2.
    if session_expiry.is_some_and(|seconds| seconds > 0) && connect.session_expiry.unwrap_or(0) == 0
    {
        return Err(misuse(
            "-D disconnect session-expiry-interval cannot keep a session that CONNECT does not keep",
        )
        .hint("add -x SECONDS, or -c and -i ID"));
    }
    Ok(Farewell {
        session_expiry,
        words: words.into_iter().collect(),
    })
}

fn request_properties(
    publish: Vec<Property>,
    subscribe: Vec<Property>,
    unsubscribe: Vec<Property>,
) -> RequestProperties {
    let mut topic_alias = None;
    let mut others = Vec::new();
    for property in publish {
        match property {
            Property::TopicAlias(alias) => topic_alias = Some(alias),
            other => others.push(other),
        }
    }
    RequestProperties {
        publish: others.into_iter().collect(),
        topic_alias,
        subscribe: subscribe.into_iter().collect(),
        unsubscribe: unsubscribe.into_iter().collect(),
    }
}

fn host(connection: &ConnectionArgs, url: Option<&Url>) -> Result<String, Report> {
    let typed = connection.host.as_deref();
    let host = url.map_or_else(|| typed.unwrap_or(HOST).to_owned(), |url| url.host(typed));
    if host.is_empty() {
        return Err(misuse("the host given with -h is empty").hint("leave -h out for localhost"));
    }
    Ok(host)
}

/// The port that was asked for; 0 for a Unix domain socket, none for the default.
fn port(connection: &ConnectionArgs, url: Option<&Url>) -> Result<Option<u16>, Report> {
    if socket(connection, url).is_some() {
        return Ok(Some(0));
    }
    let port = url.map_or(connection.port, |url| url.port(connection.port));
    if port == Some(0) {
        return Err(misuse("--port 0 names no port")
            .hint("0 goes with --unix PATH; otherwise the port is 1 to 65535"));
    }
    Ok(port)
}

fn socket<'a>(connection: &'a ConnectionArgs, url: Option<&Url>) -> Option<&'a PathBuf> {
    let path = connection.unix.as_ref()?;
    url.is_none_or(Url::yields_to_unix).then_some(path)
}

fn route(
    connection: &ConnectionArgs,
    url: Option<&Url>,
    host: &str,
    port: Option<u16>,
    secure: bool,
    quiet: bool,
) -> Result<Route, Report> {
    let proxy = connection.proxy.as_ref().map(Proxy::parse).transpose()?;
    let address = if let Some(path) = socket(connection, url) {
        if path.as_os_str().is_empty() {
            return Err(misuse("the path given with --unix is empty")
                .hint("give the path of the broker's `listener 0 PATH`"));
        }
        if proxy.is_some() {
            return Err(misuse("--unix and --proxy exclude each other")
                .hint("no proxy leads to a socket of this machine"));
        }
        if connection.srv {
            return Err(misuse("--unix and -S exclude each other")
                .hint("SRV records name hosts and ports, not sockets of this machine"));
        }
        Address::Unix(path.clone())
    } else if connection.srv {
        // A variable is for many calls, and this one is not about it.
        let is_typed = url.is_some() || !connection.variables.has("MQ_PORT");
        service(host, port, secure, quiet || !is_typed)?
    } else {
        let scheme = url.map_or(secure, |url| url.secure);
        let default_port = if scheme { TLS_PORT } else { PORT };
        Address::Tcp {
            host: host.to_owned(),
            port: port.unwrap_or(default_port),
        }
    };
    Ok(Route {
        address,
        bind: connection.bind.clone(),
        proxy,
        websocket: connection.ws || url.is_some_and(|url| url.websocket),
    })
}

fn service(host: &str, port: Option<u16>, secure: bool, quiet: bool) -> Result<Address, Report> {
    if host.parse::<IpAddr>().is_ok() {
        return Err(misuse(format!("the address {host} has no SRV records"))
            .hint("give -h the name of a domain, or leave -S out"));
    }
    if port.is_some() && !quiet {
        warn("the port has no effect with -S: the SRV records name it");
    }
    Ok(Address::Service(Service {
        host: host.to_owned(),
        secure,
        server: dns_server()?,
    }))
}

fn client_id(
    connection: &ConnectionArgs,
    version: Version,
    session_expiry: Option<u32>,
    quiet: bool,
) -> Result<String, Report> {
    let id = match (&connection.id, &connection.id_prefix) {
        // Scripts whose variable has nothing in it learn so, as with mosquitto_pub.
        (Some(id), _) if id.is_empty() => {
            return Err(misuse("the client identifier given with -i is empty")
                .hint("leave -i out and one is assigned, or give -i ID"));
        }
        (Some(id), _) => id.clone(),
        (None, Some(prefix)) => format!("{prefix}{}", std::process::id()),
        // In MQTT 3.1 the broker assigns none.
        (None, None) if version == Version::V31 => format!("mq-{:016x}", random()),
        (None, None) => String::new(),
    };
    if version == Version::V31 && id.len() > MAX_CLIENT_ID_V31 && !quiet {
        warn(format_args!(
            "the client identifier has {} bytes; MQTT 3.1 allows {MAX_CLIENT_ID_V31}, and the broker may refuse it",
            id.len()
        ));
    }
    check_length("the client identifier", id.len())?;
    // A prefix does not do: the next process has another id, and would leave this session behind.
    let is_lasting = connection.id.is_some();
    if connection.disable_clean_session && !is_lasting {
        return Err(misuse("-c needs a client identifier that is not empty").hint("add -i ID"));
    }
    if session_expiry == Some(u32::MAX) && !is_lasting {
        return Err(misuse(
            "a session that never expires (-x, -D) needs a client identifier that is not empty",
        )
        .hint("add -i ID"));
    }
    Ok(id)
}

/// Any number: each hasher of the standard library begins with another.
fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

fn will_of(args: &WillArgs, properties: Vec<Property>) -> Result<Option<Will>, Report> {
    let Some(topic) = &args.will_topic else {
        if !properties.is_empty() {
            return Err(misuse("-D will needs a Will").hint("add --will-topic TOPIC"));
        }
        return Ok(None);
    };
    let topic = TopicName::new(topic).map_err(|why| {
        misuse("the Will topic is not valid")
            .cause(why)
            .hint(why.hint())
    })?;
    let payload = args.will_payload.clone().unwrap_or_default().into_vec();
    if payload.len() > MAX_STRING {
        return Err(
            Report::new(Exit::PAYLOAD_TOO_LARGE, "the Will payload is too large")
                .cause(format!(
                    "it is {} bytes long, and a Will has at most {MAX_STRING}",
                    payload.len()
                ))
                .hint("give a shorter --will-payload"),
        );
    }
    Ok(Some(Will {
        topic,
        payload: Bytes::from(payload),
        qos: args.will_qos,
        retain: args.will_retain,
        properties: properties.into_iter().collect(),
    }))
}

fn check_length(what: &str, length: usize) -> Result<(), Report> {
    if length > MAX_STRING {
        return Err(misuse(format!("{what} is too long"))
            .cause(format!(
                "it is {length} bytes long, and MQTT allows {MAX_STRING}"
            ))
            .hint("give a shorter one"));
    }
    Ok(())
}
