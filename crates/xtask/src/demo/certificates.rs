//! The demo's certificates: an authority and a server's certificate for localhost.

use std::path::Path;

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// Writes `rootCA.pem`, `mosquitto.crt` and `mosquitto.key` into `folder`.
pub(crate) fn make(folder: &Path) -> Result<()> {
    let mut params = CertificateParams::new(Vec::new())?;
    params
        .distinguished_name
        .push(DnType::CommonName, "mqtools demo authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate()?;
    std::fs::write(folder.join("rootCA.pem"), params.self_signed(&key)?.pem())?;
    let issuer = Issuer::new(params, key);

    let names = ["localhost", "127.0.0.1", "::1"].map(String::from);
    let mut params = CertificateParams::new(names)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    std::fs::write(folder.join("mosquitto.crt"), certificate.pem())?;
    std::fs::write(folder.join("mosquitto.key"), key.serialize_pem())?;
    Ok(())
}
