//! A certificate that is made for another name than the one asked for.

use std::net::IpAddr;

use rustls::pki_types::ServerName;
use x509_parser::certificate::X509Certificate;

use super::Scene;
use crate::report::Report;
use crate::tls::describe::{Names, quoted};

/// Adds cause and hint.
pub(super) fn explain(
    report: Report,
    scene: &Scene<'_>,
    certificate: Option<&X509Certificate<'_>>,
) -> Report {
    let server_name = &scene.connector.server_name;
    let Some(certificate) = certificate else {
        return report.cause(format!(
            "it is made for another name than {}",
            server_name.to_str()
        ));
    };
    let names = Names::of(certificate);
    let (asked, remedy) = match server_name {
        ServerName::IpAddress(address) => {
            let address = IpAddr::from(*address);
            (format!("the IP address {address}"), format!("IP:{address}"))
        }
        name => (
            format!("the name {}", quoted(&name.to_str())),
            format!("DNS:{}", name.to_str()),
        ),
    };
    report
        .cause(format!(
            "it is made for another name: {}, and not for {asked}",
            names.listed()
        ))
        .hint(hint(&names, server_name, &remedy))
}

fn hint(names: &Names, asked: &ServerName<'_>, remedy: &str) -> String {
    let anew = format!("have one made with subjectAltName={remedy}");
    if let ServerName::IpAddress(_) = asked {
        let address = asked.to_str();
        if names.dns.iter().any(|name| *name == address) {
            return format!(
                "the address is in the certificate as a DNS name, where it does not count; {anew}"
            );
        }
        // Only names in a subjectAltName lead to an address of the same host.
        if let Some(name) = first_plain(&names.dns) {
            return format!("connect by name, -h {name}, or {anew}");
        }
    } else if let Some(name) = first_plain(&names.dns) {
        return format!("give -h a name that is in the certificate (-h {name}), or {anew}");
    } else if let Some(address) = names.addresses.first() {
        return format!("connect by address, -h {address}, or {anew}");
    }
    if let Some(name) = &names.common {
        return format!(
            "give -h a name that is in the certificate (-h {}), or {anew}",
            shell_word(name).unwrap_or("its Common Name")
        );
    }
    anew
}

/// A name that can be asked for as it stands.
fn first_plain(names: &[String]) -> Option<&str> {
    names.iter().find_map(|name| shell_word(name))
}

/// What may stand in a line that people copy into a shell.
fn shell_word(text: &str) -> Option<&str> {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    is_plain.then_some(text)
}
