//! Serves one file's bytes from memory at `/`: the least that any answer of the API can cost. A yardstick of scripts/bench.
//!
//! `bytes_from_memory FILE CONTENT_TYPE` prints `listening on http://127.0.0.1:PORT`.

use std::{
    env,
    error::Error,
    fs,
    io::{self, Write},
};

use axum::{Router, http::header, routing::get};
use bytes::Bytes;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [file, content_type] = arguments.as_slice() else {
        return Err("usage: bytes_from_memory FILE CONTENT_TYPE".into());
    };
    let (bytes, content_type) = (Bytes::from(fs::read(file)?), content_type.clone());
    let answer = move || async move { ([(header::CONTENT_TYPE, content_type)], bytes) };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    axum::serve(listener, Router::new().route("/", get(answer))).await?;
    Ok(())
}
