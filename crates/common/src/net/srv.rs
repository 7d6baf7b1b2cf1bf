//! Which hosts and ports the DNS names for a service: SRV records (RFC 2782).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use domain::base::iana::{Rcode, Rtype};
use domain::base::{Message, Name, ToName as _};
use domain::rdata::Srv;
use domain::resolv::StubResolver;
use domain::resolv::stub::conf::{ResolvConf, ServerConf, Transport};

use super::Address;
use crate::exit::Exit;
use crate::report::Report;
use crate::usage::misuse;

/// The variable that names the DNS server to ask.
const SERVER_VARIABLE: &str = "MQ_DNS_SERVER";

const DNS_PORT: u16 = 53;

/// How long to wait for an answer before asking again, and how often to ask.
const PATIENCE: Duration = Duration::from_secs(2);
const ATTEMPTS: u32 = 5;

/// A service of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The domain, as the user gave it.
    pub host: String,
    /// MQTT over TLS is sought, not plain MQTT.
    pub secure: bool,
    /// The DNS server to ask; none for those of the system.
    pub server: Option<SocketAddr>,
}

/// The DNS server that the user's environment names for looking up services.
///
/// # Errors
/// A value that is not `IP` or `IP:PORT`.
pub fn dns_server() -> Result<Option<SocketAddr>, Report> {
    let Some(value) = std::env::var_os(SERVER_VARIABLE) else {
        return Ok(None);
    };
    value.to_str().and_then(server).map(Some).ok_or_else(|| {
        misuse(format!("{SERVER_VARIABLE} is {value:?}"))
            .cause("it is not an IP address, with or without a port")
            .hint(format!(
                "for example {SERVER_VARIABLE}=192.0.2.1 or {SERVER_VARIABLE}=[2001:db8::1]:5353"
            ))
    })
}

fn server(text: &str) -> Option<SocketAddr> {
    let alone = || text.parse::<IpAddr>().map(|ip| (ip, DNS_PORT).into());
    text.parse().or_else(|_| alone()).ok()
}

impl Service {
    /// The name that is looked up.
    pub(super) fn name(&self) -> String {
        let service = if self.secure { "_secure-mqtt" } else { "_mqtt" };
        format!("{service}._tcp.{}", self.host)
    }

    /// The beginning of a report that the service could not be found.
    pub(super) fn not_found(&self) -> Report {
        Report::new(
            Exit::NAME_RESOLUTION,
            format!("cannot find the service {:?}", self.name()),
        )
    }

    /// The places it is at, in the order in which to try them; at least one.
    pub(super) async fn targets(&self) -> Result<Vec<Address>, Report> {
        let name: Name<Vec<u8>> = self.name().parse().map_err(|why| {
            self.not_found()
                .cause(format!("that is not a DNS name: {why}"))
                .hint("check the name given with -h")
        })?;
        let mut conf = match self.server {
            None => ResolvConf::default(),
            Some(address) => ResolvConf {
                servers: vec![ServerConf::new(address, Transport::UdpTcp)],
                ..ResolvConf::new()
            },
        };
        conf.options.timeout = PATIENCE;
        let answer = ask(&StubResolver::from_conf(conf), &name)
            .await
            .map_err(|why| {
                self.not_found()
                    .cause(format!("no answer from the DNS: {why}"))
                    .hint("the name servers in /etc/resolv.conf, or that in MQ_DNS_SERVER, must answer")
            })?;
        let none = "the domain has no such SRV record";
        let spelling = "check the name given with -h; without -S it is taken as the broker's own";
        match answer.rcode {
            Rcode::NOERROR => {}
            Rcode::NXDOMAIN => return Err(self.not_found().cause(none).hint(spelling)),
            other => {
                return Err(self
                    .not_found()
                    .cause(format!("the name server answers {other}"))
                    .hint("its log may say more; or name another one in MQ_DNS_SERVER"));
            }
        }
        if answer.records.is_empty() {
            return Err(self.not_found().cause(none).hint(spelling));
        }
        let usable = answer.records.into_iter().filter(Record::is_usable);
        let ordered = order(usable.collect(), random);
        if ordered.is_empty() {
            return Err(self
                .not_found()
                .cause("its SRV record says that the service is not available at this domain")
                .hint("ask whoever runs the domain"));
        }
        Ok(ordered.into_iter().map(Record::address).collect())
    }
}

struct Answer {
    rcode: Rcode,
    records: Vec<Record>,
}

/// One SRV record.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    priority: u16,
    weight: u16,
    port: u16,
    /// Empty for the root, which stands for "not available".
    target: String,
}

impl Record {
    fn is_usable(&self) -> bool {
        !self.target.is_empty() && self.port != 0
    }

    fn address(self) -> Address {
        Address::Tcp {
            host: self.target,
            port: self.port,
        }
    }
}

async fn ask(resolver: &StubResolver, name: &Name<Vec<u8>>) -> io::Result<Answer> {
    let mut attempts = 1;
    loop {
        match resolver.query((name, Rtype::SRV)).await {
            Ok(answer) => return read(answer.for_slice()).map_err(io::Error::other),
            // A datagram may get lost.
            Err(why) if why.kind() == io::ErrorKind::TimedOut && attempts < ATTEMPTS => {
                attempts += 1;
            }
            Err(why) => return Err(why),
        }
    }
}

