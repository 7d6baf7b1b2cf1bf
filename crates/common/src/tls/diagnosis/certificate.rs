//! Why the broker's certificate is not trusted.

use rustls::CertificateError;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

use super::{Scene, names};
use crate::exit::Exit;
use crate::report::Report;
use crate::tls::Trust;
use crate::tls::danger_second_look::Refusal;
use crate::tls::describe::{date, distance, name};

/// The most certificates of the user that are listed.
const MAX_LISTED: usize = 5;

pub(super) fn refused(scene: &Scene<'_>, why: &CertificateError) -> Report {
    let report = Report::new(
        Exit::TLS,
        format!("the certificate of {} is not trusted", scene.peer),
    );
    let chain = read(&scene.sight.chain);
    match why {
        CertificateError::UnknownIssuer => unknown_issuer(report, scene, &chain),
        CertificateError::BadSignature => bad_signature(report, scene, &chain),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            names::explain(report, scene, chain.first())
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => out_of_date(report, why, &chain),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => report
            .cause("it is not made for servers")
            .hint("the certificate is not made for servers; have one made with the extended key usage serverAuth"),
        CertificateError::BadEncoding => report.cause("it cannot be read"),
        CertificateError::Other(other) => {
            let report = report.cause(other);
            match other.0.downcast_ref::<Refusal>() {
                Some(Refusal { hint: Some(hint), .. }) => report.hint(hint),
                _ => report,
            }
        }
        why => report.cause(why),
    }
}

fn read<'a>(chain: &'a [CertificateDer<'_>]) -> Vec<X509Certificate<'a>> {
    chain
        .iter()
        .filter_map(|der| Some(X509Certificate::from_der(der).ok()?.1))
        .collect()
}

/// The certificate above which the broker sent none.
fn topmost<'a, 'b>(chain: &'a [X509Certificate<'b>]) -> Option<&'a X509Certificate<'b>> {
    let mut top = chain.first()?;
    // No longer than the chain, however tangled it is.
    for _ in chain {
        if top.subject() == top.issuer() {
            break;
        }
        match chain.iter().find(|it| it.subject() == top.issuer()) {
            Some(above) => top = above,
            None => break,
        }
    }
    Some(top)
}

fn unknown_issuer(report: Report, scene: &Scene<'_>, chain: &[X509Certificate<'_>]) -> Report {
    let places = scene.places();
    let (Some(own), Some(top)) = (chain.first(), topmost(chain)) else {
        return report
            .cause(format!("its issuer is not in {places}"))
            .hint("name the broker's certificate authority with --cafile");
    };
    let issuer = name(top.issuer());
    let report = match held(scene) {
        Some(held) => report.note(held),
        None => report,
    };
    let verifier = &scene.connector.verifier;
    if let Some(late) = read(verifier.out_of_date())
        .iter()
        .find(|it| it.subject() == top.issuer())
    {
        let (date, distance) = (
            date(late.validity().not_after),
            distance(late.validity().not_after, ASN1Time::now()),
        );
        return report
            .cause(format!(
                "its issuer, {issuer}, is in {places}, but expired there on {date}, {distance}"
            ))
            .hint("get the authority's new certificate, or check this machine's clock (date)");
    }
    if top
        .issuer()
        .iter_organization()
        .any(|it| it.as_str().is_ok_and(|it| it.starts_with("mkcert ")))
    {
        return report
            .cause(format!("its issuer, {issuer}, is not in {places}"))
            .hint("made by mkcert, on the machine where it was made: --cafile \"$(mkcert -CAROOT)/rootCA.pem\"");
    }
    if own.subject() == own.issuer() {
        return report
            .cause(format!(
                "it is its own issuer (self-signed), {issuer}, and is not in {places}"
            ))
            .hint("copy the broker's own certificate (mosquitto: certfile) from its machine and give it with --cafile");
    }
    if read(verifier.pinned())
        .iter()
        .any(|it| it.subject() == top.issuer())
    {
        return report
            .cause(format!(
                "its issuer, {issuer}, is in {places}, but is no certificate authority there (CA:TRUE is missing)"
            ))
            .hint("an authority is made with basicConstraints=CA:TRUE; give the certificate of one with --cafile");
    }
    if top.subject() == top.issuer() {
        return report
            .cause(format!(
                "its issuer, the authority {issuer}, is not in {places}"
            ))
            .hint("give that authority's certificate with --cafile; check that this is the right broker first");
    }
    let cause = if chain.len() > 1 {
        format!(
            "its chain ends at {}, whose issuer, {issuer}, is neither sent by the broker nor in {places}",
            name(top.subject())
        )
    } else {
        format!("its issuer, {issuer}, is neither sent by the broker nor in {places}")
    };
    let anyway = if let Trust::System = scene.connector.trust {
        "; for an authority of your own, give it with --cafile"
    } else {
        "; or give it with --cafile"
    };
    report.cause(cause).hint(format!(
        "if that is an intermediate authority, the broker must send its certificate too: append it to the broker's own (mosquitto: certfile){anyway}"
    ))
}

