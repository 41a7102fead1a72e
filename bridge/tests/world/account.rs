//! A relayer's account on the destination, as `chains` keeps it.

use std::collections::VecDeque;

use twinspan_bridge::attest::Attestation;
use twinspan_bridge::batch::Batch;
use twinspan_bridge::ids::Count;
use twinspan_bridge::io::Purpose;
use twinspan_bridge::machine::UNTOLD_MAX;

/// A transaction: what it does, and which attempt it is.
#[derive(Clone)]
pub enum Sent {
    Deliver(Batch, u32),
    Attest(Attestation, u32),
}

impl Sent {
    /// Its intent: the same one is never sent twice.
    pub fn intent(&self) -> (Purpose, u32) {
        match self {
            Self::Deliver(batch, attempt) => {
                let (first, end) = (Count::new(batch.first().get()), batch.end());
                (Purpose::Deliver { first, end }, *attempt)
            }
            Self::Attest(attestation, attempt) => {
                (Purpose::Attest { count: attestation.checkpoint.count() }, *attempt)
            }
        }
    }
}

#[derive(Default)]
pub struct Account {
    /// By account nonce: only the first can be mined. Stored, as is `done`.
    pub pending: VecDeque<Sent>,
    /// How intents ended.
    done: Vec<((Purpose, u32), bool)>,
    /// Intents whose end the machine waits for. Lost in a crash, as is `untold`.
    asked: Vec<(Purpose, u32)>,
    /// Ends that the machine was not told yet.
    untold: VecDeque<((Purpose, u32), bool)>,
}

impl Account {
    pub fn submit(&mut self, sent: Sent) {
        let intent = sent.intent();
        if !self.asked.contains(&intent) {
            self.asked.push(intent);
        }
        let runs = self.asked.iter().filter(|(p, _)| matches!(p, Purpose::Deliver { .. })).count();
        assert!(runs <= UNTOLD_MAX, "L3: {runs} runs whose end was not told");
        if let Some((_, accepted)) = self.done.iter().find(|(done, _)| *done == intent) {
            self.untold.push_back((intent, *accepted));
        } else if !self.pending.iter().any(|pending| pending.intent() == intent) {
            self.pending.push_back(sent);
        }
    }

    /// Notes how an intent ended.
    pub fn end(&mut self, sent: &Sent, accepted: bool) {
        let intent = sent.intent();
        self.done.push((intent, accepted));
        self.untold.push_back((intent, accepted));
    }

    /// A reorganisation took it back: it is sent again.
    pub fn take_back(&mut self, sent: Sent) {
        let intent = sent.intent();
        self.done.retain(|(done, _)| *done != intent);
        self.pending.push_front(sent);
    }

    /// The next end to tell, each once.
    pub fn tell(&mut self) -> Option<(Purpose, bool)> {
        while let Some((intent, accepted)) = self.untold.pop_front() {
            if let Some(at) = self.asked.iter().position(|asked| *asked == intent) {
                self.asked.swap_remove(at);
                return Some((intent.0, accepted));
            }
        }
        None
    }

    /// The process ended: nobody waits for ends any more.
    pub fn forget(&mut self) {
        self.asked.clear();
        self.untold.clear();
    }
}
