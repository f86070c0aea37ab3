//! Sends GET requests over kept-alive connections and prints what came back; the load of scripts/bench.
//!
//! `load ADDRESS ACCEPT CONNECTIONS COUNT < PATHS`: the paths, one a line, are asked in turn and over again until COUNT requests
//! are made, or for so long when COUNT is like `30s`. Prints `requests=… bytes=… seconds=… p50_ms=… p99_ms=…` and one `status=count` for
//! each status. HTTP/1.1 with `Content-Length` only, on blocking sockets and nothing but the standard library, so that it costs
//! the measured machine little.

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
    /// How long each answer took, in microseconds.
    took: Vec<u32>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.took.extend(other.took);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
    }

    /// Milliseconds within which this share of the answers came; [`Self::took`] is in order.
    fn quantile_ms(&self, share: f64) -> f64 {
        let last = self.took.len().saturating_sub(1);
        let nth = (last as f64 * share).round() as usize;
        self.took.get(nth).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }
}

/// When it is over.
#[derive(Clone, Copy)]
enum Until {
    Count(usize),
    Moment(Instant),
}

impl Until {
    fn parse(text: &str) -> Result<Self> {
        Ok(match text.strip_suffix('s') {
            Some(seconds) => Self::Moment(Instant::now() + Duration::from_secs(seconds.parse()?)),
            None => Self::Count(text.parse()?),
        })
    }

    fn is_reached(self, asked: usize) -> bool {
        match self {
            Self::Count(count) => asked >= count,
            Self::Moment(moment) => Instant::now() >= moment,
        }
    }
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

/// Asks for the next of `requests` until all connections together have done with it.
fn run(address: &str, requests: &[String], until: Until, next: &AtomicUsize) -> Result<Tally> {
    let mut connection = Connection::open(address)?;
    let mut tally = Tally::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if until.is_reached(number) {
            return Ok(tally);
        }
        let began = Instant::now();
        let (status, bytes) = connection.ask(&requests[number % requests.len()])?;
        tally.took.push(u32::try_from(began.elapsed().as_micros())?);
        tally.bytes += bytes;
        *tally.statuses.entry(status).or_default() += 1;
    }
}

/// Runs all connections side by side and adds up what came back.
fn load(address: &str, requests: &[String], connections: usize, until: Until) -> Result<Tally> {
    let next = AtomicUsize::new(0);
    let mut total = Tally::default();
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..connections).map(|_| scope.spawn(|| run(address, requests, until, &next))).collect();
        for thread in threads {
            total.add(thread.join().map_err(|_| "a connection panicked")??);
        }
        total.took.sort_unstable();
        Ok(total)
    })
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, accept, connections, count] = arguments.as_slice() else {
        return Err("usage: load ADDRESS ACCEPT CONNECTIONS COUNT < PATHS".into());
    };
    let connections: usize = connections.parse()?;
    let shown = env::var("NOCTIS_BENCH_TOKEN")
        .map_or_else(|_| String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
    let request = |path| format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\n{shown}\r\n");
    let requests = io::stdin().lines().map(|line| Ok(request(line?))).collect::<Result<Vec<_>>>()?;
    if requests.is_empty() {
        return Err("no paths on standard input".into());
    }
    let started = Instant::now();
    let tally = load(address, &requests, connections, Until::parse(count)?)?;
    let seconds = started.elapsed().as_secs_f64();
    let (asked, p50, p99) = (tally.took.len(), tally.quantile_ms(0.5), tally.quantile_ms(0.99));
    let statuses: Vec<String> =
        tally.statuses.iter().map(|(status, count)| format!("{status}={count}")).collect();
    writeln!(
        io::stdout(),
        "requests={asked} bytes={} seconds={seconds:.3} p50_ms={p50:.3} p99_ms={p99:.3} {}",
        tally.bytes,
        statuses.join(" ")
    )?;
    Ok(())
}
