//! Sends GET requests over kept-alive connections and prints what came back; the load of scripts/bench.
//!
//! `load ADDRESS ACCEPT CONNECTIONS COUNT < PATHS`: the paths, one a line, are asked in turn and over again until COUNT requests
//! are made. Prints `requests=… bytes=… seconds=…` and one `status=count` for each status. HTTP/1.1 with `Content-Length`
//! only, on blocking sockets and nothing but the standard library, so that it costs the measured machine little.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How long one answer may take.
const ANSWER_SECONDS_MAX: u64 = 60;
/// Longest body that is read, in bytes.
const BODY_BYTES_MAX: usize = 256 << 20;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What came back over one connection.
#[derive(Default)]
struct Tally {
    bytes: usize,
    statuses: BTreeMap<u16, usize>,
}

/// One kept-alive connection.
struct Connection {
    reader: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Connection {
    fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(ANSWER_SECONDS_MAX)))?;
        Ok(Self { reader: BufReader::with_capacity(1 << 16, stream), line: String::new(), body: Vec::new() })
    }

    /// Sends one request and reads its whole answer: status and length of the body.
    fn ask(&mut self, request: &str) -> Result<(u16, usize)> {
        self.reader.get_mut().write_all(request.as_bytes())?;
        let status = self.next_line()?.split(' ').nth(1).ok_or("no status")?.parse()?;
        let mut length = None;
        while let Some((name, value)) = self.next_line()?.split_once(':') {
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse::<usize>()?);
            }
        }
        let length =
            length.filter(|length| *length <= BODY_BYTES_MAX).ok_or("no Content-Length within bounds")?;
        self.body.resize(length, 0);
        self.reader.read_exact(&mut self.body)?;
        Ok((status, length))
    }

    fn next_line(&mut self) -> Result<&str> {
        self.line.clear();
        if self.reader.read_line(&mut self.line)? == 0 {
            return Err("the server closed the connection".into());
        }
        Ok(self.line.trim_end())
    }
}

/// Asks for the next of `requests` until `count` were taken by all connections together.
fn run(address: &str, requests: &[String], count: usize, next: &AtomicUsize) -> Result<Tally> {
    let mut connection = Connection::open(address)?;
    let mut tally = Tally::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return Ok(tally);
        }
        let (status, bytes) = connection.ask(&requests[number % requests.len()])?;
        tally.bytes += bytes;
        *tally.statuses.entry(status).or_default() += 1;
    }
}

/// Runs all connections side by side and adds up what came back.
fn load(address: &str, requests: &[String], connections: usize, count: usize) -> Result<Tally> {
    let next = AtomicUsize::new(0);
    let mut total = Tally::default();
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..connections).map(|_| scope.spawn(|| run(address, requests, count, &next))).collect();
        for thread in threads {
            let tally = thread.join().map_err(|_| "a connection panicked")??;
            total.bytes += tally.bytes;
            for (status, count) in tally.statuses {
                *total.statuses.entry(status).or_default() += count;
            }
        }
        Ok(total)
    })
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, accept, connections, count] = arguments.as_slice() else {
        return Err("usage: load ADDRESS ACCEPT CONNECTIONS COUNT < PATHS".into());
    };
    let (connections, count): (usize, usize) = (connections.parse()?, count.parse()?);
    let shown = env::var("NOCTIS_BENCH_TOKEN")
        .map_or_else(|_| String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
    let request = |path| format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\n{shown}\r\n");
    let requests = io::stdin().lines().map(|line| Ok(request(line?))).collect::<Result<Vec<_>>>()?;
    if requests.is_empty() {
        return Err("no paths on standard input".into());
    }
    let started = Instant::now();
    let Tally { bytes, statuses } = load(address, &requests, connections, count)?;
    let seconds = started.elapsed().as_secs_f64();
    let statuses: Vec<String> = statuses.iter().map(|(status, count)| format!("{status}={count}")).collect();
    writeln!(io::stdout(), "requests={count} bytes={bytes} seconds={seconds:.3} {}", statuses.join(" "))?;
    Ok(())
}
