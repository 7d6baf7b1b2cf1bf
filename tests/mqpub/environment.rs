//! The environment variables: between the command line and the options file.

use std::fs;

use harness::{Authority, Broker, FakeBroker, Tool, mqpub, unused_port};

use crate::support::{Collector, complaint, greet, publisher};

const VARIABLES: [&str; 7] = [
    "MQ_HOST",
    "MQ_PORT",
    "MQ_USERNAME",
    "MQ_PASSWORD",
    "MQ_CAFILE",
    "MQ_CERT",
    "MQ_KEY",
];

fn with_file(text: &str) -> Tool {
    let tool = mqpub();
    fs::write(tool.home().join(".config/mqpub"), text).unwrap();
    tool
}

#[test]
fn they_say_where_the_broker_is() {
    let broker = Collector::start();
    let args = broker.args();
    mqpub()
        .env("MQ_HOST", &args[1])
        .env("MQ_PORT", &args[3])
        .args(["-t", "a", "-m", "x"])
        .run()
        .assert_success();
    assert_eq!(broker.payloads(), [b"x"]);
}

#[test]
fn the_command_line_beats_the_environment_and_that_the_file() {
    let broker = Collector::start();
    let nobody = unused_port();
    let (host, port) = (broker.args()[1].clone(), broker.args()[3].clone());
    let wrong = nobody.args()[3].clone();
    let words = ["-t", "a", "-m", "x"];
    mqpub()
        .env("MQ_HOST", "host.invalid")
        .env("MQ_PORT", &wrong)
        .args(broker.args())
        .args(words)
        .run()
        .assert_success();
    with_file(&format!("-h host.invalid\n-p {wrong}"))
        .env("MQ_HOST", &host)
        .env("MQ_PORT", &port)
        .args(words)
        .run()
        .assert_success();
    with_file("--unix /missing")
        .env("MQ_HOST", &host)
        .args(["-p", &port])
        .args(words)
        .run()
        .assert_success();
    // A URL that is typed comes later, that of the file earlier.
    let url = |port: &str| format!("mqtt://{host}:{port}/a");
    mqpub()
        .env("MQ_HOST", "host.invalid")
        .env("MQ_PORT", &wrong)
        .args(["-m", "x", "-L", &url(&port)])
        .run()
        .assert_success();
    with_file(&format!("-L {}", url(&wrong)))
        .env("MQ_PORT", &port)
        .args(["-m", "x"])
        .run()
        .assert_success();
    assert_eq!(broker.payloads(), [b"x"; 5]);
}

#[test]
fn they_say_who_the_user_is() {
    let broker = FakeBroker::start(|mut conn| {
        let connect = greet(&mut conn);
        assert_eq!(connect.username.as_deref(), Some("me"));
        assert_eq!(connect.password.as_deref(), Some(&b"hunter2"[..]));
        conn.expect_publish();
        conn.expect_disconnect();
    });
    publisher(&broker)
        .env("MQ_USERNAME", "me")
        .env("MQ_PASSWORD", "hunter2")
        .args(["-m", "x"])
        .run()
        .assert_success();
    publisher(&broker)
        .env("MQ_USERNAME", "you")
        .env("MQ_PASSWORD", "wrong")
        .args(["-m", "x", "-u", "me", "-P", "hunter2"])
        .run()
        .assert_success();
    broker.finish();
}

#[test]
fn they_name_the_certificates() {
    let authority = Authority::new();
    let broker = Broker::builder()
        .tls(&authority.server("localhost"))
        .start();
    mqpub()
        .args(broker.args())
        .args(["-t", "a", "-m", "x"])
        .env("MQ_CAFILE", authority.pem_path())
        .run()
        .assert_success();
    for (variable, option) in [("MQ_CERT", "--cert"), ("MQ_KEY", "--key")] {
        let output = mqpub()
            .args(broker.args())
            .args(["-t", "a", "-m", "x"])
            .env(variable, "file.pem")
            .run();
        let complaint = complaint(output, 1);
        let error = format!("{option} (from {variable}) needs");
        assert!(complaint.error.starts_with(&error), "{complaint:?}");
    }
}

#[test]
fn what_is_typed_excludes_them() {
    let nobody = unused_port();
    // --cafile and --psk contradict each other when both are typed.
    let output = mqpub()
        .env("MQ_CAFILE", "/missing")
        .args(nobody.args())
        .args(["-t", "a", "-m", "x", "--psk", "ab", "--psk-identity", "me"])
        .run();
    let output = output.assert_code(if cfg!(feature = "psk") { 14 } else { 1 });
    assert!(!output.stderr_str().contains("--cafile"), "{output}");
}

#[test]
fn a_value_that_does_not_fit_is_told_with_its_variable() {
    for value in ["abc", "65536", "-1", "18 83"] {
        let output = mqpub()
            .env("MQ_PORT", value)
            .args(["-t", "a", "-m", "x"])
            .run();
        let complaint = complaint(output, 1);
        assert_eq!(
            complaint.error,
            "the environment variable MQ_PORT cannot be used"
        );
        assert!(complaint.cause.contains(value), "{complaint:?}");
        let why = "a port is 1 to 65535, or 0 with --unix";
        assert!(complaint.cause.ends_with(why), "{complaint:?}");
    }
}

