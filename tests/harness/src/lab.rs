//! The TLS laboratory: certificates of every kind and with every fault. rcgen makes them; what it
//! cannot make, such as X.509 version 1, is cut out of its work and signed again. [`openssl`] runs
//! the command that people make theirs with.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, SigningKey as _, date_time_ymd,
};
use tempfile::TempDir;

use crate::certs::ServerCert;
use crate::locate;

/// The form of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// X.509 version 1: no extensions, whatever was drafted.
    V1,
    /// Version 1 by its number, with the extensions of version 3.
    V1WithExtensions,
    /// Version 2 without extensions.
    V2,
    /// Version 3.
    V3,
}

/// A certificate about to be made.
#[derive(Debug)]
pub struct Draft {
    /// What rcgen makes of it; its fields may be set directly.
    pub params: CertificateParams,
    version: Version,
    key: Option<KeyPair>,
}

/// A certificate and its key.
#[derive(Debug)]
pub struct Party {
    params: CertificateParams,
    key: KeyPair,
    der: Vec<u8>,
}

impl Draft {
    /// Version 3, no extensions but what is added, valid from 2020 to 2098.
    #[must_use]
    pub fn new(common_name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        Self {
            params,
            version: Version::V3,
            key: None,
        }
        .valid(2020, 2099)
    }

    /// A subjectAltName with these names and addresses.
    #[must_use]
    pub fn names(mut self, names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let named = CertificateParams::new(names).expect("valid names");
        self.params.subject_alt_names = named.subject_alt_names;
        self
    }

    /// Its form.
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// CA:TRUE, with or without a path length.
    #[must_use]
    pub fn authority(mut self, path_length: Option<u8>) -> Self {
        self.params.is_ca = IsCa::Ca(match path_length {
            Some(length) => BasicConstraints::Constrained(length),
            None => BasicConstraints::Unconstrained,
        });
        self
    }

    /// From the first of January of one year to that of another.
    #[must_use]
    pub fn valid(mut self, from: i32, until: i32) -> Self {
        self.params.not_before = date_time_ymd(from, 1, 1);
        self.params.not_after = date_time_ymd(until, 1, 1);
        self
    }

    /// A key usage.
    #[must_use]
    pub fn usage(mut self, usage: &[KeyUsagePurpose]) -> Self {
        self.params.key_usages = usage.to_vec();
        self
    }

    /// An extended key usage.
    #[must_use]
    pub fn extended(mut self, usage: &[ExtendedKeyUsagePurpose]) -> Self {
        self.params.extended_key_usages = usage.to_vec();
        self
    }

    /// Name Constraints that permit only this DNS name and those below it.
    #[must_use]
    pub fn only_for(mut self, name: &str) -> Self {
        self.params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName(name.to_owned())],
            excluded_subtrees: Vec::new(),
        });
        self
    }

    /// Any extension, its content in DER.
    #[must_use]
    pub fn extension(mut self, oid: &[u64], content: &[u8], critical: bool) -> Self {
        let mut extension = CustomExtension::from_oid_content(oid, content.to_vec());
        extension.set_criticality(critical);
        self.params.custom_extensions.push(extension);
        self
    }

    /// Its key; a new one on the curve P-256 unless set.
    #[must_use]
    pub fn key(mut self, key: KeyPair) -> Self {
        self.key = Some(key);
        self
    }

    /// Signed by another's key.
    #[must_use]
    pub fn signed_by(self, issuer: &Party) -> Party {
        self.make(Some(issuer))
    }

    /// Signed by its own key.
    #[must_use]
    pub fn self_signed(self) -> Party {
        self.make(None)
    }

    fn make(self, issuer: Option<&Party>) -> Party {
        let (params, version) = (self.params, self.version);
        let key = self
            .key
            .unwrap_or_else(|| KeyPair::generate().expect("make a key"));
        let certificate = match issuer {
            Some(issuer) => {
                params.signed_by(&key, &Issuer::from_params(&issuer.params, &issuer.key))
            }
            None => params.self_signed(&key),
        };
        let der = certificate.expect("sign a certificate").der().to_vec();
        let signer = issuer.map_or(&key, |issuer| &issuer.key);
        let der = match version {
            Version::V3 => der,
            version => reshape(&der, version, signer),
        };
        Party { params, key, der }
    }
}

