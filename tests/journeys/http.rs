//! What a viewer sees of the API.

use reqwest::blocking::Client;
use serde_json::Value;

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap_or(""))
    }

    /// Where the picture came from: `desc` of `cache` in `Server-Timing`.
    pub(crate) fn tier(&self) -> String {
        let timing = self.header("server-timing");
        let rest = timing.split("cache;desc=").nth(1).unwrap_or("");
        rest.split([',', ';', ' ']).next().unwrap_or("").to_owned()
    }

    /// The picture as grey or RGB samples with its size, read by the `png` library.
    pub(crate) fn picture(&self) -> Picture {
        assert_eq!(self.status, 200, "{}", self.text());
        Picture::decode(&self.body)
    }
}

/// Samples of a PNG.
#[derive(PartialEq)]
pub(crate) struct Picture {
    pub(crate) columns: u32,
    pub(crate) rows: u32,
    pub(crate) channels: usize,
    pub(crate) samples: Vec<u8>,
}

impl Picture {
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().expect("a PNG");
        let mut samples = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut samples).expect("a frame");
        samples.truncate(info.buffer_size());
        let channels = info.color_type.samples();
        Self { columns: info.width, rows: info.height, channels, samples }
    }

    /// Whether a pixel says something; all do where there is no alpha.
    pub(crate) fn is_opaque(&self, pixel: usize) -> bool {
        self.channels % 2 == 1 || self.samples[(pixel + 1) * self.channels - 1] > 0
    }

    /// As red, green and blue.
    pub(crate) fn rgb(&self) -> Vec<u8> {
        match self.channels {
            1 | 2 => self.samples.chunks_exact(self.channels).flat_map(|pixel| [pixel[0]; 3]).collect(),
            3 => self.samples.clone(),
            4 => self.samples.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
            other => panic!("{other} channels"),
        }
    }
}

/// A viewer of the API at a URL.
#[derive(Clone)]
pub(crate) struct Viewer {
    client: Client,
    base: String,
}

impl Viewer {
    pub(crate) fn new(base: &str) -> Self {
        let client = Client::builder().timeout(super::program::PATIENCE).build().expect("a client");
        Self { client, base: base.to_owned() }
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.client.get(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    pub(crate) fn post(&self, path: &str) -> Answer {
        read(self.client.post(format!("{}{path}", self.base)))
    }

    pub(crate) fn post_json(&self, path: &str, body: &Value) -> Answer {
        let request = self.client.post(format!("{}{path}", self.base));
        read(request.header("content-type", "application/json").body(body.to_string()))
    }

    /// Sends files, each in a part.
    pub(crate) fn post_files(&self, path: &str, files: &[Vec<u8>], headers: &[(&str, &str)]) -> Answer {
        let mut body = Vec::new();
        for file in files {
            body.extend_from_slice(b"--a boundary\r\nContent-Type: application/dicom\r\n\r\n");
            body.extend_from_slice(file);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--a boundary--\r\n");
        let related = "multipart/related; type=\"application/dicom\"; boundary=\"a boundary\"";
        let request = self.client.post(format!("{}{path}", self.base)).header("content-type", related);
        read(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(body))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        read(self.client.delete(format!("{}{path}", self.base)))
    }

    /// The PNG of an image.
    pub(crate) fn png(&self, image: &str, query: &str) -> Answer {
        self.get_with(&format!("/api/v1/dicom/images/{image}?{query}"), &[("accept", "image/png")])
    }

    /// The value of a Prometheus series whose line begins so; 0 before it is first counted.
    pub(crate) fn metric(&self, start: &str) -> f64 {
        let text = self.get("/metrics").text();
        let line = text.lines().find(|line| line.starts_with(start));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
    }

    /// The list under `name` at `path`.
    pub(crate) fn list(&self, path: &str, name: &str) -> Vec<Value> {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()[name].as_array().expect("a list").clone()
    }
}

fn read(request: reqwest::blocking::RequestBuilder) -> Answer {
    let response = request.send().expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, body: response.bytes().expect("a body").to_vec() }
}
