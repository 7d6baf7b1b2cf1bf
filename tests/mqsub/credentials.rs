//! User names and passwords, from a password file made by `mqpasswd`, over TLS.

use harness::{Authority, Broker, Output, mqpasswd, mqpub, mqsub};
use tempfile::TempDir;

use crate::support::VERSIONS;

/// A broker over TLS that knows the users `username` and `second`.
struct Guarded {
    broker: Broker,
    authority: Authority,
    _folder: TempDir,
}

impl Guarded {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        for args in [
            ["-c", "-b", "passwd", "username", "password"].as_slice(),
            &["-b", "passwd", "second", "pw2"],
        ] {
            mqpasswd()
                .current_dir(folder.path())
                .args(args)
                .run()
                .assert_success();
        }
        let authority = Authority::new();
        let broker = Broker::builder()
            .anonymous(false)
            .password_file(folder.path().join("passwd"))
            .tls(&authority.server("localhost"))
            .start();
        Self {
            broker,
            authority,
            _folder: folder,
        }
    }

    fn mqsub(&self, args: &[&str]) -> harness::Tool {
        mqsub()
            .args(self.broker.args())
            .arg("--cafile")
            .arg(self.authority.pem_path())
            .args(args)
    }

    fn log_in(&self, args: &[&str]) -> Output {
        self.mqsub(&["-t", "test/topic", "-E"]).args(args).run()
    }
}

#[test]
fn a_user_of_the_password_file_gets_in() {
    let guarded = Guarded::start();
    for version in VERSIONS {
        let running = guarded
            .mqsub(&["-V", version, "-t", "test/topic", "-C", "1", "-d"])
            .args(["-u", "username", "-P", "password"])
            .spawn();
        running.wait_for_stderr("received SUBACK");
        mqpub()
            .args(guarded.broker.args())
            .arg("--cafile")
            .arg(guarded.authority.pem_path())
            .args(["-V", version, "-t", "test/topic", "-m", "Hello World"])
            .args(["-u", "second", "-P", "pw2"])
            .run()
            .assert_success();
        let output = running.wait().assert_success();
        assert_eq!(output.stdout_str(), "Hello World\n");
        assert!(!output.stderr_str().contains("password"), "{output}");
    }
}

#[test]
fn whoever_is_not_in_it_is_refused_with_the_connacks_code() {
    let guarded = Guarded::start();
    for (version, code) in [("mqttv311", 5), ("mqttv5", 135)] {
        for credentials in [
            ["-u", "username", "-P", "wrong-secret"].as_slice(),
            &["-u", "username", "-P", "pw2"],
            &["-u", "nobody", "-P", "password"],
            &["-u", "username"],
            &[],
        ] {
            let output = guarded
                .log_in(&[credentials, &["-V", version]].concat())
                .assert_code(code);
            let address = format!("localhost:{}", guarded.broker.port());
            assert_eq!(
                output.stderr_str(),
                format!(
                    "error: {address} refused the connection\n\
                     cause: not authorised, code {code}\n\
                     hint: check the user name (-u) and the password (-P); a broker rereads its \
                     password file only on SIGHUP\n"
                )
            );
            assert_eq!(output.stdout_str(), "");
        }
    }
}

#[test]
fn a_password_is_nowhere_in_what_is_told() {
    let guarded = Guarded::start();
    for version in VERSIONS {
        let credentials = ["-V", version, "-d", "-u", "username", "-P", "wrong-secret"];
        let output = guarded.log_in(&credentials);
        assert!(output.stderr_str().contains("sending CONNECT"), "{output}");
        assert!(!output.stderr_str().contains("wrong-secret"), "{output}");
    }
}
