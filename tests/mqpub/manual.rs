//! The manual page: clean for mandoc, groff and man, and each of its examples is typed.

use std::fs;

use harness::manual::{Workshop, assert_clean, examples};
use harness::{Authority, Broker, mqpub, mqsub};

const EXAMPLES: [&str; 16] = [
    "mqpub -h localhost -t test/topic -m 'Hello, MQTT'",
    "mqpub -t door/state -m open -r -q 1",
    "mqpub -t door/state -n -r",
    "mqpub -t camera/door -f picture.jpg -r",
    "date | mqpub -t host/date -s",
    "seq 1000 | mqpub -t numbers -l -q 1 && echo all there",
    "printf 'a/b 1\\nc/d 2\\n' | mqpub -l --topic-separator ' '",
    "mqpub -t 'load/{seq}' --template '{\"n\":{seq},\"t\":\"{time}\"}' --repeat 10 --rate 10",
    "mqpub -t sensors/1 -m '{\"celsius\":21.5}' --payload-is cbor",
    "mqsub -t 'home/#' --json --idle-timeout 2 > home.jsonl",
    "mqpub --replay home.jsonl --speed 2",
    "mqsub -h a.example -t '#' --retained-only --idle-timeout 5 --json | mqpub -h b.example --json-lines -q 1",
    "mqpub -V 5 -t requests/time -m now --wait-response -W 60",
    "mqpub --probe --json",
    "mqpub -t jobs/7 -m resize -D publish content-type text/plain -D publish user-property host attic",
    "mqpub -h broker.example -p 8883 --cafile ca.pem -u alice --password-file secret -t a/b -m hello",
];

#[test]
fn it_is_clean() {
    assert_clean("mqpub");
}

#[test]
fn every_example_works_as_typed() {
    let workshop = Workshop::with(&[("mqpub", mqpub()), ("mqsub", mqsub())]);
    let authority = Authority::new();
    let secure = Broker::builder()
        .tls(&authority.server("localhost"))
        .start();
    let other = Broker::start();
    workshop.put("ca.pem", fs::read(authority.pem_path()).unwrap());
    workshop.put("secret", "password\n");
    workshop.put("picture.jpg", [0xFF, 0xD8, 0xFF, 0x00, 0x0A]);
    assert_eq!(
        examples("mqpub"),
        EXAMPLES,
        "say here how a new example goes"
    );
    for line in EXAMPLES {
        // Names that are nobody's, and ports: of brokers that are here.
        let line = line
            .replace(
                "broker.example -p 8883",
                &format!("localhost -p {}", secure.port()),
            )
            .replace("a.example", &format!("localhost -p {}", other.port()))
            .replace("b.example", "localhost");
        if line.contains("--replay") {
            // On a slow machine nothing may have come while it was recorded.
            workshop.put(
                "home.jsonl",
                "{\"tst\":\"2026-11-23T10:00:00.000000+0000\",\"topic\":\"home/a\",\"payload\":\"1\"}\n",
            );
        }
        if line.contains("--wait-response") {
            answered(&workshop, &line);
            continue;
        }
        let output = workshop.typed(&line).run().assert_success();
        let expected = match () {
            () if line.contains("all there") => Some("all there\n"),
            () if line.contains("--probe") => None,
            () => Some(""),
        };
        match expected {
            Some(text) => assert_eq!(output.stdout_str(), text, "{line}"),
            None => assert!(output.stdout_str().contains("\"ok\":true"), "{output}"),
        }
    }
}

/// Types a line that asks for the time, and answers.
#[track_caller]
fn answered(workshop: &Workshop, line: &str) {
    let servant = "exec mqsub -V 5 -t requests/time -C 1 -F '%R %D' -d";
    let servant = workshop.typed(servant).spawn();
    servant.wait_for_stderr("received SUBACK");
    let asking = workshop.typed(line).spawn();
    let request = servant.wait().assert_success();
    let (topic, correlation) = request.stdout_str().trim_end().split_once(' ').unwrap();
    let answer =
        format!("mqpub -V 5 -t {topic} -m noon -D publish correlation-data '{correlation}' -q 1");
    workshop.typed(&answer).run().assert_success();
    assert_eq!(asking.wait().assert_success().stdout_str(), "noon\n");
}
