//! The stream of bytes over frames, against scripts of bytes.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(work)
}

/// A WebSocket whose other side is at the test's hand.
fn pair(room: usize) -> (WebSocket, DuplexStream) {
    let (near, far) = duplex(room);
    (WebSocket::new(Box::pin(near), &[]), far)
}

/// A server's frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(u8::try_from(length).unwrap()),
        length @ 126..=0xffff => {
            frame.push(126);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend(u64::try_from(length).unwrap().to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

const BINARY: u8 = 0x82;
const PING: u8 = 0x89;
const CLOSE: u8 = 0x88;

/// Reads one frame of the client, unmasked: its first byte and its payload.
async fn read_frame(far: &mut DuplexStream) -> (u8, Vec<u8>) {
    let first = far.read_u8().await.unwrap();
    let second = far.read_u8().await.unwrap();
    assert_ne!(second & 0x80, 0, "a client masks");
    let length = match second & 0x7f {
        126 => far.read_u16().await.unwrap().into(),
        127 => far.read_u64().await.unwrap(),
        length => length.into(),
    };
    let mut key = [0; 4];
    far.read_exact(&mut key).await.unwrap();
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    far.read_exact(&mut payload).await.unwrap();
    for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
    (first, payload)
}

/// What the client reads when the server sends these bytes and leaves.
fn received(bytes: &[u8]) -> Result<Vec<u8>, (Vec<u8>, String)> {
    block_on(async {
        let (mut socket, mut far) = pair(1 << 20);
        far.write_all(bytes).await.unwrap();
        far.shutdown().await.unwrap();
        let mut got = Vec::new();
        match socket.read_to_end(&mut got).await {
            Ok(_) => Ok(got),
            Err(why) => Err((got, why.to_string())),
        }
    })
}

#[test]
fn payload_of_all_frames_is_one_stream() {
    let long = vec![7; 70_000];
    for (frames, expected) in [
        (
            vec![frame(BINARY, b"abc"), frame(BINARY, b"")],
            b"abc".to_vec(),
        ),
        (
            vec![
                frame(0x02, b"a"),
                frame(0x00, b"b"),
                frame(0x80, b"c"),
                frame(BINARY, b"d"),
            ],
            b"abcd".to_vec(),
        ),
        (
            vec![
                frame(0x02, b"a"),
                frame(PING, b"?"),
                frame(0x8a, b"!"),
                frame(0x80, b"b"),
            ],
            b"ab".to_vec(),
        ),
        (
            vec![frame(BINARY, &long[..200]), frame(BINARY, &long)],
            vec![7; 70_200],
        ),
        (
            vec![frame(BINARY, b"a"), frame(CLOSE, &[]), frame(BINARY, b"b")],
            b"a".to_vec(),
        ),
        (
            vec![frame(BINARY, b"a"), frame(CLOSE, &[3, 0xe9, b'x'])],
            b"a".to_vec(),
        ),
        (vec![frame(BINARY, b"a"), frame(CLOSE, &[3])], b"a".to_vec()),
        // Cut anywhere, it is the end.
        (vec![frame(BINARY, b"abc")[..4].to_vec()], b"ab".to_vec()),
        (vec![frame(BINARY, b"abc"), vec![0x82]], b"abc".to_vec()),
    ] {
        assert_eq!(received(&frames.concat()).unwrap(), expected);
    }
}

#[test]
fn what_is_wrong_is_said_after_what_came_before() {
    let announced = [&[BINARY, 127][..], &u64::MAX.to_be_bytes(), b"ab"].concat();
    for (bytes, why) in [
        (frame(0x81, b"text"), "text frame"),
        (frame(0x01, b"text"), "text frame"),
        (frame(0x80, b"x"), "out of order"),
        (
            [frame(0x02, b""), frame(BINARY, b"")].concat(),
            "out of order",
        ),
        (frame(0xc2, b"x"), "extension"),
        (vec![BINARY, 0x81, 1, 2, 3, 4, 5], "not masked"),
        (frame(0x83, b"x"), "protocol"),
        (frame(0x8b, b"x"), "protocol"),
        (frame(PING, &[0; 126]), "control frame"),
        (frame(0x09, b"x"), "control frame"),
        (frame(CLOSE, &[3, 0xea]), "1002 (protocol error)"),
        (
            frame(CLOSE, b"\x03\xf0go\x1b[31m"),
            "1008 (policy violation): \"go\\u{1b}[31m\"",
        ),
        (frame(CLOSE, &[0x0f, 0xa0]), "code 4000"),
    ] {
        let (got, said) = received(&[frame(BINARY, b"before"), bytes].concat()).unwrap_err();
        assert_eq!(got, b"before");
        assert!(said.contains(why), "{said}");
        assert!(!said.contains('\x1b'), "{said}");
    }
    // However much is announced, only what comes is held.
    assert_eq!(received(&announced).unwrap(), b"ab");
}

#[test]
fn writes_become_masked_binary_frames() {
    block_on(async {
        let (mut socket, mut far) = pair(64);
        let sent: Vec<u8> = (0..=255).cycle().take(3 * MAX_FRAME + 5).collect();
        let reader = async {
            let mut got = Vec::new();
            while got.len() < sent.len() {
                let (first, payload) = read_frame(&mut far).await;
                assert_eq!(first, BINARY);
                assert!(payload.len() <= MAX_FRAME);
                got.extend(payload);
            }
            assert!(got == sent);
            assert_eq!(read_frame(&mut far).await, (CLOSE, vec![3, 0xe8]));
            assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
        };
        let writer = async {
            socket.write_all(&sent).await.unwrap();
            socket.shutdown().await.unwrap();
            assert!(socket.write_all(b"late").await.is_err());
        };
        tokio::join!(reader, writer);
    });
}

#[test]
fn several_pieces_go_out_in_one_frame() {
    block_on(async {
        let (mut socket, mut far) = pair(1024);
        let pieces = [
            IoSlice::new(b"head"),
            IoSlice::new(b""),
            IoSlice::new(b"body!"),
        ];
        assert_eq!(socket.write_vectored(&pieces).await.unwrap(), 9);
        socket.flush().await.unwrap();
        assert_eq!(read_frame(&mut far).await, (BINARY, b"headbody!".to_vec()));
    });
}

#[test]
fn the_last_ping_and_the_close_are_answered_by_reading_alone() {
    block_on(async {
        let (mut socket, mut far) = pair(1024);
        let frames = [frame(PING, b"1"), frame(PING, b"2"), frame(BINARY, b"a")];
        far.write_all(&frames.concat()).await.unwrap();
        let mut byte = [0];
        socket.read_exact(&mut byte).await.unwrap();
        assert_eq!(read_frame(&mut far).await, (0x8a, b"2".to_vec()));
        far.write_all(&frame(CLOSE, &[3, 0xe8])).await.unwrap();
        assert_eq!(socket.read(&mut byte).await.unwrap(), 0);
        assert_eq!(read_frame(&mut far).await, (CLOSE, vec![3, 0xe8]));
    });
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_cut_into_frames_and_reads_gives_the_same_bytes(
            pieces in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..300), any::<bool>()), 0..20),
            step in 1..50_usize,
        ) {
            let mut bytes = Vec::new();
            let mut expected = Vec::new();
            for (payload, is_pinged) in pieces {
                if is_pinged {
                    bytes.extend(frame(PING, b"ping"));
                }
                bytes.extend(frame(BINARY, &payload));
                expected.extend(payload);
            }
            block_on(async {
                let (mut socket, mut far) = pair(1 << 16);
                let writer = async {
                    for chunk in bytes.chunks(step) {
                        far.write_all(chunk).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                    far.shutdown().await.unwrap();
                    let mut answers = Vec::new();
                    far.read_to_end(&mut answers).await.unwrap();
                };
                let reader = async {
                    let mut got = Vec::<u8>::new();
                    let mut buffer = [0; 17];
                    loop {
                        match socket.read(&mut buffer).await.unwrap() {
                            0 => break,
                            count => got.extend(&buffer[..count]),
                        }
                    }
                    drop(socket);
                    got
                };
                let ((), got) = tokio::join!(writer, reader);
                assert_eq!(got, expected);
            });
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = received(&bytes);
        }
    }
}
