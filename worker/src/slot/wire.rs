//! What goes over the socket between a worker and a render process: a task one way, an answer the other.
//!
//! A message is the length of its head, the length of its body, the head as JSON, the body. The task's body is the
//! bytes that were fetched, the answer's is the record that goes to the cache as it is.

use std::io::{self, IoSlice, Read, Write};

use bytes::Bytes;
use noctis_shared::render::Outcome;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use super::{
    frame_bytes::{FrameBytes, ReadError},
    task::{Answer, RenderTask},
};

/// Longest head: of a plane through some thousand slices, each with its place and its file.
const HEAD_BYTES_MAX: u32 = 4 << 20;
/// Longest body: a frame or a picture, both bounded elsewhere to less.
const BODY_BYTES_MAX: u64 = 4 << 30;
const PREFIX_BYTES: usize = 12;

#[derive(Serialize, Deserialize)]
struct TaskHead {
    task: RenderTask,
    /// Lengths of the parts in the body, of each file.
    parts: Vec<Vec<usize>>,
}

#[derive(Serialize, Deserialize)]
enum AnswerHead {
    /// The body is a record.
    Outcome,
    /// Reading failed.
    NotRead(ReadError),
}

fn prefix(head: &[u8], body_byte_count: usize) -> io::Result<[u8; PREFIX_BYTES]> {
    let mut prefix = [0; PREFIX_BYTES];
    prefix[..4].copy_from_slice(&u32::try_from(head.len()).map_err(io::Error::other)?.to_le_bytes());
    prefix[4..].copy_from_slice(&(body_byte_count as u64).to_le_bytes());
    Ok(prefix)
}

fn lengths(prefix: [u8; PREFIX_BYTES]) -> io::Result<(usize, usize)> {
    let [a, b, c, d, rest @ ..] = prefix;
    let (head, body) = (u32::from_le_bytes([a, b, c, d]), u64::from_le_bytes(rest));
    if head > HEAD_BYTES_MAX || body > BODY_BYTES_MAX {
        return Err(io::Error::other("a message is too long"));
    }
    Ok((usize::try_from(head).map_err(io::Error::other)?, usize::try_from(body).map_err(io::Error::other)?))
}

fn parts_of(bytes: &FrameBytes) -> &[Bytes] {
    match bytes {
        FrameBytes::Local(_) => &[],
        FrameBytes::Fetched(parts) => parts,
    }
}

/// Sends a task, in the worker.
pub(super) async fn send_task(socket: &mut UnixStream, task: &RenderTask) -> io::Result<()> {
    let parts = || task.files().flat_map(parts_of);
    let lengths = |bytes| parts_of(bytes).iter().map(Bytes::len).collect();
    let head = TaskHead { task: task.clone(), parts: task.files().map(lengths).collect() };
    let head = serde_json::to_vec(&head)?;
    let body_byte_count = parts().map(Bytes::len).sum();
    let mut start = prefix(&head, body_byte_count)?.to_vec();
    start.extend_from_slice(&head);
    socket.write_all(&start).await?;
    for part in parts() {
        socket.write_all(part).await?;
    }
    Ok(())
}

/// Receives the answer, in the worker. A picture is a view into what was received.
pub(super) async fn receive_answer(socket: &mut UnixStream) -> io::Result<Result<Answer, ReadError>> {
    let mut prefix = [0; PREFIX_BYTES];
    socket.read_exact(&mut prefix).await?;
    let (head, body) = lengths(prefix)?;
    let mut message = vec![0; head + body];
    socket.read_exact(&mut message).await?;
    let message = Bytes::from(message);
    match serde_json::from_slice(&message[..head])? {
        AnswerHead::NotRead(error) => Ok(Err(error)),
        AnswerHead::Outcome => {
            let outcome = Outcome::from_record(message.slice(head..)).map_err(io::Error::other)?;
            Ok(Ok(outcome))
        }
    }
}

/// Receives the next task, in the render process; `None` when the worker is gone.
pub(super) fn receive_task(socket: &mut impl Read) -> io::Result<Option<RenderTask>> {
    let mut prefix = [0; PREFIX_BYTES];
    match socket.read_exact(&mut prefix) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let (head, body) = lengths(prefix)?;
    let mut message = vec![0; head + body];
    socket.read_exact(&mut message)?;
    let TaskHead { mut task, parts } = serde_json::from_slice(&message[..head])?;
    let mut rest = Bytes::from(message).slice(head..);
    for (bytes, lengths) in task.files_mut().zip(&parts) {
        take_parts(bytes, lengths, &mut rest)?;
    }
    Ok(Some(task))
}

/// Takes parts of these lengths off the body, where they were fetched.
fn take_parts(bytes: &mut FrameBytes, lengths: &[usize], rest: &mut Bytes) -> io::Result<()> {
    let FrameBytes::Fetched(fetched) = bytes else { return Ok(()) };
    for &length in lengths {
        if length > rest.len() {
            return Err(io::Error::other("the parts are longer than the body"));
        }
        fetched.push(rest.split_to(length));
    }
    Ok(())
}

/// Sends the answer, in the render process.
pub(super) fn send_answer(socket: &mut impl Write, answer: Result<Answer, ReadError>) -> io::Result<()> {
    match answer {
        Ok(outcome) => send(socket, &AnswerHead::Outcome, &outcome.to_record()),
        Err(error) => send(socket, &AnswerHead::NotRead(error), &[]),
    }
}

fn send(socket: &mut impl Write, head: &AnswerHead, body: &[u8]) -> io::Result<()> {
    let head = serde_json::to_vec(head)?;
    let mut start = prefix(&head, body.len())?.to_vec();
    start.extend_from_slice(&head);
    // In one call, so that the worker wakes once.
    let mut rest = [IoSlice::new(&start), IoSlice::new(body)];
    let mut rest = &mut rest[..];
    while !rest.is_empty() {
        match socket.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => IoSlice::advance_slices(&mut rest, count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
