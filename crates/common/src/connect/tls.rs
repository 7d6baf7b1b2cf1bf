//! From the typed TLS options to what TLS shall do: whether it is on, whom it trusts, and what
//! contradicts what.

use super::TLS_PORT;
use super::credentials::from_file;
use crate::args::{KeyFormArg, TlsArgs, TlsVersionArg};
use crate::report::{Report, warn};
use crate::tls::{Ciphers, IdentityFiles, SharedKey, TlsOptions, Trust};
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
            return Err(misuse(
                "--no-tls contradicts the mqtts:// or wss:// of the URL given with -L",
            )
            .hint("begin the URL with mqtt:// or ws://, or leave --no-tls out"));
        }
        return Ok(None);
    }
    refuse_engines(args)?;
    let identity = identity(args, quiet)?;
    let shared = shared_key(args)?;
    // With a pre-shared key the list is for OpenSSL.
    let ciphers = if shared.is_some() {
        Ciphers::default()
    } else {
        ciphers(args)?
    };
    let trust = shared
        .map(Trust::SharedKey)
        .or_else(|| trust(args, url, port));
    let Some(trust) = trust else {
        if let Some(option) = idle_option(args)
            && !quiet
        {
            warn(format_args!(
                "{option} has no effect without TLS, which --cafile, --capath, --tls-use-os-certs, --pin-sha256, --psk or mqtts:// turns on"
            ));
        }
        return Ok(None);
    };
    if matches!(trust, Trust::SharedKey(_)) {
        let idle = [
            (args.cert.is_some(), "--cert"),
            (args.insecure, "--insecure"),
        ];
        for (_, option) in idle.iter().filter(|(given, _)| *given && !quiet) {
            warn(format_args!(
                "{option} has no effect with --psk, which uses no certificates"
            ));
        }
    } else if args.insecure && !quiet {
        warn("--insecure: the broker's certificate is not verified, anyone may pose as the broker");
    }
    let lowest = args.tls_version.map(Into::into).unwrap_or_default();
    if !quiet {
        if matches!(args.tls_version, Some(TlsVersionArg::Tls11)) {
            warn("--tls-version tlsv1.1: TLS 1.1 is not spoken, TLS 1.2 is the lowest version");
        }
        if ciphers.are_idle(lowest) {
            warn("--ciphers names suites of TLS 1.2 only, which --tls-version excludes");
        }
    }
    Ok(Some(TlsOptions {
        trust,
        insecure: args.insecure,
        pins: args.pin_sha256.clone(),
        strict: args.tls_strict,
        identity,
        lowest,
        ciphers,
        alpn: args.tls_alpn.clone(),
        key_log: args.tls_keylog.clone(),
        quiet,
    }))
}

fn identity(args: &TlsArgs, quiet: bool) -> Result<Option<IdentityFiles>, Report> {
    match (&args.cert, &args.key) {
        (Some(certificate), Some(key)) => Ok(Some(IdentityFiles {
            certificate: certificate.clone(),
            key: key.clone(),
            pass_phrase: match &args.key_passphrase_file {
                Some(path) => Some(from_file(
                    path,
                    "--key-passphrase-file",
                    "pass phrase",
                    quiet,
                )?),
                None => None,
            },
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

/// The pre-shared key and the name that goes with it.
fn shared_key(args: &TlsArgs) -> Result<Option<SharedKey>, Report> {
    let (key, identity) = match (&args.psk, &args.psk_identity) {
        (Some(key), Some(identity)) => (key, identity),
        (None, None) => return Ok(None),
        (Some(_), None) => {
            return Err(
                misuse("--psk needs the name that the broker has for the key")
                    .hint("add --psk-identity NAME"),
            );
        }
        (None, Some(_)) => {
            return Err(misuse("--psk-identity needs the key").hint("add --psk HEX"));
        }
    };
    SharedKey::new(key, identity, args.ciphers.clone())
        .map(Some)
        .map_err(|(option, why)| misuse(format!("cannot use the value of {option}")).cause(why))
}

fn ciphers(args: &TlsArgs) -> Result<Ciphers, Report> {
    let Some(list) = &args.ciphers else {
        return Ok(Ciphers::default());
    };
    Ciphers::parse(list).map_err(|unknown| {
        let cause = if unknown.is_empty() {
            "it names no cipher suite".to_owned()
        } else {
            format!("there is no cipher suite {unknown:?} here")
        };
        misuse("cannot use the list given with --ciphers")
            .cause(cause)
            .hint(format!("there are {}", Ciphers::names()))
    })
}

fn refuse_engines(args: &TlsArgs) -> Result<(), Report> {
    let option = if args.tls_engine.is_some() {
        "--tls-engine"
    } else if args.tls_engine_kpass_sha1.is_some() {
        "--tls-engine-kpass-sha1"
    } else if args.keyform == Some(KeyFormArg::Engine) {
        "--keyform engine"
    } else {
        return Ok(());
    };
    Err(misuse(format!("{option} is not supported"))
        .cause("engines are a part of OpenSSL, and certificates are handled by rustls here")
        .hint("give the key as a PEM file with --key; for a key that cannot leave its hardware, let a TLS proxy such as stunnel hold it"))
}

/// An option that only says how to do TLS.
fn idle_option(args: &TlsArgs) -> Option<&'static str> {
    [
        (args.cert.is_some(), "--cert"),
        (args.insecure, "--insecure"),
        (args.tls_version.is_some(), "--tls-version"),
        (args.ciphers.is_some(), "--ciphers"),
        (args.tls_alpn.is_some(), "--tls-alpn"),
        (args.tls_keylog.is_some(), "--tls-keylog"),
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
            system: args.tls_use_os_certs,
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