#[test]
fn a_lonely_password_is_told_with_its_variable() {
    let nobody = unused_port();
    let lonely = || {
        mqpub()
            .args(nobody.args())
            .args(["-t", "a", "-m", "x"])
            .env("MQ_PASSWORD", "hunter2")
    };
    let first = complaint(lonely().run(), 1);
    assert!(first.cause.contains("MQ_PASSWORD"), "{first:?}");
    assert!(first.hint.contains("unset MQ_PASSWORD"), "{first:?}");
    // What is typed is not its fault.
    let second = complaint(lonely().args(["-P", "secret"]).run(), 1);
    assert!(!format!("{second:?}").contains("MQ_PASSWORD"), "{second:?}");
}

/// A plain broker, and MQ_CAFILE with a good certificate for another one.
#[test]
fn a_plain_address_that_was_typed_displaces_the_authority() {
    let authority = Authority::new();
    let broker = Collector::start();
    let port = &broker.args()[3];
    for url in [
        format!("mqtt://127.0.0.1:{port}/a"),
        format!("MQTT://127.0.0.1:{port}"),
    ] {
        mqpub()
            .env("MQ_CAFILE", authority.pem_path())
            .args(["-t", "a", "-m", "x", "-L", &url])
            .run()
            .assert_success();
    }
    assert_eq!(broker.payloads(), [b"x"; 2]);

    let folder = tempfile::TempDir::new().unwrap();
    let socket = folder.path().join("nobody");
    let output = mqpub()
        .env("MQ_CAFILE", "/missing")
        .args(["-t", "a", "-m", "x", "--unix"])
        .arg(&socket)
        .run();
    let complaint = complaint(output, 14);
    assert!(complaint.error.contains("nobody"), "{complaint:?}");
}

#[test]
fn an_authority_counts_where_tls_was_asked_for() {
    let nobody = unused_port();
    let port = &nobody.args()[3];
    let plain = format!("mqtt://127.0.0.1:{port}/a");
    let secure = format!("mqtts://127.0.0.1:{port}/a");
    for args in [
        &["-L", &secure][..],
        &["-L", &plain, "--tls-use-os-certs"],
        &["-L", "mqtt://127.0.0.1:8883/a"],
        &["-h", "127.0.0.1", "-p", port, "-t", "a"],
    ] {
        let output = mqpub()
            .env("MQ_CAFILE", "/missing")
            .args(["-m", "x"])
            .args(args)
            .run();
        let complaint = complaint(output, 8);
        assert_eq!(complaint.error, "cannot use the MQ_CAFILE /missing");
    }
    // Typed, it counts whatever the address says.
    let output = mqpub()
        .env("MQ_CAFILE", "/other")
        .args(["-m", "x", "-L", &plain, "--cafile", "/missing"])
        .run();
    let complaint = complaint(output, 8);
    assert_eq!(complaint.error, "cannot use the --cafile /missing");
}

#[test]
fn tls_that_a_variable_turned_on_is_told_with_it() {
    let authority = Authority::new();
    let broker = Broker::start();
    let output = mqpub()
        .args(broker.args())
        .args(["-t", "a", "-m", "x"])
        .env("MQ_CAFILE", authority.pem_path())
        .run();
    let complaint = complaint(output, 23);
    assert!(complaint.hint.contains("unset MQ_CAFILE"), "{complaint:?}");
    assert!(!complaint.hint.contains("--cafile"), "{complaint:?}");
}

/// They are for all calls: this one is not about them.
#[test]
fn no_variable_is_warned_of() {
    let nobody = unused_port();
    let plain = format!("mqtt://localhost:{}/a", nobody.args()[3]);
    let output = mqpub()
        .args(["-L", &plain, "-m", "x"])
        .envs([("MQ_CERT", "cert.pem"), ("MQ_KEY", "key.pem")])
        .run()
        .assert_code(14);
    assert!(output.stderr_str().starts_with("error: "), "{output}");
    // A name server that is none: nothing is looked up.
    let service = || {
        mqpub()
            .args(["-S", "-h", "example.invalid", "-t", "a", "-m", "x"])
            .env("MQ_DNS_SERVER", "nonsense")
    };
    let output = service().env("MQ_PORT", "1").run();
    assert!(output.stderr_str().starts_with("error: "), "{output}");
    let output = service().args(["-p", "1"]).run();
    assert!(
        output
            .stderr_str()
            .starts_with("warning: the port has no effect"),
        "{output}"
    );
}

#[test]
fn an_empty_variable_is_as_good_as_none() {
    let broker = Collector::start();
    let empty = VARIABLES.map(|name| (name, ""));
    broker.mqpub(["-m", "x"]).envs(empty).run().assert_success();
    assert_eq!(broker.payloads(), [b"x"]);
}

#[test]
fn the_help_names_all_of_them_and_shows_no_value() {
    let output = mqpub()
        .env("MQ_PASSWORD", "hunter2")
        .arg("--help")
        .run()
        .assert_success();
    let words: Vec<_> = output.stdout_str().split_whitespace().collect();
    let help = words.join(" ");
    for name in VARIABLES {
        assert!(help.contains(&format!("[env: {name}]")), "{name}");
    }
    assert!(!output.stdout_str().contains("hunter2"), "{output}");
}
