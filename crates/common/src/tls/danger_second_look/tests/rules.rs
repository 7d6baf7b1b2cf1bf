//! When the second look is taken at all, for which keys, and what `--tls-strict` and a certificate
//! in `--cafile` change.

use std::sync::Arc;
use std::time::Duration;

use harness::lab::{Draft, Party, openssl};
use rcgen::{ExtendedKeyUsagePurpose as Purpose, KeyPair, KeyUsagePurpose as Usage};
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error};

use super::super::danger_look_again;
use super::{
    HOST, KINDS, KINDS_V3, Kind, NOW, accepted, der, is_refusal, refused, root, root_draft,
    rsa_key, verifier,
};

#[test]
fn only_three_refusals_are_looked_at_again() {
    let root = root();
    let name = ServerName::try_from(HOST).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let provider = rustls::crypto::ring::default_provider();
    let look = |refusal: Error, server: &Party| {
        let algorithms = &provider.signature_verification_algorithms;
        let (server, roots) = (der(server), [der(&root)]);
        danger_look_again(refusal, &server, &[], &roots, &name, now, algorithms)
    };
    let webpki = webpki_says;
    let plain = |why: CertificateError| Error::InvalidCertificate(why);
    for kind in KINDS {
        let server = kind.draft().signed_by(&root);
        for refusal in [
            webpki(webpki::Error::CaUsedAsEndEntity),
            webpki(webpki::Error::UnsupportedCertVersion),
        ] {
            assert!(
                look(refusal.clone(), &server).is_ok(),
                "{kind:?} {refusal:?}"
            );
        }
        let nameless = look(plain(CertificateError::NotValidForName), &server);
        assert_eq!(nameless.is_ok(), kind != Kind::Authority, "{kind:?}");
        for refusal in [
            plain(CertificateError::Expired),
            plain(CertificateError::NotValidYet),
            plain(CertificateError::BadSignature),
            plain(CertificateError::Revoked),
            plain(CertificateError::UnknownRevocationStatus),
            plain(CertificateError::InvalidPurpose),
            plain(CertificateError::UnknownIssuer),
            plain(CertificateError::BadEncoding),
            plain(CertificateError::UnhandledCriticalExtension),
            plain(CertificateError::ApplicationVerificationFailure),
            webpki(webpki::Error::NameConstraintViolation),
            webpki(webpki::Error::PathLenConstraintViolated),
            webpki(webpki::Error::EndEntityUsedAsCa),
            webpki(webpki::Error::UnsupportedCriticalExtension),
            webpki(webpki::Error::MaximumSignatureChecksExceeded),
            webpki(webpki::Error::MalformedExtensions),
            plain(super::super::refused("UnsupportedCertVersion")),
            Error::General("CaUsedAsEndEntity".to_owned()),
        ] {
            let verdict = look(refusal.clone(), &server).unwrap_err();
            assert_eq!(format!("{verdict:?}"), format!("{refusal:?}"), "{kind:?}");
        }
    }
    // A certificate in which nothing is old: the refusal must have been about something else.
    let good = Draft::new(HOST).names(&[HOST]).signed_by(&root);
    let refusal = webpki(webpki::Error::UnsupportedCertVersion);
    let verdict = look(refusal.clone(), &good).unwrap_err();
    assert_eq!(format!("{verdict:?}"), format!("{refusal:?}"));
}

#[test]
fn keys_of_all_kinds_sign_and_are_signed() {
    let keys = || {
        [
            KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap(),
            KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap(),
            KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap(),
            rsa_key(),
        ]
    };
    for kind in KINDS {
        for root_key in keys() {
            let root = root_draft().key(root_key).self_signed();
            for key in keys() {
                let server = kind.draft().key(key).signed_by(&root);
                accepted(kind, &[&root], &[&server]);
                let forged = server.with_bad_signature();
                refused(kind, "BadSignature", &[&root], &[&forged]);
            }
        }
    }
}

/// With openssl, as neither rcgen nor ring makes them: `bits` of the authority's RSA key and of
/// the server's, then the digest. The authority's certificate, then the server's of version 1.
fn weak(bits: [u32; 2], digest: &str) -> [CertificateDer<'static>; 2] {
    let folder = tempfile::TempDir::new().unwrap();
    let folder = folder.path();
    let [authority, server] = bits;
    openssl(
        folder,
        &format!(
            "req -x509 -newkey rsa:{authority} -nodes -days 30 -subj /CN=ca -keyout ca.key -out ca.crt"
        ),
    );
    openssl(
        folder,
        &format!(
            "req -new -newkey rsa:{server} -nodes -subj /CN={HOST} -keyout server.key -out server.csr"
        ),
    );
    openssl(
        folder,
        &format!(
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -{digest} -out server.crt"
        ),
    );
    ["ca.crt", "server.crt"].map(|name| CertificateDer::from_pem_file(folder.join(name)).unwrap())
}

