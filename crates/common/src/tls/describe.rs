//! A TLS connection and its certificates in lines for `--debug`, and the words for names and dates
//! that explanations use too.

use std::fmt;
use std::net::IpAddr;

use rustls::ClientConnection;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;

/// The most names of a certificate that are listed.
const MAX_NAMES: usize = 10;

/// The most of one name that is shown, in characters.
const MAX_LENGTH: usize = 200;

/// Is told what `--debug` shows.
pub type Trace = fn(fmt::Arguments<'_>);

/// Version, cipher suite and ALPN.
pub(super) fn connection(connection: &ClientConnection, trace: Trace) {
    let version = connection
        .protocol_version()
        .map(|version| format!("{version:?}").replace("TLSv1_", "TLS 1."))
        .unwrap_or_default();
    // rustls's names of the suites of TLS 1.3 are its own.
    let suite = connection
        .negotiated_cipher_suite()
        .map(|suite| format!("{:?}", suite.suite()).replace("TLS13_", "TLS_"))
        .unwrap_or_default();
    match connection.alpn_protocol().map(String::from_utf8_lossy) {
        Some(name) => trace(format_args!("{version}, {suite}, ALPN {name}")),
        None => trace(format_args!("{version}, {suite}, no ALPN")),
    }
}

/// Each certificate that the broker sent.
pub(super) fn chain(chain: &[CertificateDer<'_>], trace: Trace) {
    for (index, der) in chain.iter().enumerate() {
        let place = index + 1;
        let Ok((_, certificate)) = X509Certificate::from_der(der) else {
            trace(format_args!("certificate {place}: cannot be read"));
            continue;
        };
        let validity = certificate.validity();
        trace(format_args!(
            "certificate {place}: subject {}, issuer {}, valid from {} to {}, names {}",
            name(certificate.subject()),
            name(certificate.issuer()),
            date(validity.not_before),
            date(validity.not_after),
            Names::of(&certificate).listed(),
        ));
    }
}

/// A subject or issuer in quotes.
pub(super) fn name(name: &X509Name<'_>) -> String {
    quoted(&name.to_string())
}

/// A text of others in quotes, not longer than a person reads.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(MAX_LENGTH).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("\"{short}{more}\"")
}

/// A point in time, to the second.
pub(super) fn date(time: ASN1Time) -> String {
    let time = time.to_datetime();
    format!(
        "{} {:02}:{:02}:{:02} UTC",
        time.date(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// How long ago a time was, or how far ahead it is.
pub(super) fn distance(time: ASN1Time, now: ASN1Time) -> String {
    match (now - time, time - now) {
        (Some(ago), _) => format!(
            "{} ago",
            span(ago.whole_days(), ago.whole_hours(), ago.whole_minutes())
        ),
        (None, Some(ahead)) => format!(
            "{} from now",
            span(
                ahead.whole_days(),
                ahead.whole_hours(),
                ahead.whole_minutes()
            )
        ),
        (None, None) => "just now".to_owned(),
    }
}

fn span(days: i64, hours: i64, minutes: i64) -> String {
    let (count, unit) = if days > 0 {
        (days, "day")
    } else if hours > 0 {
        (hours, "hour")
    } else if minutes > 0 {
        (minutes, "minute")
    } else {
        return "less than a minute".to_owned();
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// What a server's certificate says whom it is for.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) dns: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
    /// The Common Name, where there is no subjectAltName: only then it counts.
    pub(super) common: Option<String>,
}

impl Names {
    pub(super) fn of(certificate: &X509Certificate<'_>) -> Self {
        let mut names = Self::default();
        let Ok(Some(alternative)) = certificate.subject_alternative_name() else {
            names.common = certificate
                .subject()
                .iter_common_name()
                .find_map(|name| name.as_str().ok())
                .map(str::to_owned);
            return names;
        };
        for name in &alternative.value.general_names {
            match name {
                GeneralName::DNSName(name) => names.dns.push((*name).to_owned()),
                GeneralName::IPAddress(bytes) => names.addresses.extend(address(bytes)),
                _ => {}
            }
        }
        names
    }

    /// All of them in a row.
    pub(super) fn listed(&self) -> String {
        let count = self.dns.len() + self.addresses.len();
        let dns = self.dns.iter().map(|name| format!("DNS {}", quoted(name)));
        let addresses = self.addresses.iter().map(|it| format!("IP {it}"));
        let mut listed: Vec<_> = dns.chain(addresses).take(MAX_NAMES).collect();
        if let Some(common) = &self.common {
            listed.push(format!("Common Name {}", quoted(common)));
        }
        if count > MAX_NAMES {
            listed.push(format!("and {} more", count - MAX_NAMES));
        }
        if listed.is_empty() {
            return "none".to_owned();
        }
        listed.join(", ")
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(bytes.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_has_one_unit() {
        let at = |seconds| ASN1Time::from_timestamp(seconds).unwrap();
        let now = at(1_000_000_000);
        for (seconds, expected) in [
            (1_000_000_000, "just now"),
            (999_999_990, "less than a minute ago"),
            (999_999_900, "1 minute ago"),
            (999_990_000, "2 hours ago"),
            (1_000_000_000 - 3 * 86_400, "3 days ago"),
            (1_000_000_000 + 86_400, "1 day from now"),
            (0, "11574 days ago"),
        ] {
            assert_eq!(distance(at(seconds), now), expected);
        }
        assert_eq!(date(now), "2001-09-09 01:46:40 UTC");
    }

    #[test]
    fn a_name_has_an_end() {
        let text = quoted(&"ä".repeat(1000));
        assert_eq!(text, format!("\"{}…\"", "ä".repeat(200)));
    }
}
