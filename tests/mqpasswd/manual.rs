//! The manual page: clean for mandoc, groff and man, and each of its examples is typed.

use harness::manual::{Workshop, assert_clean, examples};
use harness::mqpasswd;

const EXAMPLES: [&str; 12] = [
    "mqpasswd -c passwd alice",
    "mqpasswd passwd bob",
    "printf 'pw\\npw\\n' | mqpasswd passwd eve",
    "mqpasswd -b passwd carol 'in the history of the shell'",
    "mqpasswd --if-changed --password-file secret passwd dave",
    "mqpasswd --generate passwd dev7",
    "mqpasswd --import users.csv passwd",
    "echo pw | mqpasswd --verify --password-stdin passwd eve && echo right",
    "mqpasswd --list passwd",
    "mqpasswd --check passwd",
    "mqpasswd --reload /run/mosquitto/mosquitto.pid -D passwd bob",
    "echo pw | mqpasswd --hash-only --password-stdin",
];

#[test]
fn it_is_clean() {
    assert_clean("mqpasswd");
}

#[test]
fn every_example_works_as_typed() {
    let workshop = Workshop::with(&[("mqpasswd", mqpasswd())]);
    workshop.put("secret", "secret\n");
    workshop.put("users.csv", "user,password\nfrank,f\ngina,g\n");
    workshop.put("broker.pid", format!("{}\n", workshop.broker.pid()));
    assert_eq!(
        examples("mqpasswd"),
        EXAMPLES,
        "say here how a new example goes"
    );
    let mut all = String::new();
    for line in EXAMPLES {
        let line = line.replace("/run/mosquitto/mosquitto.pid", "broker.pid");
        let output = workshop
            .typed(&line)
            .stdin("typed twice\ntyped twice\n")
            .run()
            .assert_success();
        all.push_str(output.stdout_str());
    }
    for text in ["changed\n", "right\n", "sha512-pbkdf2", "$7$1000$"] {
        assert!(all.contains(text), "{text}: {all}");
    }
    let users = std::fs::read_to_string(workshop.file("passwd")).unwrap();
    let users: Vec<_> = users
        .lines()
        .filter_map(|line| line.split(':').next())
        .collect();
    assert_eq!(
        users,
        ["alice", "eve", "carol", "dave", "dev7", "frank", "gina"]
    );
}
