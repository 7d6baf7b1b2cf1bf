//! What a TLS handshake showed of the broker, kept for the explanation of a failure.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::Stream;

/// How much of what came first is kept, in bytes: enough for the first line of a text.
const BEGINNING: usize = 200;

/// One connection after the other may be seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    sight: Mutex<Sight>,
    /// Bytes that came over the present connection.
    received: AtomicU64,
}

/// What was seen of one connection so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Sight {
    /// The certificates that the broker sent, its own first.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// The broker asked for the client's certificate.
    pub(super) request: Option<Request>,
    /// The first bytes that came, TLS or not.
    pub(super) beginning: Vec<u8>,
    /// How many bytes had come when the handshake was done, in TLS 1.3.
    done: Option<u64>,
    /// Nothing has come since then.
    pub(super) is_silent_since_handshake: bool,
}

/// A CertificateRequest.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Whose certificates are taken, as DER names; empty when the broker does not say.
    pub(super) authorities: Vec<Vec<u8>>,
    /// A certificate was shown.
    pub(super) is_answered: bool,
}

impl Seen {
    /// A new connection: what was seen of the last one is forgotten.
    pub(super) fn begin(&self) {
        *self.lock() = Sight::default();
        self.received.store(0, Ordering::Relaxed);
    }

    pub(super) fn chain(&self, own: &CertificateDer<'_>, above: &[CertificateDer<'_>]) {
        self.lock().chain = std::iter::once(own)
            .chain(above)
            .map(|certificate| certificate.clone().into_owned())
            .collect();
    }

    pub(super) fn request(&self, request: Request) {
        self.lock().request = Some(request);
    }

    /// A handshake of TLS 1.3 is done: what the broker thinks of the client's certificate is
    /// still to come.
    pub(super) fn done_in_tls13(&self) {
        self.lock().done = Some(self.received.load(Ordering::Relaxed));
    }

    pub(super) fn sight(&self) -> Sight {
        let mut sight = self.lock().clone();
        sight.is_silent_since_handshake = sight.done == Some(self.received.load(Ordering::Relaxed));
        sight
    }

    fn lock(&self) -> MutexGuard<'_, Sight> {
        self.sight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stream below TLS, watched.
pub(super) struct Watched {
    stream: Stream,
    seen: Arc<Seen>,
}

impl Watched {
    pub(super) fn new(stream: Stream, seen: Arc<Seen>) -> Self {
        Self { stream, seen }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.stream.as_mut().poll_read(cx, buffer))?;
        let new = buffer.filled().get(before..).unwrap_or_default();
        let length = u64::try_from(new.len()).unwrap_or(u64::MAX);
        let earlier = self.seen.received.fetch_add(length, Ordering::Relaxed);
        if earlier < BEGINNING as u64 {
            let mut sight = self.seen.lock();
            let room = BEGINNING.saturating_sub(sight.beginning.len());
            sight.beginning.extend(new.iter().take(room));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(cx)
    }
}
