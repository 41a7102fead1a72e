//! The wires between relayers: every one reaches every other through a forwarder that can be cut.

use std::collections::BTreeMap;

use eyre::WrapErr;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use twinspan_supervise::Supervisor;

use crate::ports::{Part, Ports};
use crate::relayer::Relayer;

/// Connections of one wire at a time, at most.
const CONNECTIONS_MAX: usize = 64;

/// Every wire of a world, by who calls whom.
#[derive(Debug)]
pub struct Links {
    wires: BTreeMap<(usize, usize), Wire>,
    _tasks: Supervisor,
}

#[derive(Debug)]
struct Wire {
    port: u16,
    is_cut: watch::Sender<bool>,
}

impl Links {
    /// Opens a wire from every relayer to every other.
    ///
    /// # Errors
    /// If there is no free port.
    pub(crate) async fn open(relayers: &[Relayer], ports: Ports) -> eyre::Result<Self> {
        let mut tasks = Supervisor::new();
        let mut wires = BTreeMap::new();
        for from in 0..relayers.len() {
            for (to, relayer) in relayers.iter().enumerate().filter(|(to, _)| *to != from) {
                let port = ports.of(Part::Wire { from, to }, relayers.len())?;
                let listener =
                    TcpListener::bind(("127.0.0.1", port)).await.wrap_err("opening a wire")?;
                let (is_cut, state) = watch::channel(false);
                tasks.spawn(
                    format!("wire {from} to {to}"),
                    carry(listener, relayer.peer_port, state),
                );
                wires.insert((from, to), Wire { port, is_cut });
            }
        }
        Ok(Self { wires, _tasks: tasks })
    }

    /// Where relayer `from` reaches the others.
    #[must_use]
    pub fn urls_of(&self, from: usize) -> Vec<String> {
        let wires = self.wires.iter().filter(|((caller, _), _)| *caller == from);
        wires.map(|(_, wire)| format!("http://127.0.0.1:{}", wire.port)).collect()
    }

    /// The port of the wire over which relayer `from` reaches `to`.
    #[must_use]
    pub fn port(&self, from: usize, to: usize) -> Option<u16> {
        self.wires.get(&(from, to)).map(|wire| wire.port)
    }

    /// Cuts relayer `index` off from every other, both ways, or heals it.
    pub fn cut(&self, index: usize, is_cut: bool) {
        for ((from, to), wire) in &self.wires {
            if *from == index || *to == index {
                wire.is_cut.send_replace(is_cut);
            }
        }
    }
}

/// Carries connections to `to` while the wire is whole; a cut breaks those that there are.
async fn carry(
    listener: TcpListener,
    to: u16,
    mut state: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let mut connections = FuturesUnordered::new();
    loop {
        let is_cut = *state.borrow_and_update();
        if is_cut {
            connections = FuturesUnordered::new();
        }
        tokio::select! {
            biased;
            changed = state.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
            }
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                let (mut near, _) = accepted?;
                if !is_cut {
                    connections.push(async move {
                        if let Ok(mut far) = TcpStream::connect(("127.0.0.1", to)).await {
                            // Either end may break it off.
                            let _ = copy_bidirectional(&mut near, &mut far).await;
                        }
                    });
                }
            }
            Some(()) = connections.next(), if !connections.is_empty() => {}
        }
    }
}
