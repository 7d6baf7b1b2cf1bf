//! CONNECT and CONNACK, byte for byte where it matters.

use bytes::Bytes;
use mqtools_common::message::{Qos, Will};
use mqtools_common::property::Properties;
use mqtools_common::protocol::{Accepted, Connect, Event, PublishError};
use mqtools_common::reason::{ReasonCode, Refusal, Version};
use mqtools_common::secret::Secret;
use mqtools_common::topic::TopicName;

use crate::driver::{Driver, EVERY, lasting, publication};
use crate::wire::{self, FromClient};

fn connect_bytes(connect: Connect) -> Vec<u8> {
    let now = std::time::Instant::now();
    let mut session = mqtools_common::protocol::Session::new(connect, 1, None);
    session.open(now).unwrap();
    crate::driver::peek(session.output())
}

/// The Connect Flags: behind the protocol's name and level.
fn flags(connect: &[u8]) -> u8 {
    connect[4 + usize::from(connect[3]) + 1]
}

fn refused(code: u8, words: Option<&str>) -> Event {
    Event::Refused(Refusal {
        code,
        reason_string: words.map(str::to_owned),
    })
}

#[test]
fn the_plainest_connect() {
    let connect = Connect {
        keep_alive: 0x0102,
        ..Connect::default()
    };
    assert_eq!(
        connect_bytes(connect.clone()),
        b"\x10\x0C\x00\x04MQTT\x04\x02\x01\x02\x00\x00"
    );
    assert_eq!(
        connect_bytes(Connect {
            version: Version::V5,
            ..connect.clone()
        }),
        b"\x10\x0D\x00\x04MQTT\x05\x02\x01\x02\x00\x00\x00"
    );
    assert_eq!(
        connect_bytes(Connect {
            version: Version::V31,
            client_id: "me".into(),
            ..connect
        }),
        b"\x10\x10\x00\x06MQIsdp\x03\x02\x01\x02\x00\x02me"
    );
}

#[test]
fn a_password_is_any_bytes() {
    for version in EVERY {
        let bytes = connect_bytes(Connect {
            username: Some("u\u{e9}".into()),
            password: Some(Secret::new(vec![0xFF, 0x00, 0xC3, 0x28])),
            ..lasting(version)
        });
        let end = b"\x00\x04test\x00\x03u\xc3\xa9\x00\x04\xff\x00\xc3\x28";
        assert!(bytes.ends_with(end), "{bytes:02x?}");
        assert_eq!(
            flags(&bytes),
            0xC0,
            "user name and password, no clean start"
        );
        assert_eq!(usize::from(bytes[1]), bytes.len() - 2);
    }
}

#[test]
fn an_empty_user_name_is_there() {
    for version in EVERY {
        let bytes = connect_bytes(Connect {
            username: Some(String::new()),
            ..lasting(version)
        });
        assert!(bytes.ends_with(b"\x00\x04test\x00\x00"), "{bytes:02x?}");
        assert_eq!(flags(&bytes), 0x80);
        assert_eq!(usize::from(bytes[1]), bytes.len() - 2);
    }
}

#[test]
fn an_empty_password_is_there() {
    for version in EVERY {
        let bytes = connect_bytes(Connect {
            username: Some("u".into()),
            password: Some(Secret::new(Vec::new())),
            ..lasting(version)
        });
        assert!(bytes.ends_with(b"\x00\x04test\x00\x01u\x00\x00"));
        assert_eq!(flags(&bytes), 0xC0);
    }
}

#[test]
fn a_password_without_user_name_is_for_mqtt_5() {
    let connect = |version| Connect {
        password: Some(Secret::new(vec![1, 2])),
        ..lasting(version)
    };
    let bytes = connect_bytes(connect(Version::V5));
    assert!(bytes.ends_with(b"\x00\x04test\x00\x02\x01\x02"));
    assert_eq!(flags(&bytes), 0x40);

    let now = std::time::Instant::now();
    let mut session = mqtools_common::protocol::Session::new(connect(Version::V311), 1, None);
    assert!(session.open(now).is_err());
    assert!(session.output().is_empty());
}

#[test]
fn will_and_limits_are_on_the_wire() {
    for version in EVERY {
        let mut driver = Driver::connecting(
            Connect {
                session_expiry: Some(0xFFFF_FFFF),
                receive_maximum: Some(20),
                username: Some("me".into()),
                password: Some(Secret::new(b"pw".to_vec())),
                will: Some(Will {
                    topic: TopicName::new("gone").unwrap(),
                    payload: Bytes::from_static(b"\x00\xFF"),
                    qos: Qos::ExactlyOnce,
                    retain: true,
                    properties: Properties::default(),
                }),
                ..lasting(version)
            },
            1,
        );
        driver.session.lost();
        driver.session.open(driver.now).unwrap();
        let sent = driver.sent();
        let [FromClient::Connect(connect)] = &sent[..] else {
            panic!("{sent:?}");
        };
        assert_eq!(connect.flags, 0x80 | 0x40 | 0x20 | 0x10 | 0x04);
        assert_eq!(connect.keep_alive, 60);
        assert_eq!(connect.client_id, "test");
        assert_eq!(connect.rest, [&b"gone"[..], b"\x00\xFF", b"me", b"pw"]);
        let properties: &[u8] = match version {
            Version::V31 | Version::V311 => &[],
            Version::V5 => &[0x11, 0xFF, 0xFF, 0xFF, 0xFF, 0x21, 0, 20],
        };
        assert_eq!(connect.properties, properties);
    }
}

