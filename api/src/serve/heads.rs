//! Heads of HTTP/1.1 that two readers could take for different requests are not let through: what a proxy in front of us
//! takes for the body of one request must not be another request to us (RFC 9112 11.2, "request smuggling").
//!
//! Refused are a line that ends otherwise than in CRLF, a second `Content-Length`, and one beside `Transfer-Encoding`.
//! The rest the parser behind refuses: folded lines, unknown encodings, lengths that are none. HTTP/2 has no such heads.

use std::{
    io::{self, IoSlice},
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much of a line is looked at; a name and a length are shorter.
const KEPT_BYTES_MAX: usize = 128;
/// In place of a byte that ends a line: no head may have it, so that the parser answers 400 and closes.
const NO_HEAD_HAS: u8 = 0;
const PREFACE_OF_HTTP_2: &[u8] = b"PRI * HTTP/2.0\r";

/// A stream whose heads are strict.
pub(super) struct Strict<S> {
    stream: S,
    scan: Scan,
}

impl<S> Strict<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, scan: Scan::Head(Head { first: true, ..Head::default() }) }
    }
}

/// Where in the stream of requests it is.
#[derive(Debug)]
enum Scan {
    Head(Head),
    /// So many bytes of a body are to come.
    Body(u64),
    /// Nothing more is looked at: HTTP/2, or a body in chunks, after which the connection is closed.
    Through,
    Refused,
}

/// The head that is being read.
#[derive(Debug, Default)]
struct Head {
    /// Whether it is the first of its connection.
    first: bool,
    lines: u32,
    /// The beginning of the current line.
    kept: Vec<u8>,
    last: Option<u8>,
    content_length: Option<u64>,
    is_chunked: bool,
}

/// A head that is not taken.
#[derive(Debug)]
struct Ambiguous;

impl Scan {
    /// Looks at what came. Of an ambiguous head it is how many of the bytes may be passed on, the last of them spoilt.
    fn look(&mut self, bytes: &mut [u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            match self {
                Scan::Through | Scan::Refused => return None,
                Scan::Body(left) => {
                    let passed = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= passed as u64;
                    at += passed;
                    if *left == 0 {
                        *self = Scan::Head(Head::default());
                    }
                }
                Scan::Head(head) => {
                    let end = rest.iter().position(|byte| *byte == b'\n');
                    head.keep(&rest[..end.unwrap_or(rest.len())]);
                    at += end? + 1;
                    match head.end_line() {
                        Ok(None) => {}
                        Ok(Some(next)) => *self = next,
                        Err(Ambiguous) => {
                            bytes[at - 1] = NO_HEAD_HAS;
                            *self = Scan::Refused;
                            return Some(at);
                        }
                    }
                }
            }
        }
        None
    }
}

impl Head {
    fn keep(&mut self, bytes: &[u8]) {
        let room = KEPT_BYTES_MAX - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.last = bytes.last().copied().or(self.last);
    }

    /// What comes after the line that ends here; `None` for more of this head.
    fn end_line(&mut self) -> Result<Option<Scan>, Ambiguous> {
        if self.last.take() != Some(b'\r') {
            return Err(Ambiguous);
        }
        let mut line = mem::take(&mut self.kept);
        if line == b"\r" {
            // Empty lines before a request are nothing (RFC 9112 2.2).
            return Ok((self.lines > 0).then(|| self.end()));
        }
        if mem::take(&mut self.first) && line == PREFACE_OF_HTTP_2 {
            return Ok(Some(Scan::Through));
        }
        self.lines += 1;
        self.field(&line)?;
        line.clear();
        self.kept = line;
        Ok(None)
    }

    fn field(&mut self, line: &[u8]) -> Result<(), Ambiguous> {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return Ok(()) };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        self.is_chunked |= name.eq_ignore_ascii_case(b"transfer-encoding");
        if name.eq_ignore_ascii_case(b"content-length") {
            let text = value.trim_ascii();
            let digits =
                text.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(text).ok()).flatten();
            let length = digits.and_then(|digits| digits.parse().ok()).ok_or(Ambiguous)?;
            if self.content_length.replace(length).is_some() {
                return Err(Ambiguous);
            }
        }
        if self.is_chunked && self.content_length.is_some() { Err(Ambiguous) } else { Ok(()) }
    }

    fn end(&self) -> Scan {
        match self.content_length {
            _ if self.is_chunked => Scan::Through,
            Some(length) if length > 0 => Scan::Body(length),
            _ => Scan::Head(Head::default()),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Strict<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if matches!(this.scan, Scan::Refused) {
            // As if nothing more came: what does is not ours to read.
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        if let Some(passed) = this.scan.look(&mut buffer.filled_mut()[before..]) {
            buffer.set_filled(before + passed);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Strict<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is passed on of a stream that comes in two pieces.
    fn passed(stream: &[u8], split: usize) -> Vec<u8> {
        let mut scan = Scan::Head(Head { first: true, ..Head::default() });
        let mut passed = Vec::new();
        for piece in [&stream[..split], &stream[split..]] {
            let mut piece = piece.to_vec();
            if !matches!(scan, Scan::Refused) {
                let length = scan.look(&mut piece).unwrap_or(piece.len());
                passed.extend_from_slice(&piece[..length]);
            }
        }
        passed
    }

    #[test]
    fn requests_that_are_clear_pass_as_they_are() {
        let clear: [&[u8]; 6] = [
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
            b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n\n\n\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length:  0 \r\n\r\nGET / HTTP/1.1\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\n\n\n\n\r\n0\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\n\nContent-Length: a\n\n",
        ];
        for stream in clear {
            for split in 0..=stream.len() {
                assert!(passed(stream, split) == stream, "{} at {split}", stream.escape_ascii());
            }
        }
    }

    #[test]
    fn an_ambiguous_head_is_spoilt_before_it_ends_however_it_comes() {
        let ambiguous = [
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", 15),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", 24),
            ("GET / HTTP/1.1\r\nHost: a\r\n\n", 26),
            ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 55),
            ("POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", 39),
            ("POST / HTTP/1.1\r\nContent-Length: +1\r\nA: b\r\n\r\n", 37),
            ("POST / HTTP/1.1\r\ncontent-length: 1\r\nTRANSFER-ENCODING: chunked\r\n\r\n", 64),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: x\r\nContent-Length: 1\r\n\r\n", 58),
            ("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n\r\nGET / HTTP/1.1\n\r\n", 55),
        ];
        for (stream, spoilt) in ambiguous {
            let stream = stream.as_bytes();
            for split in 0..=stream.len() {
                let passed = passed(stream, split);
                let at = passed.iter().position(|byte| *byte == NO_HEAD_HAS);
                assert_eq!(at, Some(passed.len() - 1), "{} at {split}", stream.escape_ascii());
                assert_eq!(passed.len(), spoilt, "{} at {split}", stream.escape_ascii());
            }
        }
    }
}
