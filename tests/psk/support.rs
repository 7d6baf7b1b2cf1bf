//! Brokers with a pre-shared key, and what the tests of both tools know about it.

use std::fs;
use std::process::Command;

use harness::{Broker, Output, Tool};
use tempfile::TempDir;

pub(crate) const KEY: &str = "00c0ffee15bada55";
pub(crate) const IDENTITY: &str = "the sensor";
pub(crate) const SHARED: [&str; 4] = ["--psk", KEY, "--psk-identity", IDENTITY];

/// A broker that knows the key; the identity is the user's name.
pub(crate) struct Secret {
    pub(crate) broker: Broker,
    _folder: TempDir,
}

impl Secret {
    /// With TLS 1.2 only, or with TLS 1.3 as well; `settings` are added to its configuration.
    pub(crate) fn start(only_tls12: bool, settings: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("keys");
        fs::write(&file, format!("other:abcd\n{IDENTITY}:{KEY}\n")).unwrap();
        let mut builder = Broker::builder()
            .config("psk_hint anything")
            .config(format!("psk_file {}", file.display()))
            .config("use_identity_as_username true");
        for line in settings {
            builder = builder.config(*line);
        }
        if only_tls12 {
            builder = builder.tls12_only();
        }
        Self {
            broker: builder.start(),
            _folder: folder,
        }
    }

    /// The tool with this broker's address and key.
    pub(crate) fn client(&self, tool: Tool) -> Tool {
        tool.args(self.broker.args()).args(SHARED)
    }
}

/// Whether the program needs OpenSSL's libssl to start.
pub(crate) fn links_libssl(tool: &Tool) -> bool {
    let output = Command::new("ldd").arg(tool.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("libc.so"), "not ldd's output:\n{text}");
    text.contains("libssl")
}

/// The exit code is `code`, and no part of the output shows the key.
#[track_caller]
pub(crate) fn failed(output: Output, code: i32) -> String {
    let output = output.assert_code(code);
    let text = output.stderr_str().to_owned();
    assert!(!text.contains(KEY), "it shows the key\n{output}");
    assert!(text.starts_with("error: "), "{output}");
    text
}