#[test]
fn a_field_over_65535_bytes_is_an_error_and_sends_nothing() {
    let long = "x".repeat(65_536);
    let will = Will {
        topic: TopicName::new("gone").unwrap(),
        payload: Bytes::from(long.clone()),
        qos: Qos::AtMostOnce,
        retain: false,
        properties: Properties::default(),
    };
    for version in EVERY {
        for connect in [
            Connect {
                client_id: long.clone(),
                ..lasting(version)
            },
            Connect {
                username: Some(long.clone()),
                ..lasting(version)
            },
            Connect {
                username: Some("u".into()),
                password: Some(Secret::from(long.clone())),
                ..lasting(version)
            },
            Connect {
                will: Some(will.clone()),
                ..lasting(version)
            },
        ] {
            let now = std::time::Instant::now();
            let mut session = mqtools_common::protocol::Session::new(connect, 1, None);
            let error = session.open(now).unwrap_err().to_string();
            assert!(error.contains("65536 bytes"), "{error}");
            assert!(session.output().is_empty());
        }
    }
}

#[test]
fn debug_output_does_not_show_the_password() {
    let mut session = mqtools_common::protocol::Session::new(
        Connect {
            username: Some("me".into()),
            password: Some(Secret::from("hunter2".to_owned())),
            ..lasting(Version::V311)
        },
        1,
        None,
    );
    session.open(std::time::Instant::now()).unwrap();
    assert!(!session.output().is_empty());
    assert!(!format!("{session:?}").contains("hunter2"));
}

#[test]
fn connack_accepts() {
    for version in EVERY {
        let mut driver = Driver::connecting(lasting(version), 1);
        assert!(!driver.session.is_online());
        let accepted = driver.accept(true, &[]);
        let expected = Accepted {
            session_present: true,
            ..Accepted::default()
        };
        assert_eq!(accepted, expected);
        assert!(driver.session.is_online());
    }
}

#[test]
fn a_session_after_a_clean_start_is_a_protocol_error() {
    let clean = |version| Connect {
        clean_start: true,
        ..lasting(version)
    };
    for version in [Version::V311, Version::V5] {
        let mut driver = Driver::connecting(clean(version), 1);
        let why = driver.refuses(&wire::connack(version, true, 0, &[]));
        assert!(why.contains("after a clean start"), "{why}");
        assert_eq!(driver.events(), []);
        assert!(!driver.session.is_online());
    }
    // MQTT 3.1 has a reserved byte in the flag's place.
    let mut driver = Driver::connecting(clean(Version::V31), 1);
    assert!(!driver.accept(true, &[]).session_present);
}

#[test]
fn every_return_code_of_3_1_1_refuses() {
    for code in 1..=255 {
        let mut driver = Driver::connecting(Connect::default(), 1);
        driver.feed(&[0x20, 2, 0, code]);
        assert_eq!(driver.events(), [refused(code, None)]);
        assert!(!driver.session.is_online());
        assert_eq!(
            driver.session.publish(&publication(Qos::AtMostOnce, "x")),
            Err(PublishError::NotConnected)
        );
    }
}

#[test]
fn every_reason_code_of_mqtt_5_refuses_with_or_without_words() {
    let mut words = vec![0x1F];
    words.extend(wire::field("go away".as_bytes()));
    for code in 1..=255 {
        for (properties, expected) in [(&[][..], None), (&words, Some("go away"))] {
            let mut driver = Driver::connecting(lasting(Version::V5), 1);
            driver.feed(&wire::connack(Version::V5, false, code, properties));
            assert_eq!(driver.events(), [refused(code, expected)]);
        }
    }
}

#[test]
fn a_broker_without_mqtt_5_refuses_with_two_bytes() {
    for code in [1, 0x84] {
        let mut driver = Driver::connecting(lasting(Version::V5), 1);
        driver.feed(&[0x20, 2, 0, code]);
        assert_eq!(driver.events(), [refused(code, None)]);
    }
}

