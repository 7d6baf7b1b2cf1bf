//! From the typed TLS options to what TLS shall do: whether it is on, whom it trusts, and what
//! contradicts what.

use super::TLS_PORT;
use crate::args::TlsArgs;
use crate::report::{Report, warn};
use crate::tls::{IdentityFiles, TlsOptions, Trust};
use crate::url::Url;
use crate::usage::misuse;

/// What was asked for of TLS, with the warnings that are due; none for plain MQTT.
pub(super) fn options(
    args: &TlsArgs,
    url: Option<&Url>,
    port: Option<u16>,
    quiet: bool,
) -> Result<Option<TlsOptions>, Report> {
    if args.no_tls {
        if url.is_some_and(|url| url.secure) {
            return Err(
                misuse("--no-tls contradicts the mqtts:// of the URL given with -L")
                    .hint("begin the URL with mqtt://, or leave --no-tls out"),
            );
        }
        return Ok(None);
    }
    let identity = identity(args)?;
    let Some(trust) = trust(args, url, port) else {
        if let Some(option) = idle_option(args)
            && !quiet
        {
            warn(format_args!(
                "{option} has no effect without TLS, which --cafile, --capath, --tls-use-os-certs, --pin-sha256 or mqtts:// turns on"
            ));
        }
        return Ok(None);
    };
    if args.insecure && !quiet {
        warn("--insecure: the broker's certificate is not verified, anyone may pose as the broker");
    }
    Ok(Some(TlsOptions {
        trust,
        insecure: args.insecure,
        pins: args.pin_sha256.clone(),
        strict: args.tls_strict,
        warn: !quiet,
        identity,
        lowest: args.tls_version.map(Into::into).unwrap_or_default(),
        alpn: args.tls_alpn.clone(),
    }))
}

fn identity(args: &TlsArgs) -> Result<Option<IdentityFiles>, Report> {
    match (&args.cert, &args.key) {
        (Some(certificate), Some(key)) => Ok(Some(IdentityFiles {
            certificate: certificate.clone(),
            key: key.clone(),
        })),
        (None, None) => Ok(None),
        (Some(_), None) => {
            Err(misuse("--cert needs the certificate's private key").hint("add --key FILE"))
        }
        (None, Some(_)) => {
            Err(misuse("--key needs the certificate that it belongs to").hint("add --cert FILE"))
        }
    }
}

/// An option that only says how to do TLS.
fn idle_option(args: &TlsArgs) -> Option<&'static str> {
    [
        (args.cert.is_some(), "--cert"),
        (args.insecure, "--insecure"),
        (args.tls_version.is_some(), "--tls-version"),
        (args.tls_alpn.is_some(), "--tls-alpn"),
        (args.tls_strict, "--tls-strict"),
    ]
    .into_iter()
    .find_map(|(is_given, option)| is_given.then_some(option))
}

/// TLS is on with a trust option, with a URL that asks for it, and on its own port.
fn trust(args: &TlsArgs, url: Option<&Url>, port: Option<u16>) -> Option<Trust> {
    if args.cafile.is_some() || args.capath.is_some() {
        return Some(Trust::Named {
            file: args.cafile.clone(),
            folder: args.capath.clone(),
        });
    }
    if args.tls_use_os_certs {
        return Some(Trust::System);
    }
    if !args.pin_sha256.is_empty() {
        return Some(Trust::Pins);
    }
    let is_on = port == Some(TLS_PORT) || url.is_some_and(|url| url.secure);
    is_on.then_some(Trust::System)
}
