//! A stream that ends after each of its bytes: a message is not delivered before its exchange is over.

use harness::fake_broker::encode;
use harness::{Conn, FakeBroker, together};

use crate::support::{VERSIONS, complaint, part, publisher};

const EARLY: &str = "the broker closed the connection before it answered the CONNECT";
const UNKNOWN: &str = "of 1 message sent, 0 were acknowledged, 0 refused, 1 is unknown";

/// Sends the first `left` bytes of a whole exchange and closes. All that the client answers is read
/// before, so that it sees the end and no reset.
fn converse(conn: &mut Conn, mut left: usize) -> Option<()> {
    let left = &mut left;
    let mut whole = |conn: &mut Conn, bytes: &[u8]| conn.send_part(bytes, left).then_some(());
    let is_v5 = conn.expect_connect().level == 5;
    let body = &[0, 0, 0][..if is_v5 { 3 } else { 2 }];
    whole(conn, &encode::packet(0x20, body))?;
    let publish = conn.expect_publish();
    let id = publish.packet_id.unwrap().to_be_bytes();
    if publish.qos == 1 {
        whole(conn, &encode::packet(0x40, &id))?;
    } else {
        whole(conn, &encode::packet(0x50, &id))?;
        assert_eq!(conn.expect_pubrel().to_be_bytes(), id);
        whole(conn, &encode::packet(0x70, &id))?;
    }
    part(conn);
    Some(())
}

#[test]
fn after_each_byte_the_loss_is_told() {
    let kinds = VERSIONS.map(|version| [1, 2].map(|qos| (version, qos)));
    together(kinds.as_flattened(), |(version, qos)| {
        let broker = FakeBroker::start(|mut conn| {
            let after = conn.number();
            converse(&mut conn, after);
            conn.close();
        });
        let address = format!("127.0.0.1:{}", broker.port());
        let refused = format!("{address} did not accept the connection");
        let lost = format!("the connection to {address} was lost");
        let connack = if *version == "mqttv5" { 5 } else { 4 };
        let last = connack + 4 * qos;
        for after in 0..=last {
            let output = publisher(&broker)
                .args(["-V", version, "-q", &qos.to_string(), "-m", "text"])
                .run();
            let what = format!("{version}, -q {qos}, after {after} bytes");
            if after == last {
                let output = output.assert_success();
                assert!(output.stderr.is_empty(), "{what}: {output}");
                continue;
            }
            let (code, error, cause, note) = if after < connack {
                (5, &refused, EARLY, "")
            } else {
                (7, &lost, "the broker closed the connection", UNKNOWN)
            };
            let said = complaint(output, code);
            assert_eq!(
                (&said.error, said.cause.as_str(), said.note.as_str()),
                (error, cause, note),
                "{what}"
            );
        }
        broker.finish();
    });
}
