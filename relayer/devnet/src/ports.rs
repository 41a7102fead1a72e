//! Chooses the port that each part of a world listens on.

use std::fmt;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

use eyre::{ensure, eyre};
use twinspan_bridge::side::{PerSide, Side};

/// Where free ports are looked for. Systems give higher ones to outgoing connections, so none of these takes the port
/// of a process that is down for a while.
const FREE: std::ops::Range<u32> = 20_000..32_000;

/// How a world's ports are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ports {
    /// Any that are free.
    #[default]
    Free,
    /// These for the nodes, any free ones for the rest.
    Nodes(PerSide<u16>),
    /// One after the other, from this one on. First the main and the service node, then of each relayer its API and its
    /// peers' port. Then the wire from each relayer to each other one. With n relayers, 2 + n (n + 1).
    From(u16),
}

/// A part of a world that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The node of a chain.
    Node(Side),
    /// The API of a relayer.
    Api(usize),
    /// Where a relayer's peers reach it.
    Peers(usize),
    /// The wire on which one relayer reaches another.
    Wire {
        /// Who calls.
        from: usize,
        /// Who is called.
        to: usize,
    },
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(side) => write!(f, "the {side} node"),
            Self::Api(index) => write!(f, "the API of relayer {index}"),
            Self::Peers(index) => write!(f, "the peers of relayer {index}"),
            Self::Wire { from, to } => write!(f, "the wire from relayer {from} to relayer {to}"),
        }
    }
}

impl Part {
    /// All parts of a world with so many relayers, in the order of their ports.
    fn all(relayers: usize) -> impl Iterator<Item = Self> {
        let nodes = Side::BOTH.into_iter().map(Self::Node);
        let services = (0..relayers).flat_map(|index| [Self::Api(index), Self::Peers(index)]);
        let wires = (0..relayers).flat_map(move |from| {
            (0..relayers).filter(move |to| *to != from).map(move |to| Self::Wire { from, to })
        });
        nodes.chain(services).chain(wires)
    }
}

impl Ports {
    /// Refuses fixed ports of which one is no port or is taken.
    ///
    /// # Errors
    /// With the first such port, and the part that would listen on it.
    pub(crate) fn check(self, relayers: usize) -> eyre::Result<()> {
        let Self::From(_) = self else { return Ok(()) };
        for part in Part::all(relayers) {
            let port = self.of(part, relayers)?;
            TcpListener::bind(("127.0.0.1", port)).map_err(|error| {
                eyre!("port {port}, of {part}, cannot be had ({error}): stop what uses it, or begin at another port")
            })?;
        }
        Ok(())
    }

    /// The port of `part` in a world of so many relayers.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn of(self, part: Part, relayers: usize) -> eyre::Result<u16> {
        match (self, part) {
            (Self::Nodes(ports), Part::Node(side)) => Ok(ports[side]),
            (Self::From(base), part) => {
                ensure!(base > 0, "port 0 is none: begin at another port");
                let place = Part::all(relayers).position(|other| other == part);
                let place = place.ok_or_else(|| eyre!("there is no {part}"))?;
                u16::try_from(usize::from(base) + place).map_err(|_| {
                    eyre!("no port is left for {part} up to {}: begin at a lower port", u16::MAX)
                })
            }
            (Self::Free | Self::Nodes(_), _) => free_port(),
        }
    }
}

/// A port that nobody uses now, and that this process was not given before.
///
/// # Errors
/// If there is none.
pub fn free_port() -> eyre::Result<u16> {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    // Processes side by side begin at different places.
    let begin = std::process::id().wrapping_mul(101);
    let places = FREE.end - FREE.start;
    for _ in 0..places {
        let place = begin.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % places;
        let port = u16::try_from(FREE.start + place)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(eyre!("no port from {} to {} is free", FREE.start, FREE.end - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_ports_follow_one_after_the_other_in_the_documented_order() {
        let of = |part| Ports::From(21_000).of(part, 3).unwrap();
        let order = [
            Part::Node(Side::Main),
            Part::Node(Side::Service),
            Part::Api(0),
            Part::Peers(0),
            Part::Api(1),
            Part::Peers(1),
            Part::Api(2),
            Part::Peers(2),
            Part::Wire { from: 0, to: 1 },
            Part::Wire { from: 0, to: 2 },
            Part::Wire { from: 1, to: 0 },
            Part::Wire { from: 1, to: 2 },
            Part::Wire { from: 2, to: 0 },
            Part::Wire { from: 2, to: 1 },
        ];
        assert_eq!(order.len(), 2 + 3 * 4);
        assert_eq!(order.map(of), std::array::from_fn(|place| 21_000 + place as u16));
    }

    #[test]
    fn a_taken_port_is_named_with_the_part_that_wants_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let refused = Ports::From(port).check(1).unwrap_err().to_string();
        assert!(
            refused.contains(&format!("port {port}, of the main node, cannot be had")),
            "{refused}"
        );
    }

    #[test]
    fn no_port_is_beyond_the_last_one() {
        let part = Part::Peers(0);
        assert_eq!(Ports::From(u16::MAX - 3).of(part, 1).unwrap(), u16::MAX);
        let refused = Ports::From(u16::MAX - 2).of(part, 1).unwrap_err().to_string();
        assert!(refused.contains("begin at a lower port"), "{refused}");
        assert!(Ports::From(0).of(part, 1).is_err());
    }
}
