//! How many connections there are, in all and from one address, and who leaves when there are too many.
//!
//! A connection that waits for nothing is the first to go, the longest quiet one before the others: whoever opens many
//! and asks nothing loses his own. With all of them busy the newcomer is turned away.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use noctis_shared::settings::TrustedProxies;

use super::presence::Presence;

/// One address may have this part of all connections.
const ADDRESS_SHARE: usize = 4;

/// The connections of a server.
#[derive(Debug)]
pub(super) struct Crowd {
    connections_max: usize,
    /// Many come through one of these.
    proxies: TrustedProxies,
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    next_id: u64,
    taken: HashMap<u64, (IpAddr, Arc<Presence>)>,
    by_address: HashMap<IpAddr, usize>,
}

/// The place of one connection, given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    crowd: Arc<Crowd>,
    id: u64,
    pub(super) presence: Arc<Presence>,
}

impl Crowd {
    pub(super) fn new(connections_max: usize, proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self { connections_max, proxies, seats: Mutex::default() })
    }

    /// A place for somebody from `address`; another leaves for it where there is none. `None` when all are busy.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let address = address.to_canonical();
        let origin = origin(address);
        let mut seats = self.seats();
        let of_origin = seats.by_address.get(&origin).copied().unwrap_or(0);
        // Whoever is on this machine, mostly a proxy, is not the one to be kept out.
        let is_of_many = address.is_loopback() || self.proxies.has(address);
        if of_origin >= self.connections_max / ADDRESS_SHARE && !is_of_many {
            seats.make_room(Some(origin))?;
        } else if seats.taken.len() >= self.connections_max {
            seats.make_room(None)?;
        }
        let (id, presence) = (seats.next_id, Presence::new());
        seats.next_id += 1;
        seats.taken.insert(id, (origin, Arc::clone(&presence)));
        *seats.by_address.entry(origin).or_default() += 1;
        metrics::gauge!("noctis_http_connections").set(count(seats.taken.len()));
        Some(Seat { crowd: Arc::clone(self), id, presence })
    }

    /// Sends the longest quiet one away, if there is one.
    pub(super) fn make_room(&self) {
        let _nobody_is_quiet = self.seats().make_room(None);
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seats {
    /// Sends away who has been quiet for longest, of `origin` or of all; its place is free at once. `None` if nobody is.
    fn make_room(&mut self, origin: Option<IpAddr>) -> Option<()> {
        let asked = self.taken.iter().filter(|(_, (of, _))| origin.is_none_or(|origin| origin == *of));
        let quiet = asked.filter_map(|(id, (_, presence))| Some((presence.quiet_since()?, *id)));
        let (_, id) = quiet.min()?;
        self.leave(id)?.leaves.cancel();
        super::turned_away("quiet");
        Some(())
    }

    fn leave(&mut self, id: u64) -> Option<Arc<Presence>> {
        let (origin, presence) = self.taken.remove(&id)?;
        if let Some(of_origin) = self.by_address.get_mut(&origin) {
            *of_origin -= 1;
            if *of_origin == 0 {
                self.by_address.remove(&origin);
            }
        }
        Some(presence)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.crowd.seats();
        let _it_left_for_another = seats.leave(self.id);
        metrics::gauge!("noctis_http_connections").set(count(seats.taken.len()));
    }
}

/// Who counts as one: an address of IPv4, or the network of a site (RFC 6177), which has as many addresses as it likes.
fn origin(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address => address,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge; no number of connections is that large")]
fn count(connections: usize) -> f64 {
    connections as f64
}

#[cfg(test)]
mod tests {
    use noctis_shared::settings::{Origin, Settings, Texts};

    use super::*;

    fn crowd(connections_max: usize) -> Arc<Crowd> {
        let mut texts = Texts::defaults();
        texts.set("NOCTIS_TRUSTED_PROXIES", "10.0.0.9", Origin::Flag);
        let settings = Settings::from_texts(&texts).expect("settings");
        Crowd::new(connections_max, settings.trusted_proxies)
    }

    fn from(crowd: &Arc<Crowd>, address: &str) -> Option<Seat> {
        crowd.admit(address.parse().expect("an address"))
    }

    fn stays(seat: &Seat) -> bool {
        !seat.presence.leaves.is_cancelled()
    }

    #[test]
    fn the_longest_quiet_one_leaves_for_a_newcomer() {
        let crowd = crowd(16);
        let mut seats = Vec::new();
        for number in 0..16 {
            seats.push(from(&crowd, &format!("192.0.2.{number}")).expect("a place"));
        }
        let request = seats[0].presence.begin(false);
        let seventeenth = from(&crowd, "192.0.2.99").expect("the place of another");
        let left: Vec<usize> = (0..16).filter(|index| !stays(&seats[*index])).collect();
        assert_eq!(left, [1], "the first is busy");
        drop(request);
        let _eighteenth = from(&crowd, "192.0.2.100").expect("the place of another");
        assert!(stays(&seats[0]) && !stays(&seats[2]), "it was quiet for no time");
        assert!(stays(&seventeenth));
        drop(seats);
        assert_eq!(crowd.seats().taken.len(), 2);
    }

    #[test]
    fn one_address_has_a_share_and_turns_out_its_own() {
        let crowd = crowd(16);
        let other = from(&crowd, "198.51.100.1").expect("a place");
        let seats: Vec<_> = (0..4).map(|_| from(&crowd, "192.0.2.1").expect("a place")).collect();
        let fifth = from(&crowd, "::ffff:192.0.2.1").expect("the place of one of its own");
        assert_eq!(seats.iter().filter(|seat| stays(seat)).count(), 3);
        assert!(stays(&other) && stays(&fifth));
        let busy: Vec<_> = seats.iter().chain([&fifth]).map(|seat| seat.presence.begin(false)).collect();
        assert!(from(&crowd, "192.0.2.1").is_none(), "all of its own are busy");
        assert!(from(&crowd, "192.0.2.2").is_some());
        drop((busy, seats, fifth));
        assert!(from(&crowd, "192.0.2.1").is_some());
        assert_eq!(crowd.seats().by_address.len(), 1, "who left is remembered no longer");
    }

    #[test]
    fn a_site_counts_as_one_and_a_proxy_as_many() {
        let crowd = crowd(16);
        let site: Vec<_> =
            (0..5).filter_map(|number| from(&crowd, &format!("2001:db8:0:1::{number}"))).collect();
        assert_eq!(site.iter().filter(|seat| stays(seat)).count(), 4);
        for address in ["10.0.0.9", "127.0.0.1", "::1"] {
            let many: Vec<_> = (0..10).filter_map(|_| from(&crowd, address)).collect();
            assert!(many.len() == 10 && many.iter().all(stays), "{address}");
        }
    }
}