/// What `--cafile` and `--capath` hold.
fn held(scene: &Scene<'_>) -> Option<String> {
    let Trust::Named { .. } = scene.connector.trust else {
        return None;
    };
    let verifier = &scene.connector.verifier;
    let authorities = read(verifier.authorities());
    let places = scene.places();
    let list = |certificates: &[X509Certificate<'_>]| {
        let more = certificates.len().saturating_sub(MAX_LISTED);
        let mut listed: Vec<_> = certificates
            .iter()
            .take(MAX_LISTED)
            .map(|it| name(it.subject()))
            .collect();
        if more > 0 {
            listed.push(format!("{more} more"));
        }
        listed.join(", ")
    };
    if !authorities.is_empty() {
        return Some(format!(
            "the authorities in {places}: {}",
            list(&authorities)
        ));
    }
    let pinned = read(verifier.pinned());
    Some(format!(
        "{places} holds no authority, only {}, which is trusted for itself alone; the authority's certificate is wanted (often ca.crt)",
        list(&pinned)
    ))
}

/// A new authority often bears the name of the one before.
fn bad_signature(report: Report, scene: &Scene<'_>, chain: &[X509Certificate<'_>]) -> Report {
    let namesake = topmost(chain).filter(|top| {
        read(scene.connector.verifier.authorities())
            .iter()
            .any(|it| it.subject() == top.issuer())
    });
    match namesake {
        Some(top) => report
            .cause(format!(
                "its signature is wrong: it was not made by the {} in {}",
                name(top.issuer()),
                scene.places()
            ))
            .hint("the authority may have been made anew under the same name: give its present certificate with --cafile"),
        None => report
            .cause("its signature is wrong")
            .hint("the certificate is damaged or forged: install it in the broker again"),
    }
}

fn out_of_date(report: Report, why: &CertificateError, chain: &[X509Certificate<'_>]) -> Report {
    let now = ASN1Time::now();
    let found = chain
        .iter()
        .enumerate()
        .find(|(_, it)| it.validity().not_after < now || now < it.validity().not_before);
    let Some((index, certificate)) = found else {
        return report
            .cause(why)
            .hint("renew the broker's certificate, or check this machine's clock (date)");
    };
    let which = if index == 0 {
        "it".to_owned()
    } else {
        format!(
            "the certificate of its issuer, {},",
            name(certificate.subject())
        )
    };
    let clock = format!("check this machine's clock: it says {}", date(now));
    let (from, until) = (
        certificate.validity().not_before,
        certificate.validity().not_after,
    );
    if until < now {
        report
            .cause(format!(
                "{which} expired on {}, {}",
                date(until),
                distance(until, now)
            ))
            .hint(format!("renew the broker's certificate, or {clock}"))
    } else {
        report
            .cause(format!(
                "{which} is not valid yet: not before {}, {}",
                date(from),
                distance(from, now)
            ))
            .hint(clock)
    }
}