#[test]
fn connack_sets_the_limits() {
    let mut properties = vec![0x11, 0, 0, 0, 9, 0x21, 0, 3, 0x24, 1, 0x25, 0];
    properties.extend([0x27, 0, 0, 0, 30, 0x22, 0, 5, 0x13, 0, 7]);
    properties.push(0x12);
    properties.extend(wire::field(b"given"));
    properties.push(0x26);
    properties.extend(wire::field(b"key"));
    properties.extend(wire::field(b"value"));
    properties.extend([0x28, 1, 0x29, 1, 0x2A, 0]);
    let mut driver = Driver::connecting(lasting(Version::V5), 100);
    let accepted = driver.accept(false, &properties);
    assert_eq!(
        accepted,
        Accepted {
            session_present: false,
            assigned_client_id: Some("given".into()),
            server_keep_alive: Some(7),
            receive_maximum: 3,
            maximum_packet_size: 30,
            maximum_qos: Qos::AtLeastOnce,
            retain_available: false,
            topic_alias_maximum: 5,
            response_information: None,
            reason_string: None,
        }
    );

    let publish = |driver: &mut Driver, qos, payload: &str, retain| {
        let mut message = publication(qos, payload);
        message.retain = retain;
        driver.session.publish(&message)
    };
    assert_eq!(
        publish(&mut driver, Qos::ExactlyOnce, "x", false),
        Err(PublishError::QosNotSupported {
            maximum: Qos::AtLeastOnce
        })
    );
    assert_eq!(
        publish(&mut driver, Qos::AtMostOnce, "x", true),
        Err(PublishError::RetainNotSupported)
    );
    // Fixed header 2, topic 3, Packet Identifier 2, properties 1: 22 bytes are left.
    assert_eq!(
        publish(&mut driver, Qos::AtLeastOnce, &"x".repeat(23), false),
        Err(PublishError::OverBrokerMaximum {
            size: 31,
            maximum: 30
        })
    );
    assert_eq!(driver.sent_bytes(), b"");
    assert!(publish(&mut driver, Qos::AtLeastOnce, &"x".repeat(22), false).is_ok());
    assert_eq!(driver.sent_bytes().len(), 30);
    assert!(publish(&mut driver, Qos::AtLeastOnce, "x", false).is_ok());
    assert!(publish(&mut driver, Qos::AtLeastOnce, "x", false).is_ok());
    assert_eq!(
        publish(&mut driver, Qos::AtLeastOnce, "x", false),
        Err(PublishError::WindowFull)
    );

    // The identifier the broker gave is asked for again.
    driver.session.lost();
    driver.session.open(driver.now).unwrap();
    let FromClient::Connect(connect) = driver.sent().remove(0) else {
        panic!("no CONNECT");
    };
    assert_eq!(connect.client_id, "given");
}

#[test]
fn a_limit_out_of_range_is_malformed() {
    for properties in [
        &[0x21, 0, 0][..],
        &[0x27, 0, 0, 0, 0],
        &[0x24, 2],
        &[0x25, 2],
    ] {
        let mut driver = Driver::connecting(lasting(Version::V5), 1);
        let why = driver.refuses(&wire::connack(Version::V5, false, 0, properties));
        assert!(why.contains("out of range"), "{why}");
    }
}

#[test]
fn a_second_connack_is_a_protocol_error() {
    for version in EVERY {
        for code in [0, 5, 0x87] {
            let mut driver = Driver::online(version);
            let why = driver.refuses(&wire::connack(version, false, code, &[]));
            assert!(why.contains("a second CONNACK"), "{why}");
        }
    }
}

#[test]
fn a_packet_before_connack_is_a_protocol_error() {
    for version in EVERY {
        for packet in [
            wire::publish(version, (false, 0), "t", 0, b"x"),
            wire::ack(wire::PUBACK, 1),
            vec![0xD0, 0],
            wire::codes(version, 0x90, 1, &[0]),
        ] {
            let mut driver = Driver::connecting(lasting(version), 1);
            let why = driver.refuses(&packet);
            assert!(why.contains("before CONNACK"), "{why}");
            assert_eq!(driver.events(), []);
        }
    }
}

#[test]
fn nothing_is_taken_before_the_broker_accepted_or_after_good_bye() {
    for version in EVERY {
        let mut driver = Driver::connecting(lasting(version), 1);
        let message = publication(Qos::AtLeastOnce, "x");
        assert_eq!(
            driver.session.publish(&message),
            Err(PublishError::NotConnected)
        );
        driver.accept(false, &[]);
        driver.session.disconnect(ReasonCode::SUCCESS);
        assert_eq!(driver.sent_bytes(), [0xE0, 0]);
        assert_eq!(
            driver.session.publish(&message),
            Err(PublishError::NotConnected)
        );
        assert!(!driver.session.has_room());
        driver.session.disconnect(ReasonCode::SUCCESS);
        assert_eq!(driver.sent_bytes(), b"");
    }
}

#[test]
fn good_bye_can_ask_for_the_will_in_mqtt_5() {
    for (version, expected) in [
        (Version::V31, &[0xE0, 0][..]),
        (Version::V311, &[0xE0, 0]),
        (Version::V5, &[0xE0, 1, 4]),
    ] {
        let mut driver = Driver::connecting(lasting(version), 1);
        driver.accept(false, &[]);
        driver.session.disconnect(ReasonCode::WITH_WILL);
        assert_eq!(driver.sent_bytes(), expected);
    }
}
