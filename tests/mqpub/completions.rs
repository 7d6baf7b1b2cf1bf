//! The checked-in completions in real bash, zsh and fish.

use harness::completions::assert_offers;

#[test]
fn values_are_completed() {
    assert_offers(
        "mqpub",
        &[
            ("mqpub -q ", &["0", "1", "2"]),
            ("mqpub --qos=", &["0", "1", "2"]),
            ("mqpub --will-qos ", &["0", "1", "2"]),
            ("mqpub -V ", &["mqttv31", "mqttv311", "mqttv5"]),
            ("mqpub --protocol-version=mqtt5x", &[]),
            ("mqpub --payload-is ", &["hex", "base64", "cbor", "msgpack"]),
            ("mqpub -r --on-bad-line ", &["stop", "skip"]),
            ("mqpub --speed ", &["max"]),
            ("mqpub --retry ", &["forever"]),
            ("mqpub --tls-version ", &["tlsv1.2", "tlsv1.3"]),
            ("mqpub --color ", &["auto", "always", "never"]),
            ("mqpub --progress=a", &["auto", "always"]),
            ("mqpub --keyform ", &["pem"]),
            (
                "mqpub --generate ",
                &["man", "bash", "zsh", "fish", "powershell", "elvish"],
            ),
        ],
    );
}

#[test]
fn files_and_folders_are_completed() {
    assert_offers(
        "mqpub",
        &[
            ("mqpub -f ", &["album", "picture.jpg"]),
            ("mqpub --file pic", &["picture.jpg"]),
            ("mqpub --replay=pic", &["picture.jpg"]),
            ("mqpub --cafile pic", &["picture.jpg"]),
            ("mqpub -o pic", &["picture.jpg"]),
            ("mqpub --unix pic", &["picture.jpg"]),
            ("mqpub --capath ", &["album"]),
        ],
    );
}

#[test]
fn nothing_is_offered_where_a_shell_knows_nothing() {
    assert_offers(
        "mqpub",
        &[
            ("mqpub -t ", &[]),
            ("mqpub -m ", &[]),
            ("mqpub -x ", &[]),
            ("mqpub -p ", &[]),
            ("mqpub --rate ", &[]),
        ],
    );
}

#[test]
fn options_are_completed_other_than_hidden_ones() {
    assert_offers(
        "mqpub",
        &[
            ("mqpub --payload-", &["--payload-is"]),
            (
                "mqpub -q 1 --will-",
                &[
                    "--will-payload",
                    "--will-qos",
                    "--will-retain",
                    "--will-topic",
                ],
            ),
            ("mqpub --ps", &[]),
            ("mqpub --tls-engine", &[]),
        ],
    );
}

#[test]
fn the_words_of_a_property_are_completed() {
    let packets = [
        "connect",
        "publish",
        "subscribe",
        "unsubscribe",
        "disconnect",
        "will",
    ];
    assert_offers(
        "mqpub",
        &[
            ("mqpub -D ", &packets),
            ("mqpub -t x --property ", &packets),
            ("mqpub -D dis", &["disconnect"]),
            (
                "mqpub -D connect ",
                &[
                    "maximum-packet-size",
                    "receive-maximum",
                    "request-problem-information",
                    "request-response-information",
                    "session-expiry-interval",
                    "topic-alias-maximum",
                    "user-property",
                ],
            ),
            (
                "mqpub -D publish ",
                &[
                    "content-type",
                    "correlation-data",
                    "message-expiry-interval",
                    "payload-format-indicator",
                    "response-topic",
                    "topic-alias",
                    "user-property",
                ],
            ),
            ("mqpub -D publish con", &["content-type"]),
            (
                "mqpub -D subscribe ",
                &["subscription-identifier", "user-property"],
            ),
            ("mqpub --property unsubscribe ", &["user-property"]),
            (
                "mqpub -D disconnect ",
                &["reason-string", "session-expiry-interval", "user-property"],
            ),
            ("mqpub -D will will", &["will-delay-interval"]),
            ("mqpub -D nothing ", &[]),
            ("mqpub -D publish payload-format-indicator ", &["0", "1"]),
            ("mqpub -D publish topic-alias ", &[]),
            ("mqpub -D publish user-property ", &[]),
            ("mqpub -D publish user-property key ", &[]),
        ],
    );
}

#[test]
fn options_behind_a_property_are_completed() {
    assert_offers(
        "mqpub",
        &[
            ("mqpub -D publish topic-alias 3 -q ", &["0", "1", "2"]),
            (
                "mqpub -D publish topic-alias 3 --payload-",
                &["--payload-is"],
            ),
            (
                "mqpub -D publish user-property key value --will-qos ",
                &["0", "1", "2"],
            ),
            (
                "mqpub -D publish topic-alias 3 -D disconnect rea",
                &["reason-string"],
            ),
        ],
    );
}
