//! The lines of standard input or of a file: cut here, read where that is best.

mod collector;
mod here;
mod thread;

use std::fs::File;
use std::io;

use bytes::Bytes;
use mqtools_common::report::Report;

use self::collector::CHUNK;
use self::here::Here;
use self::thread::Thread;
use super::Cut;

/// Gives lines one by one, each as soon as it is there: the last one counts even without a newline,
/// and a line may hold any byte but that.
#[derive(Debug)]
pub(crate) struct Lines {
    /// Whole lines, not published yet.
    chunk: Bytes,
    /// How long it was, in bytes.
    length: usize,
    end: Cut,
    reader: Reader,
}

/// Who reads. No more than one chunk is ever ahead, and that is as long as the longest line in it.
#[derive(Debug)]
enum Reader {
    Here(Here),
    Thread(Thread),
}

impl Lines {
    pub(super) fn of_stdin(end: Cut) -> Result<Self, Report> {
        Ok(Self::new(
            end,
            match Here::new(io::stdin(), end) {
                Some(here) => Reader::Here(here),
                None => Reader::Thread(Thread::start(end, || io::stdin().lock())?),
            },
        ))
    }

    pub(super) fn of_file(file: File, end: Cut) -> Result<Self, Report> {
        Ok(Self::new(
            end,
            match Here::new(&file, end) {
                Some(here) => Reader::Here(here),
                None => Reader::Thread(Thread::start(end, || file)?),
            },
        ))
    }

    fn new(end: Cut, reader: Reader) -> Self {
        Self {
            chunk: Bytes::new(),
            length: 0,
            end,
            reader,
        }
    }

    /// Reads no more; what was read is still given, apart from a line without its end.
    pub(super) fn stop(&mut self) {
        match &mut self.reader {
            Reader::Here(here) => here.stop(),
            Reader::Thread(thread) => thread.stop(),
        }
    }