impl Party {
    /// The certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        pem(&self.der)
    }

    /// Its key as PEM.
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The same certificate with another public key's certificate in its place: what somebody
    /// shows who has the certificate but not the key.
    #[must_use]
    pub fn with_key_of(mut self, other: &Party) -> Self {
        self.key = KeyPair::from_pem(&other.key.serialize_pem()).expect("a key");
        self
    }

    /// The same certificate with the last bit of its signature turned over.
    #[must_use]
    pub fn with_bad_signature(mut self) -> Self {
        *self.der.last_mut().expect("a certificate is not empty") ^= 1;
        self
    }

    /// Another signature by the same issuer over a certificate whose inner signature algorithm
    /// is not the outer one.
    #[must_use]
    pub fn with_other_inner_algorithm(mut self, issuer: &Party) -> Self {
        let [tbs, ..] = parts(&self.der);
        let mut fields = elements(content(tbs));
        let position = fields.len() - elements_after_algorithm(&fields);
        // ecdsa-with-SHA384
        let other = [0x30, 10, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 3];
        fields[position] = &other;
        self.der = seal(&fields.concat(), &self.der, &issuer.key);
        self
    }

    /// Writes what a server needs: its certificate followed by `chain`, and its key.
    #[must_use]
    pub fn serve(&self, chain: &[&Party]) -> ServerCert {
        let mut text = self.pem();
        for above in chain {
            text.push_str(&above.pem());
        }
        ServerCert::write(&text, &self.key_pem())
    }

    /// Writes the certificate into a file.
    pub fn save(&self, path: &Path) {
        std::fs::write(path, self.pem()).expect("write a certificate");
    }
}

/// Runs the openssl command in `folder`, with nothing on its stdin; panics when it fails.
#[track_caller]
pub fn openssl(folder: &Path, arguments: &str) {
    let mut command = Command::new(locate::installed("openssl"));
    command
        .args(arguments.split_whitespace())
        .current_dir(folder);
    crate::tool::seal(&mut command, folder);
    let output = command
        .stdin(std::process::Stdio::null())
        .output()
        .expect("run openssl");
    assert!(
        output.status.success(),
        "openssl {arguments} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A new key of the kinds that brokers have, by the openssl command: rcgen cannot make RSA keys,
/// and writes Ed25519 keys in a form that OpenSSL 3.0 does not read (RFC 5958).
#[must_use]
#[track_caller]
pub fn key(kind: KeyKind) -> KeyPair {
    let options = match kind {
        KeyKind::Rsa => "RSA -pkeyopt rsa_keygen_bits:2048",
        KeyKind::Ec => "EC -pkeyopt ec_paramgen_curve:P-256",
        KeyKind::Ed25519 => "ED25519",
    };
    let folder = TempDir::with_prefix("mqcerts-").expect("make a private folder");
    openssl(
        folder.path(),
        &format!("genpkey -algorithm {options} -out key.pem"),
    );
    let text = std::fs::read_to_string(folder.path().join("key.pem")).expect("read a key");
    KeyPair::from_pem(&text).expect("a key")
}

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with 2048 bits.
    Rsa,
    /// The curve P-256.
    Ec,
    /// Ed25519.
    Ed25519,
}

impl KeyKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rsa, Self::Ec, Self::Ed25519];
}

/// A certificate in PEM.
#[must_use]
pub fn pem(der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut lines = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        lines.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        lines.push('\n');
    }
    lines + "-----END CERTIFICATE-----\n"
}

/// Cuts version and extensions to what `version` asks for, and signs again.
fn reshape(der: &[u8], version: Version, signer: &KeyPair) -> Vec<u8> {
    let [tbs, ..] = parts(der);
    let mut fields: Vec<&[u8]> = elements(content(tbs));
    // [0] is the version, [3] the extensions.
    fields.retain(|field| field[0] != 0xA0);
    if version != Version::V1WithExtensions {
        fields.retain(|field| field[0] != 0xA3);
    }
    if version == Version::V2 {
        fields.insert(0, &[0xA0, 3, 2, 1, 1]);
    }
    seal(&fields.concat(), der, signer)
}

/// A certificate of these fields, with the outer signature algorithm of `model`.
fn seal(fields: &[u8], model: &[u8], signer: &KeyPair) -> Vec<u8> {
    let [_, algorithm, _] = parts(model);
    let tbs = element(0x30, fields);
    let mut signature = vec![0];
    signature.extend(signer.sign(&tbs).expect("sign"));
    let signature = element(0x03, &signature);
    element(0x30, &[&tbs, algorithm, &signature].concat())
}

/// The to-be-signed part, the signature algorithm and the signature.
fn parts(der: &[u8]) -> [&[u8]; 3] {
    elements(content(der))
        .try_into()
        .expect("a certificate has three parts")
}

/// How many fields follow the serial number: the first of them is the signature algorithm.
fn elements_after_algorithm(fields: &[&[u8]]) -> usize {
    let serial = fields
        .iter()
        .position(|field| field[0] == 0x02)
        .expect("a serial number");
    fields.len() - serial - 1
}

/// The DER elements that stand one after the other in `bytes`.
fn elements(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (header, length) = header(bytes);
        let (element, rest) = bytes.split_at(header + length);
        found.push(element);
        bytes = rest;
    }
    found
}

fn content(element: &[u8]) -> &[u8] {
    let (header, length) = header(element);
    &element[header..header + length]
}

/// The lengths of an element's header and of its content.
fn header(bytes: &[u8]) -> (usize, usize) {
    match bytes[1] {
        0x81 => (3, bytes[2].into()),
        0x82 => (4, usize::from(bytes[2]) << 8 | usize::from(bytes[3])),
        short => (2, short.into()),
    }
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let mut bytes = match content.len() {
        0..=0x7F => vec![tag, low],
        0x80..=0xFF => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    bytes.extend(content);
    bytes
}
