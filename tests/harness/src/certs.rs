//! Certificates: our own authority with whatever faults a test needs, and those of mkcert.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tempfile::TempDir;

use crate::locate;

/// A certificate authority with its key in memory and its certificate in a private folder.
#[derive(Debug)]
pub struct Authority {
    params: CertificateParams,
    key: KeyPair,
    pem_path: PathBuf,
    _folder: TempDir,
}

/// A server's certificate and key as PEM files, which last as long as a copy of this.
#[derive(Debug, Clone)]
pub struct ServerCert {
    /// The certificate.
    pub cert_path: PathBuf,
    /// Its private key, unencrypted.
    pub key_path: PathBuf,
    _folder: Arc<TempDir>,
}

/// A certificate about to be made.
#[derive(Debug)]
pub struct CertBuilder<'a> {
    issuer: Option<&'a Authority>,
    names: Vec<String>,
    from: (i32, u8, u8),
    until: (i32, u8, u8),
    usage: ExtendedKeyUsagePurpose,
}

impl Authority {
    /// A new authority; no two are the same.
    #[must_use]
    pub fn new() -> Self {
        Self::until(2099)
    }

    /// An authority whose time is over.
    #[must_use]
    pub fn expired() -> Self {
        Self::until(2021)
    }

    fn until(year: i32) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are valid names");
        params
            .distinguished_name
            .push(DnType::CommonName, "mqtools test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("make a key");
        let certificate = params.self_signed(&key).expect("sign the authority");
        let folder = TempDir::with_prefix("mqcerts-").expect("make a private folder");
        let pem_path = folder.path().join("ca.crt");
        std::fs::write(&pem_path, certificate.pem()).expect("write the authority");
        Self {
            params,
            key,
            pem_path,
            _folder: folder,
        }
    }

    /// The authority's certificate, for `--cafile`.
    #[must_use]
    pub fn pem_path(&self) -> &Path {
        &self.pem_path
    }

    /// A certificate that holds for `name`, localhost, 127.0.0.1 and ::1.
    #[must_use]
    pub fn server(&self, name: &str) -> ServerCert {
        let mut names = vec![name, "localhost", "127.0.0.1", "::1"];
        if name == "localhost" {
            names.remove(0);
        }
        self.certificate().names(&names).make()
    }

    /// Chooses what is in the certificate.
    #[must_use]
    pub fn certificate(&self) -> CertBuilder<'_> {
        CertBuilder::new(Some(self))
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl ServerCert {
    /// Chooses what is in a certificate that no authority signed but its own key.
    #[must_use]
    pub fn self_signed() -> CertBuilder<'static> {
        CertBuilder::new(None)
    }

    /// Writes a certificate, those above it included, and its key into a private folder.
    #[must_use]
    pub fn write(certificates: &str, key: &str) -> Self {
        let folder = TempDir::with_prefix("mqcerts-").expect("make a private folder");
        let cert_path = folder.path().join("server.crt");
        let key_path = folder.path().join("server.key");
        std::fs::write(&cert_path, certificates).expect("write a certificate");
        std::fs::write(&key_path, key).expect("write a key");
        Self {
            cert_path,
            key_path,
            _folder: Arc::new(folder),
        }
    }
}

impl<'a> CertBuilder<'a> {
    fn new(issuer: Option<&'a Authority>) -> Self {
        Self {
            issuer,
            names: ["localhost", "127.0.0.1", "::1"]
                .map(str::to_owned)
                .to_vec(),
            from: (2020, 1, 1),
            until: (2099, 1, 1),
            usage: ExtendedKeyUsagePurpose::ServerAuth,
        }
    }

    /// The only names and addresses it holds for; localhost, 127.0.0.1 and ::1 unless set.
    #[must_use]
    pub fn names(mut self, names: &[&str]) -> Self {
        self.names = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// Its dates, each as year, month, day.
    #[must_use]
    pub fn valid(mut self, from: (i32, u8, u8), until: (i32, u8, u8)) -> Self {
        (self.from, self.until) = (from, until);
        self
    }

    /// It ended in 2021.
    #[must_use]
    pub fn expired(self) -> Self {
        self.valid((2020, 1, 1), (2021, 1, 1))
    }

    /// It begins in 2098.
    #[must_use]
    pub fn not_yet_valid(self) -> Self {
        self.valid((2098, 1, 1), (2099, 1, 1))
    }

    /// Its extended key usage is client authentication only.
    #[must_use]
    pub fn for_clients_only(mut self) -> Self {
        self.usage = ExtendedKeyUsagePurpose::ClientAuth;
        self
    }

    /// Writes the certificate and its key.
    #[must_use]
    pub fn make(self) -> ServerCert {
        let common_name = self.names.first().cloned().unwrap_or_default();
        let mut params = CertificateParams::new(self.names).expect("valid names");
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.not_before = date_time_ymd(self.from.0, self.from.1, self.from.2);
        params.not_after = date_time_ymd(self.until.0, self.until.1, self.until.2);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![self.usage];
        let key = KeyPair::generate().expect("make a key");
        let certificate = match self.issuer {
            Some(authority) => {
                params.use_authority_key_identifier_extension = true;
                let issuer = Issuer::from_params(&authority.params, &authority.key);
                params.signed_by(&key, &issuer)
            }
            None => params.self_signed(&key),
        };
        let certificate = certificate.expect("sign a certificate");
        ServerCert::write(&certificate.pem(), &key.serialize_pem())
    }
}

/// Runs the real mkcert, with an authority of its own in `folder`, as the tutorial does.
///
/// Gives the paths of `mosquitto.crt`, `mosquitto.key` and `rootCA.pem` in `folder`.
#[must_use]
#[track_caller]
pub fn mkcert(folder: &Path, names: &[&str]) -> (PathBuf, PathBuf, PathBuf) {
    let certificate = folder.join("mosquitto.crt");
    let key = folder.join("mosquitto.key");
    let mut command = Command::new(locate::installed("mkcert"));
    crate::tool::seal(&mut command, folder);
    let output = command
        .env("CAROOT", folder)
        .arg("-cert-file")
        .arg(&certificate)
        .arg("-key-file")
        .arg(&key)
        .args(names)
        .output()
        .expect("run mkcert");
    assert!(
        output.status.success(),
        "mkcert failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (certificate, key, folder.join("rootCA.pem"))
}
