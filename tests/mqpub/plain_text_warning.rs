//! A warning when credentials leave the machine without TLS. That is tried in a network of its
//! own, which has an address beside loopback and ends with the test.

use harness::{Authority, Broker, Output, mqpub, namespace};
use tempfile::TempDir;

use crate::support::{Collector, VERSIONS};

const ADDRESS: &str = "10.9.8.7";

/// Makes the network and a broker in it, and runs the tool that follows once that accepts.
const SCRIPT: &str = r#"
    ip link set lo up
    ip address add 10.9.8.7/32 dev lo
    mosquitto -c "$1" >log 2>&1 &
    broker=$!
    shift
    until "$0" -h 10.9.8.7 -t started -n --quiet; do
        kill -0 $broker || { cat log >&2; exit 99; }
        sleep 0.05
    done
    "$0" "$@"
    code=$?
    kill $broker
    wait
    exit $code
"#;

/// Runs `mqpub` with these options where a broker listens on [`ADDRESS`], with or without TLS.
fn abroad(args: &[&str], tls: bool) -> Output {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new();
    let mut config = "listener 1883\nallow_anonymous true\nuser root\n".to_owned();
    let certificate = authority.server(ADDRESS);
    if tls {
        config += &format!(
            "listener 8883\ncertfile {}\nkeyfile {}\n",
            certificate.cert_path.display(),
            certificate.key_path.display()
        );
    }
    let path = folder.path().join("mosquitto.conf");
    std::fs::write(&path, config).unwrap();
    let cafile = authority.pem_path();
    let args = args.iter().map(|&arg| match arg {
        "CAFILE" => cafile.as_os_str(),
        arg => arg.as_ref(),
    });
    // Debian keeps the broker and ip in /usr/sbin, which is not in every user's PATH.
    let path_variable = std::env::var("PATH").unwrap() + ":/usr/sbin:/sbin";
    namespace("--net")
        .args(["sh", "-c", SCRIPT])
        .arg(mqpub().path())
        .arg(&path)
        .args(["-t", "a", "-m", "x"])
        .args(args)
        .env("PATH", path_variable)
        .run()
}

#[test]
fn credentials_without_tls_get_a_warning_on_the_way_out() {
    for (args, what) in [
        (
            &["-h", ADDRESS, "-u", "me", "-P", "s3cret"][..],
            "the user name and the password go",
        ),
        (&["-h", ADDRESS, "-u", "me"], "the user name goes"),
        (
            &["-h", ADDRESS, "-V", "5", "-P", "s3cret"],
            "the password goes",
        ),
        (
            &["-L", "mqtt://me:s3cret@10.9.8.7/t"],
            "the user name and the password go",
        ),
    ] {
        let output = abroad(args, false).assert_success();
        assert_eq!(
            output.stderr_str(),
            format!(
                "warning: {what} in plain text to {ADDRESS}:1883, for all on the way to read; \
                 --cafile or mqtts:// turns TLS on\n"
            )
        );
    }
}

#[test]
fn there_is_none_without_credentials_over_tls_or_when_quiet() {
    for (args, tls) in [
        (&["-h", ADDRESS][..], false),
        (
            &["-h", ADDRESS, "-u", "me", "-P", "s3cret", "--quiet"],
            false,
        ),
        (
            &[
                "-h", ADDRESS, "-p", "8883", "--cafile", "CAFILE", "-u", "me", "-P", "s3cret",
            ],
            true,
        ),
        (&["-h", "127.0.0.1", "-u", "me", "-P", "s3cret"], false),
    ] {
        let output = abroad(args, tls).assert_success();
        assert_eq!(output.stderr_str(), "", "{args:?}");
    }
}

#[test]
fn there_is_none_on_loopback() {
    let broker = Collector::start();
    for version in VERSIONS {
        let output = broker
            .mqpub(["-m", "x", "-u", "me", "-P", "s3cret", "-V", version])
            .run()
            .assert_success();
        assert_eq!(output.stderr_str(), "");
    }
    let broker = Broker::start();
    let output = mqpub()
        .args(broker.args())
        .args(["-t", "a", "-m", "x", "-u", "me", "-P", "s3cret"])
        .run()
        .assert_success();
    assert_eq!(output.stderr_str(), "");
}
