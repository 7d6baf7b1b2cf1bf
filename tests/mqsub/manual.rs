//! The manual page: clean for mandoc, groff and man, and each of its examples is typed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use harness::manual::{Workshop, assert_clean, examples};
use harness::{Authority, Broker, mqpub, mqsub};

/// How an example goes.
enum Then {
    /// It prints this, and runs until it is terminated.
    Prints(&'static str),
    /// The same into a file.
    Writes(&'static str, &'static str),
    /// It ends with 0, and has printed one of these.
    Ends(&'static [&'static str]),
    /// It ends with 0, whatever a machine has printed that may be slow.
    EndsAnyhow,
}

const EXAMPLES: [(&str, Then); 13] = [
    ("mqsub -h localhost -t test/topic", Then::Prints("Hello\n")),
    (
        "mqsub -t 'home/+/temperature' -t 'garden/#' -v",
        Then::Prints("garden/pump on\n"),
    ),
    (
        "mqsub -t door/state -C 1 -W 5 || echo 'no message within 5 seconds'",
        Then::Ends(&["open\n", "no message within 5 seconds\n"]),
    ),
    (
        "mqsub -t 'home/#' -T 'home/attic/#' -q 1 -c -i logger >> home.log",
        Then::Writes("home.log", "21.5\n"),
    ),
    (
        "mqsub -t 'home/#' -F '@Y-@m-@d @H:@M:@S  %-30t %p'",
        Then::Prints("home/kitchen/temperature       21.5\n"),
    ),
    (
        "mqsub -t 'home/#' -V 5 --json --idle-timeout 2 > home.jsonl",
        Then::EndsAnyhow,
    ),
    (
        "mqsub -t 'sensors/#' -F '%t %.2:x'",
        Then::Prints("sensors/1 a1:67:63:65:6c:73:69:75:73:f9:4d:60\n"),
    ),
    (
        "mqsub -t 'sensors/#' --payload-as cbor",
        Then::Prints("{\"celsius\":21.5}\n"),
    ),
    (
        "mqsub -t 'build/+/log' --until '(passed|failed)$'",
        Then::Ends(&["12 tests passed\n"]),
    ),
    (
        "mqsub -i worker -c -q 1 -t 'jobs/#' --jobs 4 --exec ./do-job --fast",
        Then::Writes("done", "--fast: a job\n"),
    ),
    (
        "mqsub -t 'old/#' -v --remove-retained --dry-run --idle-timeout 2",
        Then::EndsAnyhow,
    ),
    (
        "mqsub -t 'old/#' --remove-retained --idle-timeout 2",
        Then::EndsAnyhow,
    ),
    (
        "mqsub -h broker.example -p 8883 --cafile ca.pem -u alice --password-file secret -t 'home/#'",
        Then::Prints("21.5\n"),
    ),
];

const RETAINED: [(&str, &str); 7] = [
    ("test/topic", "Hello"),
    ("home/kitchen/temperature", "21.5"),
    ("garden/pump", "on"),
    ("door/state", "open"),
    ("build/app/log", "12 tests passed"),
    ("jobs/1", "a job"),
    ("old/topic", "x"),
];

#[test]
fn it_is_clean() {
    assert_clean("mqsub");
}

#[test]
fn every_example_works_as_typed() {
    let workshop = Workshop::with(&[("mqpub", mqpub()), ("mqsub", mqsub())]);
    let authority = Authority::new();
    let secure = Broker::builder()
        .tls(&authority.server("localhost"))
        .start();
    for (topic, payload) in RETAINED {
        let line = format!("mqpub -t {topic} -m '{payload}' -r -q 1");
        workshop.typed(&line).run().assert_success();
    }
    let cbor = "mqpub -t sensors/1 -m '{\"celsius\":21.5}' --payload-is cbor -r -q 1";
    workshop.typed(cbor).run().assert_success();
    workshop.put("ca.pem", fs::read(authority.pem_path()).unwrap());
    workshop.put("secret", "password\n");
    workshop.put("do-job", "#!/bin/sh\n(echo \"$1: $(cat)\") >> done\n");
    fs::set_permissions(workshop.file("do-job"), fs::Permissions::from_mode(0o755)).unwrap();
    // The one with TLS, under the name that its certificate has.
    let at_secure = format!("-h localhost -p {}", secure.port());
    let publish = format!("mqpub {at_secure} --cafile ca.pem -t home/a -m 21.5 -r -q 1");
    workshop.typed(&publish).run().assert_success();

    let written = examples("mqsub");
    let known: Vec<_> = EXAMPLES.iter().map(|(line, _)| *line).collect();
    assert_eq!(written, known, "say here how a new example goes");
    for (line, then) in EXAMPLES {
        let line = line.replace("-h broker.example -p 8883", &at_secure);
        match then {
            Then::Prints(text) => {
                let running = workshop.typed(&format!("exec {line}")).spawn();
                running.wait_for_stdout(text);
                crate::support::terminate(running);
            }
            Then::Writes(file, text) => {
                let running = workshop.typed(&format!("exec {line}")).spawn();
                workshop.wait_for_file(file, text);
                crate::support::terminate(running);
            }
            Then::Ends(texts) => {
                let output = workshop.typed(&line).run().assert_success();
                assert!(texts.contains(&output.stdout_str()), "{line}: {output}");
            }
            Then::EndsAnyhow => {
                workshop.typed(&line).run().assert_success();
            }
        }
    }
}
