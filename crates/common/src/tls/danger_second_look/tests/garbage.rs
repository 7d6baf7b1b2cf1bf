//! Whatever a server sends instead of its chain: nothing panics, and nothing is accepted.

use std::time::Duration;

use proptest::prelude::*;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::super::super::verifier::Verifier;
use super::{HOST, KINDS, NOW, intermediate_draft, root, verifier};

/// The bytes of a good chain of each kind, and the verifier that accepts it.
fn samples() -> Vec<(Verifier, Vec<u8>, Vec<u8>)> {
    KINDS
        .iter()
        .map(|kind| {
            let root = root();
            let below = intermediate_draft().signed_by(&root);
            let server = kind.draft().signed_by(&below);
            let verifier = verifier(&[&root], &[], false);
            (verifier, server.der().to_vec(), below.der().to_vec())
        })
        .collect()
}

fn accepts(verifier: &Verifier, server: &[u8], below: &[u8]) -> bool {
    let name = ServerName::try_from(HOST).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let (server, below) = (CertificateDer::from(server), CertificateDer::from(below));
    let verdict = verifier.verify_server_cert(&server, &[below], &name, &[], now);
    verdict.is_ok()
}

#[test]
fn no_turned_bit_is_accepted() {
    for (verifier, server, below) in samples() {
        assert!(accepts(&verifier, &server, &below));
        for bit in 0..server.len() * 8 {
            let mut changed = server.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!accepts(&verifier, &changed, &below), "bit {bit}");
        }
        for bit in 0..below.len() * 8 {
            let mut changed = below.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!accepts(&verifier, &server, &changed), "bit {bit} above");
        }
        for length in 0..server.len() {
            assert!(!accepts(&verifier, &server[..length], &below), "{length}");
        }
        let mut longer = server.clone();
        longer.push(0);
        assert!(!accepts(&verifier, &longer, &below));
        let mut longer = below.clone();
        longer.push(0);
        assert!(!accepts(&verifier, &server, &longer));
    }
}

proptest! {
    #[test]
    fn garbage_is_never_accepted(
        garbage in prop::collection::vec(any::<u8>(), 0..600),
        at in any::<prop::sample::Index>(),
        length in 0_usize..40,
    ) {
        thread_local! {
            static SAMPLES: Vec<(Verifier, Vec<u8>, Vec<u8>)> = samples();
        }
        SAMPLES.with(|samples| {
            for (verifier, server, below) in samples {
                assert!(!accepts(verifier, &garbage, below));
                assert!(!accepts(verifier, server, &garbage));
                // A piece of the certificate replaced by some of the garbage.
                let start = at.index(server.len());
                let end = server.len().min(start + length);
                let mut changed = server.clone();
                changed.splice(start..end, garbage.iter().copied().take(length));
                if changed != *server {
                    assert!(!accepts(verifier, &changed, below));
                }
            }
        });
    }
}