    /// The next line; none at the end. Safe to drop and to call again.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Report> {
        if let Some(line) = self.cut() {
            return Ok(Some(line));
        }
        let chunk = match &mut self.reader {
            Reader::Here(here) => here.next().await?,
            Reader::Thread(thread) => thread.next().await?,
        };
        self.chunk = chunk.unwrap_or_default();
        self.length = self.chunk.len();
        Ok(self.cut())
    }

    /// Counts what was read and not given, and does not give it any more.
    pub(super) fn left_over(&mut self) -> u64 {
        let mut count = 0;
        loop {
            while self.cut().is_some() {
                count += 1;
            }
            self.chunk = match &mut self.reader {
                // What it has read is here.
                Reader::Here(_) => return count,
                Reader::Thread(thread) => match thread.ready() {
                    Some(chunk) => chunk,
                    None => return count,
                },
            };
        }
    }

    /// Whether lines were read and not given yet.
    pub(super) fn is_stocked(&self) -> bool {
        !self.chunk.is_empty()
    }

    /// Whether the last read brought about as much as one can: there is likely to be more.
    pub(super) fn is_plentiful(&self) -> bool {
        self.length >= CHUNK / 2
    }

    /// What was read and not given yet, and what ends each line.
    pub(super) fn chunk(&mut self) -> (&mut Bytes, u8) {
        (&mut self.chunk, self.end.0)
    }

    /// The next line, if it was read.
    #[inline]
    pub(super) fn cut(&mut self) -> Option<Bytes> {
        if self.chunk.is_empty() {
            return None;
        }
        match memchr::memchr(self.end.0, &self.chunk) {
            Some(end) => {
                let mut line = self.chunk.split_to(end + 1);
                line.truncate(end);
                Some(line)
            }
            None => Some(std::mem::take(&mut self.chunk)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek as _, Write as _};
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::net::UnixStream;
    use std::process::Command;
    use std::thread;

    use rustix::fs::{OFlags, fcntl_getfl};
    use tempfile::TempDir;
    use tokio::runtime::Runtime;
    use tokio::task::yield_now;

    use super::*;

    const NEWLINE: Cut = Cut(b'\n');

    /// Gives its pieces one read at a time, as far as there is room.
    struct Pieces(Vec<Vec<u8>>);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let count = self.0[0].as_slice().read(buffer)?;
            self.0[0].drain(..count);
            self.0.retain(|piece| !piece.is_empty());
            Ok(count)
        }
    }

    fn runtime() -> Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    }

    fn here(input: impl AsFd, end: Cut) -> Lines {
        Lines::new(end, Reader::Here(Here::new(input, end).unwrap()))
    }

    /// All lines, asked for by somebody who loses patience again and again.
    async fn rest(lines: &mut Lines) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            tokio::select! {
                biased;
                line = lines.next() => match line.unwrap() {
                    Some(line) => all.push(line.to_vec()),
                    None => return all,
                },
                () = std::future::ready(()) => yield_now().await,
            }
        }
    }

    /// Whether there is nothing to give, however often one asks.
    async fn waits(lines: &mut Lines) -> bool {
        for _ in 0..100 {
            tokio::select! {
                biased;
                _ = lines.next() => return false,
                () = std::future::ready(()) => yield_now().await,
            }
        }
        true
    }

    fn by_thread(pieces: &[&[u8]], end: Cut) -> Vec<Vec<u8>> {
        let pieces = Pieces(pieces.iter().map(|piece| piece.to_vec()).collect());
        let thread = Thread::start(end, || pieces).unwrap();
        let mut lines = Lines::new(end, Reader::Thread(thread));
        runtime().block_on(rest(&mut lines))
    }

    fn by_pipe(pieces: &[&[u8]], end: Cut) -> Vec<Vec<u8>> {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut lines = here(&reader, end);
        thread::scope(|scope| {
            scope.spawn(move || {
                for piece in pieces {
                    writer.write_all(piece).unwrap();
                    while rustix::io::ioctl_fionread(&reader).unwrap() > 0 {
                        thread::yield_now();
                    }
                }
            });
            runtime().block_on(rest(&mut lines))
        })
    }

    fn file_of(text: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file.rewind().unwrap();
        file
    }

    fn by_file(text: &[u8], end: Cut) -> Vec<Vec<u8>> {
        runtime().block_on(rest(&mut here(file_of(text), end)))
    }

    #[test]
    fn lines_survive_any_cut() {
        for (end, text, expected) in [
            (
                NEWLINE,
                &b"one\n\nt\0wo\r\nthree"[..],
                &[&b"one"[..], b"", b"t\0wo\r", b"three"][..],
            ),
            (Cut(0), b"one\n\0\0two", &[b"one\n", b"", b"two"]),
        ] {
            assert_eq!(by_file(text, end), expected);
            for way in [by_thread, by_pipe] {
                assert_eq!(way(&[text], end), expected);
                for cut in 1..text.len() {
                    assert_eq!(way(&[&text[..cut], &text[cut..]], end), expected);
                }
                let bytewise: Vec<_> = text.chunks(1).collect();
                assert_eq!(way(&bytewise, end), expected);
            }
        }
    }

    #[test]
    fn a_final_newline_starts_no_line() {
        for way in [by_thread, by_pipe] {
            assert_eq!(way(&[b"a\n"], NEWLINE), [b"a"]);
            assert_eq!(way(&[b"\n"], NEWLINE), [b""]);
            assert!(way(&[], NEWLINE).is_empty());
        }
        assert_eq!(by_file(b"a\n", NEWLINE), [b"a"]);
        assert_eq!(by_file(b"\n", NEWLINE), [b""]);
    }

    #[test]
    fn lines_of_all_lengths_are_whole() {
        // Below, at and above each size that a buffer has.
        let lengths = [
            0, 1, 10, 4095, 32_767, 32_768, 65_535, 65_536, 100_000, 200_000, 1, 5,
        ];
        let expected: Vec<_> = lengths
            .iter()
            .zip(b'a'..)
            .map(|(length, letter)| vec![letter; *length])
            .collect();
        let text = expected.join(&b'\n');
        let twice = [&text[..], b"\n", &text].concat();
        let expected = [&expected[..], &expected].concat();
        assert!(by_file(&twice, NEWLINE) == expected);
        for length in [999, 4096, 40_000, 65_536] {
            let pieces: Vec<_> = twice.chunks(length).collect();
            assert!(by_thread(&pieces, NEWLINE) == expected, "{length}");
            assert!(by_pipe(&pieces, NEWLINE) == expected, "{length}");
        }
    }

    #[test]
    fn whoever_shares_the_pipe_still_waits_when_he_reads() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut lines = here(&reader, NEWLINE);
        runtime().block_on(async {
            assert!(waits(&mut lines).await);
            writer.write_all(b"one\n").unwrap();
            assert_eq!(lines.next().await.unwrap().unwrap(), "one");
        });
        let flags = fcntl_getfl(&reader).unwrap();
        assert!(!flags.contains(OFlags::NONBLOCK), "{flags:?}");
    }

    #[test]
    fn what_may_wait_is_read_by_a_thread() {
        let (_reader, writer) = io::pipe().unwrap();
        let (socket, _other) = UnixStream::pair().unwrap();
        let inputs: [OwnedFd; 5] = [
            // A read fails.
            writer.into(),
            socket.into(),
            File::open("/dev/null").unwrap().into(),
            File::open("/").unwrap().into(),
            File::open("/proc/self/status").unwrap().into(),
        ];
        for input in inputs {
            assert!(Here::new(&input, NEWLINE).is_none(), "{input:?}");
        }
        assert!(Here::new(file_of(b"a"), NEWLINE).is_some());
    }

    #[test]
    fn what_was_read_before_the_stop_is_given() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut pipe = here(&reader, NEWLINE);
        let mut file = here(file_of(b"one\ntwo\nhal"), NEWLINE);
        writer.write_all(b"one\ntwo\nhal").unwrap();
        runtime().block_on(async {
            for lines in [&mut pipe, &mut file] {
                assert_eq!(lines.next().await.unwrap().unwrap(), "one");
                lines.stop();
                assert_eq!(rest(lines).await, [b"two"]);
            }
        });
        // Neither is what came later.
        writer.write_all(b"f\nthree\n").unwrap();
        assert!(runtime().block_on(rest(&mut pipe)).is_empty());
    }

    #[test]
    fn what_was_read_and_not_given_is_counted() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut lines = here(&reader, NEWLINE);
        writer.write_all(b"one\ntwo\nthree\nhal").unwrap();
        let first = runtime().block_on(lines.next()).unwrap().unwrap();
        assert_eq!(first, "one");
        assert_eq!(lines.left_over(), 2);
    }

    /// A FIFO, opened to be read, and somebody who may write.
    fn fifo(folder: &TempDir) -> (File, impl Fn() -> File) {
        let path = folder.path().join("fifo");
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        // To open one side waits for the other, and this is both.
        let both = File::options().read(true).write(true).open(&path).unwrap();
        let reader = File::open(&path).unwrap();
        drop(both);
        (reader, move || {
            File::options().write(true).open(&path).unwrap()
        })
    }

    #[test]
    fn a_fifo_whose_writers_have_left_has_ended() {
        let folder = TempDir::new().unwrap();
        let (reader, open) = fifo(&folder);
        let mut lines = here(&reader, NEWLINE);
        assert!(runtime().block_on(rest(&mut lines)).is_empty());
        open().write_all(b"one\ntw").unwrap();
        let mut lines = here(&reader, NEWLINE);
        assert_eq!(runtime().block_on(rest(&mut lines)), [&b"one"[..], b"tw"]);
    }

    #[test]
    fn a_fifo_that_a_writer_leaves_and_another_takes_goes_on() {
        let folder = TempDir::new().unwrap();
        let (reader, open) = fifo(&folder);
        let first = open();
        let mut lines = here(&reader, NEWLINE);
        runtime().block_on(async {
            assert!(waits(&mut lines).await);
            drop(first);
            // The kernel says that nobody writes; nobody has read that yet.
            let Reader::Here(here) = &lines.reader else {
                panic!("a thread reads");
            };
            while !here.is_left() {
                yield_now().await;
            }
            let mut second = open();
            assert!(waits(&mut lines).await);
            // Otherwise it would be asked for ever.
            assert!(matches!(&lines.reader, Reader::Here(here) if !here.is_left()));
            second.write_all(b"one\n").unwrap();
            assert_eq!(lines.next().await.unwrap().unwrap(), "one");
            assert!(waits(&mut lines).await);
            drop(second);
            assert!(rest(&mut lines).await.is_empty());
        });
    }

    #[test]
    fn a_line_that_cannot_be_a_message_is_an_error() {
        let file = tempfile::tempfile().unwrap();
        // Nothing but NUL bytes, which take no room.
        file.set_len(300 * 1024 * 1024).unwrap();
        let mut lines = here(file, NEWLINE);
        let report = runtime().block_on(lines.next()).unwrap_err();
        assert_eq!(report.exit(), mqtools_common::exit::Exit::PAYLOAD_TOO_LARGE);
        assert!(runtime().block_on(rest(&mut lines)).is_empty());
    }
}
