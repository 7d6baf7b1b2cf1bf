//! The search for signatures that lead from a server's certificate to a trusted authority.

use rustls::CertificateError;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::RawPublicKeyEntity;

use super::certificate::Certificate;
use super::refused;

/// Intermediates between the server's certificate and an authority.
const LONGEST_PATH: usize = 6;

/// Signatures that are looked at before the search is given up: the server chooses what it sends,
/// and certificates that all bear one name could keep us busy for ever.
const MOST_SIGNATURES: usize = 64;

/// Succeeds when signatures lead from `server` over some of the `intermediates`, in whatever order
/// they came, to one of the `authorities`, and each certificate on the way may be there.
/// `server` itself must have been checked.
pub(super) fn find(
    server: &Certificate<'_>,
    intermediates: &[CertificateDer<'_>],
    authorities: &[CertificateDer<'_>],
    now: UnixTime,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<(), CertificateError> {
    if server.has_name_constraints() {
        return Err(constrained());
    }
    let search = Search {
        intermediates: &readable(intermediates),
        authorities: &readable(authorities),
        now,
        algorithms,
    };
    search.climb(server, &mut Vec::new(), &mut Budget(MOST_SIGNATURES))
}

/// One that cannot be read may not be needed.
fn readable<'a>(certificates: &'a [CertificateDer<'_>]) -> Vec<Certificate<'a>> {
    certificates
        .iter()
        .filter_map(|der| Certificate::read(der).ok())
        .collect()
}

struct Search<'a> {
    intermediates: &'a [Certificate<'a>],
    authorities: &'a [Certificate<'a>],
    now: UnixTime,
    algorithms: &'a WebPkiSupportedAlgorithms,
}

impl Search<'_> {
    /// `path`: which intermediates lie between the server's certificate and what is above
    /// `child`, the topmost last.
    fn climb(
        &self,
        child: &Certificate<'_>,
        path: &mut Vec<usize>,
        budget: &mut Budget,
    ) -> Result<(), CertificateError> {
        let mut why = CertificateError::UnknownIssuer;
        let below = u32::try_from(path.len()).unwrap_or(u32::MAX);
        for authority in self.authorities {
            match self.check_link(child, authority, true, below, budget) {
                Ok(()) => return Ok(()),
                Err(other) => why = more_telling(why, other),
            }
        }
        if path.len() == LONGEST_PATH {
            return Err(more_telling(why, refused("its chain is too long")));
        }
        for (index, intermediate) in self.intermediates.iter().enumerate() {
            if path.contains(&index) {
                continue;
            }
            let found = self
                .check_link(child, intermediate, false, below, budget)
                .and_then(|()| {
                    path.push(index);
                    let found = self.climb(intermediate, path, budget);
                    path.pop();
                    found
                });
            match found {
                Ok(()) => return Ok(()),
                Err(other) => why = more_telling(why, other),
            }
        }
        Err(why)
    }

    /// Whether `issuer` signed `child` and may have done so.
    fn check_link(
        &self,
        child: &Certificate<'_>,
        issuer: &Certificate<'_>,
        is_trusted: bool,
        below: u32,
        budget: &mut Budget,
    ) -> Result<(), CertificateError> {
        if !child.is_issued_by(issuer) {
            return Err(CertificateError::UnknownIssuer);
        }
        budget.spend()?;
        // Such a key verifies no signature, and that would be the worse explanation.
        issuer.check_key_size()?;
        self.check_signature(child, issuer)?;
        issuer.check_for_issuer(is_trusted, below, self.now)?;
        if issuer.has_name_constraints() {
            return Err(constrained());
        }
        Ok(())
    }

    fn check_signature(
        &self,
        child: &Certificate<'_>,
        issuer: &Certificate<'_>,
    ) -> Result<(), CertificateError> {
        let spki = issuer.key();
        let key = RawPublicKeyEntity::try_from(&spki).map_err(|_| CertificateError::BadEncoding)?;
        let mut is_known = false;
        // One signature algorithm may be there several times, for several kinds of keys.
        for algorithm in self.algorithms.all {
            if algorithm.signature_alg_id().as_ref() != child.signature_algorithm() {
                continue;
            }
            is_known = true;
            if key
                .verify_signature(*algorithm, child.signed_bytes(), child.signature())
                .is_ok()
            {
                return Ok(());
            }
        }
        if is_known {
            return Err(CertificateError::BadSignature);
        }
        Err(unsafe_signature(child))
    }
}

struct Budget(usize);

impl Budget {
    fn spend(&mut self) -> Result<(), CertificateError> {
        self.0 = self
            .0
            .checked_sub(1)
            .ok_or_else(|| refused("its chain is too tangled"))?;
        Ok(())
    }
}

/// The first reason that says more than that nobody signed it.
fn more_telling(first: CertificateError, other: CertificateError) -> CertificateError {
    match first {
        CertificateError::UnknownIssuer => other,
        first => first,
    }
}

fn constrained() -> CertificateError {
    refused(
        "one of its authorities may sign for certain names only (Name Constraints), which is not looked at for old certificates",
    )
}

fn unsafe_signature(certificate: &Certificate<'_>) -> CertificateError {
    let oid = certificate.signature_oid().to_id_string();
    let name = match oid.as_str() {
        "1.2.840.113549.1.1.4" => "MD5",
        "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" => "SHA-1",
        oid => {
            return refused(format!(
                "its chain is signed with an algorithm that is not supported ({oid})"
            ));
        }
    };
    refused(format!(
        "its chain is signed with {name}, and such signatures can be forged"
    ))
}