/// The places that an answer names, as text; none when it cannot be read.
#[cfg(feature = "fuzz")]
pub(super) fn targets_of(message: &Message<[u8]>) -> Option<Vec<String>> {
    let records = read(message).ok()?.records;
    let usable = records.into_iter().filter(Record::is_usable).collect();
    let ordered = order(usable, random).into_iter();
    Some(ordered.map(|record| record.address().to_string()).collect())
}

fn read(message: &Message<[u8]>) -> Result<Answer, domain::base::wire::ParseError> {
    let mut records = Vec::new();
    if let Some(owner) = message.canonical_name() {
        for record in message.answer()?.limit_to_in::<Srv<_>>() {
            let record = record?;
            if !record.owner().name_eq(&owner) {
                continue;
            }
            let data = record.data();
            let target = if data.target().is_root() {
                String::new()
            } else {
                data.target().to_string()
            };
            records.push(Record {
                priority: data.priority(),
                weight: data.weight(),
                port: data.port(),
                target,
            });
        }
    }
    Ok(Answer {
        rcode: message.header().rcode(),
        records,
    })
}

/// By priority, the smallest first; within one by chance, in proportion to the weights.
/// `random` gives a number from 0 up to and including its argument.
fn order(mut records: Vec<Record>, mut random: impl FnMut(u32) -> u32) -> Vec<Record> {
    // Those of weight 0 first: they are to have a small chance too.
    records.sort_by_key(|record| (record.priority, record.weight));
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(first) = records.first() {
        let priority = first.priority;
        let group = || {
            records
                .iter()
                .take_while(|record| record.priority == priority)
        };
        let sum = group().map(|record| u32::from(record.weight)).sum();
        let chosen = random(sum);
        let mut running = 0;
        let position = group()
            .position(|record| {
                running += u32::from(record.weight);
                running >= chosen
            })
            .unwrap_or_default();
        ordered.push(records.remove(position));
    }
    ordered
}

fn random(most: u32) -> u32 {
    // Without a source of chance every order is as good.
    let number = getrandom::u32().unwrap_or_default();
    most.checked_add(1).map_or(number, |count| number % count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(priority: u16, weight: u16, target: &str) -> Record {
        Record {
            priority,
            weight,
            port: 1883,
            target: target.to_owned(),
        }
    }

    fn names(records: &[Record]) -> String {
        records
            .iter()
            .map(|record| record.target.as_str())
            .collect()
    }

    #[test]
    fn the_smallest_priority_comes_first() {
        let records = vec![record(9, 0, "c"), record(0, 0, "a"), record(5, 9, "b")];
        for chance in [0, 9] {
            assert_eq!(
                names(&order(records.clone(), |most| most.min(chance))),
                "abc"
            );
        }
    }

    #[test]
    fn weights_are_chances() {
        let records = vec![record(0, 10, "a"), record(0, 0, "b"), record(0, 30, "c")];
        let mut counts = std::collections::HashMap::new();
        for chance in 0..=40 {
            let ordered = order(records.clone(), |most| chance.min(most));
            *counts.entry(ordered[0].target.clone()).or_insert(0) += 1;
        }
        assert_eq!(counts["b"], 1);
        assert_eq!(counts["a"], 10);
        assert_eq!(counts["c"], 30);
    }

    #[test]
    fn a_server_may_have_a_port() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1:53"),
            ("192.0.2.1:5353", "192.0.2.1:5353"),
            ("::1", "[::1]:53"),
            ("[::1]:5353", "[::1]:5353"),
        ] {
            assert_eq!(server(text), Some(address.parse().unwrap()));
        }
        for text in ["", "localhost", "192.0.2.1:", "[::1]", "192.0.2.1:65536"] {
            assert_eq!(server(text), None, "{text}");
        }
    }

    #[test]
    fn records_that_name_nobody_are_not_usable() {
        assert!(record(0, 0, "a").is_usable());
        assert!(!record(0, 0, "").is_usable());
        let no_port = Record {
            port: 0,
            ..record(0, 0, "a")
        };
        assert!(!no_port.is_usable());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_priorities_are_kept(
            records in prop::collection::vec((0..4_u16, any::<u16>()), 0..40),
            chance in any::<u32>(),
        ) {
            let records: Vec<_> = records
                .iter()
                .enumerate()
                .map(|(number, (priority, weight))| record(*priority, *weight, &number.to_string()))
                .collect();
            let ordered = order(records.clone(), |most| chance % (most + 1));
            prop_assert!(ordered.is_sorted_by_key(|record| record.priority));
            prop_assert_eq!(ordered.len(), records.len());
            for record in records {
                prop_assert!(ordered.contains(&record));
            }
        }

        #[test]
        fn an_answer_of_any_bytes_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 12..200)) {
            if let Ok(message) = Message::from_slice(&bytes) {
                let _ = read(message);
            }
        }
    }
}