#[test]
fn weak_keys_and_digests_are_named() {
    for (bits, digest, why) in [
        ([2048, 2048], "sha256", None),
        ([2048, 2048], "sha512", None),
        ([2048, 1024], "sha256", Some("has 1024 bits")),
        ([1024, 2048], "sha256", Some("has 1024 bits")),
        ([2048, 2048], "sha1", Some("SHA-1")),
        ([2048, 2048], "md5", Some("MD5")),
        (
            [2048, 2048],
            "sha224",
            Some("not supported (1.2.840.113549.1.1.14)"),
        ),
    ] {
        let [authority, server] = weak(bits, digest);
        let name = ServerName::try_from(HOST).unwrap();
        let refusal = webpki_says(webpki::Error::UnsupportedCertVersion);
        let provider = rustls::crypto::ring::default_provider();
        let algorithms = &provider.signature_verification_algorithms;
        let now = UnixTime::now();
        let verdict =
            danger_look_again(refusal, &server, &[], &[authority], &name, now, algorithms);
        match why {
            None => assert!(verdict.is_ok(), "{bits:?} {digest}: {verdict:?}"),
            Some(why) => is_refusal((bits, digest), why, verdict.map(|_| ())),
        }
    }
}

fn webpki_says(why: webpki::Error) -> Error {
    CertificateError::Other(rustls::OtherError(Arc::new(why))).into()
}

#[test]
fn a_certificate_in_the_cafile_may_be_old_but_not_faulty() {
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let judge = |server: &Party, strict: bool, name: &str| {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let verdict =
            verifier(&[], &[server], strict).verify_server_cert(&der(server), &[], &name, &[], now);
        verdict.map(|_| ())
    };
    let good = Draft::new("x").names(&[HOST]).self_signed();
    for strict in [false, true] {
        assert_eq!(judge(&good, strict, HOST), Ok(()));
    }
    for kind in KINDS {
        let server = kind.draft().self_signed();
        assert_eq!(judge(&server, false, HOST), Ok(()), "{kind:?}");
        is_refusal(kind, "--tls-strict", judge(&server, true, HOST));
        is_refusal(kind, "NotValidForName", judge(&server, false, "other.test"));
        let late = kind.draft().valid(2020, 2021).self_signed();
        is_refusal(kind, "Expired", judge(&late, false, HOST));
        // A fault is named before the age.
        is_refusal(kind, "Expired", judge(&late, true, HOST));
        let early = kind.draft().valid(2090, 2091).self_signed();
        is_refusal(kind, "NotValidYet", judge(&early, false, HOST));
    }
    for kind in KINDS_V3 {
        let client = kind.draft().extended(&[Purpose::ClientAuth]).self_signed();
        is_refusal(kind, "InvalidPurpose", judge(&client, false, HOST));
        let authority = kind.draft().usage(&[Usage::KeyCertSign]).self_signed();
        is_refusal(kind, "InvalidPurpose", judge(&authority, false, HOST));
        let odd = kind
            .draft()
            .extension(&[1, 2, 3, 4], &[5, 0], true)
            .self_signed();
        is_refusal(kind, "critical extension 1.2.3.4", judge(&odd, false, HOST));
        // For clients says one extension, for servers the other.
        let purpose = |last| [0x30, 10, 6, 8, 0x2B, 6, 1, 5, 5, 7, 3, last];
        let twice = kind
            .draft()
            .extension(&[2, 5, 29, 37], &purpose(2), false)
            .extension(&[2, 5, 29, 37], &purpose(1), false);
        is_refusal(
            kind,
            "BadEncoding",
            judge(&twice.self_signed(), false, HOST),
        );
    }
}

#[test]
fn strict_refuses_what_is_old_and_takes_the_rest() {
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let root = root();
    let judge = |server: &Party| {
        let name = ServerName::try_from(HOST).unwrap();
        let verdict =
            verifier(&[&root], &[], true).verify_server_cert(&der(server), &[], &name, &[], now);
        verdict.map(|_| ())
    };
    let good = Draft::new(HOST).names(&[HOST]).signed_by(&root);
    assert_eq!(judge(&good), Ok(()));
    for kind in KINDS {
        let verdict = judge(&kind.draft().signed_by(&root));
        is_refusal(kind, "--tls-strict", verdict);
        let late = kind.draft().valid(2020, 2021).signed_by(&root);
        is_refusal(kind, "Expired", judge(&late));
    }
}
