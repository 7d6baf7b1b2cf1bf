//! `-u` and `-P`.

use harness::{Broker, mqpasswd, mqpub};

use crate::support::{BOTH, both_send, expect, publisher, refuses, subscriber};

#[test]
fn they_reach_the_broker_as_they_are() {
    for (name, password) in [("-u", "-P"), ("--username", "--pw")] {
        for sent in both_send(&[name, "user é", password, "p w:@/%41"]) {
            assert_eq!(sent.connect.username.as_deref(), Some("user é"));
            assert_eq!(sent.connect.password.as_deref(), Some(&b"p w:@/%41"[..]));
        }
    }
    for sent in both_send(&["-u", "alone"]) {
        assert_eq!(sent.connect.username.as_deref(), Some("alone"));
        assert_eq!(sent.connect.password, None);
    }
    for sent in both_send(&[]) {
        assert_eq!(sent.connect.username, None);
        assert_eq!(sent.connect.password, None);
    }
}

#[test]
fn a_password_alone_is_for_mqtt_5() {
    for sent in both_send(&["-V", "5", "-P", "alone"]) {
        assert_eq!(sent.connect.username, None);
        assert_eq!(sent.connect.password.as_deref(), Some(&b"alone"[..]));
    }
    refuses(publisher, &[&["-V", "311", "-P", "alone"]]);
    refuses(subscriber, &[&["-V", "311", "-P", "alone"]]);
}

#[test]
fn a_refusal_ends_with_the_brokers_code() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passwd");
    mqpasswd()
        .args(["-c", "-b"])
        .arg(&file)
        .args(["alice", "right"])
        .run()
        .assert_success();
    let broker = Broker::builder()
        .anonymous(false)
        .password_file(&file)
        .start();
    for tool in BOTH {
        let tool = |args: &[&str]| tool().args(broker.args()).args(args).run();
        tool(&["-u", "alice", "-P", "right"]).assert_success();
        for version in [&["-V", "311"][..], &["-V", "5"]] {
            let code = if version[1] == "5" { 135 } else { 5 };
            for args in [&["-u", "alice", "-P", "wrong"][..], &["-u", "bob"], &[]] {
                let output = tool(&[version, args].concat());
                assert!(output.status == code, "{version:?} {args:?}\n{output}");
            }
        }
    }
}

/// Ours: one report on stderr. Both: nothing on stdout.
#[test]
fn a_refusal_leaves_stdout_clean() {
    let broker = Broker::builder().anonymous(false).start();
    let output = mqpub()
        .args(broker.args())
        .args(["-t", "t", "-m", "x"])
        .run();
    assert_eq!(output.status, expect(5, 5));
    assert!(output.stdout.is_empty(), "{output}");
}
