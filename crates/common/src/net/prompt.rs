//! A TCP connection that acknowledges at once what nothing of ours will answer soon.
//!
//! A broker that leaves Nagle's algorithm on, as mosquitto does, holds its next small packet back until
//! the one before is acknowledged, and the kernel waits up to 40 ms for an answer that could carry the
//! acknowledgement.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

pub(super) struct Prompt {
    stream: TcpStream,
    /// Something was read, and nothing written since.
    is_unanswered: bool,
}

impl Prompt {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            is_unanswered: false,
        }
    }

    pub(super) fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }

    fn inner(self: Pin<&mut Self>) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.get_mut().stream)
    }

    fn acknowledge(&mut self) {
        if std::mem::take(&mut self.is_unanswered) {
            // An error changes nothing but the time.
            #[cfg(any(target_os = "linux", target_os = "android"))]
            let _ = rustix::net::sockopt::set_tcp_quickack(&self.stream, true);
        }
    }
}

impl AsyncRead for Prompt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.as_mut().inner().poll_read(cx, buffer);
        match read {
            Poll::Ready(_) => self.is_unanswered = true,
            // The caller has seen everything, and written what it had to say.
            Poll::Pending => self.acknowledge(),
        }
        read
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.is_unanswered = false;
        self.inner().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.is_unanswered = false;
        self.inner().poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(cx)
    }
}

#[cfg(test)]
#[cfg(any(target_os = "linux", target_os = "android"))]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use rustix::net::sockopt::{set_tcp_quickack, tcp_quickack};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Reads a byte and answers it; whether the kernel acknowledges at once, before it is clear that
    /// there is nothing more to read, and then.
    async fn read(stream: &mut Prompt, answer: &[u8]) -> (bool, bool) {
        // As it is where each side answers the other.
        set_tcp_quickack(&stream.stream, false).unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'?');
        stream.write_all(answer).await.unwrap();
        let before = tcp_quickack(&stream.stream).unwrap();
        let mut rest = [0];
        tokio::select! {
            biased;
            _ = stream.read(&mut rest) => panic!("more than was sent"),
            () = std::future::ready(()) => {}
        }
        (before, tcp_quickack(&stream.stream).unwrap())
    }

    #[tokio::test]
    async fn what_has_no_answer_is_acknowledged_at_once() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let mut stream = Prompt::new(stream);
        for (answer, is_prompt) in [(&b""[..], true), (b"!", false), (b"", true)] {
            io::Write::write_all(&mut peer, b"?").unwrap();
            assert_eq!(read(&mut stream, answer).await, (false, is_prompt));
        }
    }
}
