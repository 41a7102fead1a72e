//! Learns how many blocks to ask about at a time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Logs in one answer above which the next questions are about fewer blocks. At this size the way to the node and back
/// matters little, and several answers fit into memory.
const LOGS_AIM: usize = 8_192;

/// Blocks that are asked about first. They may be full, with thousands of logs each, and a node goes on working at a
/// question that was given up.
const SPAN_FIRST: u64 = 2;

/// The number of blocks that are asked about at a time. It is learnt from the nodes' answers: as many as they allow,
/// and as make answers of a good size.
#[derive(Debug)]
pub(crate) struct RangeGauge {
    max: u64,
    span: AtomicU64,
    /// Nothing was too large yet.
    fresh: AtomicBool,
}

impl RangeGauge {
    pub(crate) fn new(max: u64) -> Self {
        let max = max.max(1);
        Self { max, span: AtomicU64::new(max.min(SPAN_FIRST)), fresh: AtomicBool::new(true) }
    }

    pub(crate) fn span(&self) -> u64 {
        self.span.load(Ordering::Relaxed)
    }

    pub(crate) fn was_too_large(&self, span: u64) {
        self.fresh.store(false, Ordering::Relaxed);
        self.span.store((span / 2).max(1), Ordering::Relaxed);
    }

    pub(crate) fn was_answered(&self, span: u64, logs: usize) {
        if logs > LOGS_AIM {
            self.was_too_large(span);
        } else if span >= self.span() && logs < LOGS_AIM / 4 {
            // Slowly once something was too large: it is likely to be again.
            let more = if self.fresh.load(Ordering::Relaxed) { span } else { span / 4 + 1 };
            self.span.store(span.saturating_add(more).min(self.max), Ordering::Relaxed);
        }
    }
}
