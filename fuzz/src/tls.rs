//! Certificates and keys: of servers, and from files.

use mqtools_common::fuzz::{certificates, key, second_look};

use crate::Target;
use crate::cursor::Cursor;

/// Whether the second is trusted, the length of the first in two bytes, then two certificates.
pub(crate) const CERTIFICATE: Target = Target {
    name: "certificate",
    run: certificate,
    words: &[
        b"\x30\x82",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x02\x01\x02",
        b"\x06\x03\x55\x1d\x13",
        b"\x06\x03\x55\x1d\x11",
        b"\x04\x05\x30\x03\x01\x01\xff",
        b"\x17\x0d",
        b"\x18\x0f99991231235959Z",
        b"\x30\x80",
        b"\x03\x02\x00\x80",
    ],
    memory: (512 << 10, 256),
    cases: 10_000,
};

/// The contents of a file that shall hold certificates or a key.
pub(crate) const KEY: Target = Target {
    name: "key",
    run: keys,
    words: &[
        b"-----BEGIN CERTIFICATE-----\n",
        b"-----END CERTIFICATE-----\n",
        b"-----BEGIN PRIVATE KEY-----\n",
        b"-----END PRIVATE KEY-----\n",
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
        b"-----BEGIN RSA PRIVATE KEY-----\n",
        b"Proc-Type: 4,ENCRYPTED\n",
        b"DEK-Info: AES-128-CBC,",
        b"\n",
        b"\r",
        b"-----",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"=",
        b"\x30\x82",
    ],
    memory: (512 << 10, 64),
    cases: 10_000,
};

fn certificate(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let is_trusted = cursor.flag();
    let length = cursor.u16();
    let server = cursor.bytes(length.into());
    let above = cursor.rest();
    // What it says is shown as the cause of a report.
    if let Err(why) = second_look(server, above, is_trusted) {
        assert!(!why.is_empty());
    }
}

fn keys(input: &[u8]) {
    if let Ok(count) = certificates(input) {
        assert!((1..=input.len()).contains(&count));
    }
    if let Err(why) = key(input) {
        assert!(!why.is_empty());
    }
}
