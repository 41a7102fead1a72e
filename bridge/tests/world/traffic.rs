//! The fate of transactions on their way to the destination.

use twinspan_bridge::io::Input;
use twinspan_bridge::machine::UNTOLD_MAX;
use twinspan_bridge::request::Request;

use super::account::Sent;
use super::{Death, Tell, World};

impl World {
    /// The relayers that have transactions on their way.
    fn senders(&self) -> Vec<usize> {
        let pending = |relayer: &usize| !self.relayers[*relayer].account.pending.is_empty();
        (0..self.relayers.len()).filter(pending).collect()
    }

    /// Mines the next transaction of the sender that `at` chooses. Whether there was one.
    pub fn land(&mut self, at: usize, tell: Tell) -> bool {
        self.end(at, tell, |world, from, sent| {
            let accepted = world.destination.execute(Some(from), sent);
            world.reverted += usize::from(!accepted);
            accepted
        })
    }

    /// Gives the next transaction of the sender that `at` chooses up; something else takes its account nonce.
    pub fn abandon(&mut self, at: usize, tell: Tell) -> bool {
        self.end(at, tell, |_, _, _| false)
    }

    fn end(
        &mut self,
        at: usize,
        tell: Tell,
        execute: impl FnOnce(&mut Self, usize, Sent) -> bool,
    ) -> bool {
        let senders = self.senders();
        let Some(from) = senders.get(at % senders.len().max(1)).copied() else { return false };
        let Some(sent) = self.relayers[from].account.pending.pop_front() else { return false };
        let accepted = execute(self, from, sent.clone());
        self.relayers[from].account.end(&sent, accepted);
        self.check_destination();
        let mut told = 0;
        while tell == Tell::Now && self.tell(from) {
            told += 1;
            assert!(told <= 2 * UNTOLD_MAX, "relayer {from} sends the same again and again");
        }
        true
    }

    /// Tells a relayer how its oldest ended transaction ended. Whether there was one.
    pub fn tell(&mut self, relayer: usize) -> bool {
        let Some((purpose, accepted)) = self.relayers[relayer].account.tell() else { return false };
        self.step(relayer, Input::TransactionResolved { purpose, accepted }, Death::Never);
        true
    }

    /// Anyone who holds a certificate may deliver: hands over the first `requests` of a batch on its way.
    pub fn deliver_as_stranger(&mut self, at: usize, requests: usize) {
        let senders = self.senders();
        let Some(from) = senders.get(at % senders.len().max(1)) else { return };
        let Some(Sent::Deliver(mut batch, _)) =
            self.relayers[*from].account.pending.front().cloned()
        else {
            return;
        };
        let rest = batch.requests.split_off(requests.clamp(1, batch.requests.len()));
        batch.tail.splice(0..0, rest.iter().map(Request::hash));
        self.destination.execute(None, Sent::Deliver(batch, 0));
        self.check_destination();
    }

    /// Takes back up to `blocks` blocks of the destination that are not final; what relayers sent goes out again.
    pub fn reorganise(&mut self, blocks: usize) {
        for (from, sent) in self.destination.take_back(blocks) {
            self.relayers[from].account.take_back(sent);
        }
    }
}
