//! `-i` and `-I`, and neither.

use crate::support::{BOTH, VERSIONS, both_send, publisher, refuses, sent, subscriber};

#[test]
fn the_id_is_the_client_identifier() {
    for name in ["-i", "--id"] {
        for sent in both_send(&[name, "my id é"]) {
            assert_eq!(sent.connect.client_id, "my id é");
        }
    }
}

#[test]
fn a_prefix_is_followed_by_the_process_id() {
    for tool in BOTH {
        let id = sent(tool().args(["-I", "pre-"])).connect.client_id;
        let digits = id.strip_prefix("pre-").unwrap();
        assert!(digits.parse::<u32>().is_ok(), "{id}");
    }
    for sent in both_send(&["--id-prefix", "p"]) {
        assert!(sent.connect.client_id.starts_with('p'));
    }
}

#[test]
fn without_one_the_broker_assigns_it() {
    for version in VERSIONS {
        for sent in both_send(&["-V", version]) {
            assert_eq!(sent.connect.client_id, "");
            assert!(sent.connect.clean);
        }
    }
}

#[test]
fn id_and_prefix_exclude_each_other() {
    refuses(
        publisher,
        &[&["-i", "a", "-I", "b"], &["-I", "a", "-i", "b"]],
    );
    refuses(
        subscriber,
        &[&["-i", "a", "-I", "b"], &["-I", "a", "-i", "b"]],
    );
}
