//! Addresses of studies, series and instances, as answers name them (PS3.18 8.3.1 and 10.1.1).

use std::fmt::Write as _;

/// What is retrieved, by its UIDs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Uids<'a> {
    pub(super) study: &'a str,
    pub(super) series: Option<&'a str>,
    pub(super) instance: Option<&'a str>,
}

impl<'a> Uids<'a> {
    pub(super) fn study(study: &'a str) -> Self {
        Self { study, series: None, instance: None }
    }

    pub(super) fn series(study: &'a str, series: &'a str) -> Self {
        Self { series: Some(series), ..Self::study(study) }
    }

    pub(super) fn instance(study: &'a str, series: &'a str, instance: &'a str) -> Self {
        Self { instance: Some(instance), ..Self::series(study, series) }
    }
}

/// Where it is retrieved from, under the name that the client knows this server by.
pub(super) fn of(origin: &str, uids: Uids<'_>) -> String {
    let mut address = format!("{origin}/dicom-web/studies/");
    push_segment(&mut address, uids.study);
    for (name, uid) in [("series", uids.series), ("instances", uids.instance)] {
        let Some(uid) = uid else { break };
        address.push('/');
        address.push_str(name);
        address.push('/');
        push_segment(&mut address, uid);
    }
    address
}

/// A UID as a segment: those in the field have more than digits and dots.
fn push_segment(address: &mut String, uid: &str) {
    for byte in uid.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'.' | b'-' | b'_' | b'~' => {
                address.push(char::from(byte))
            }
            // Writing to memory cannot fail.
            _ => drop(write!(address, "%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_down_to_what_it_names() {
        let uids = Uids::instance("1.2", "1.3", "a/é 1");
        assert_eq!(
            of("https://viewer.example:8443", uids),
            "https://viewer.example:8443/dicom-web/studies/1.2/series/1.3/instances/a%2F%C3%A9%201"
        );
        assert_eq!(of("http://h", Uids::study("1.2")), "http://h/dicom-web/studies/1.2");
    }
}
