//! Whether a request's message left, and what became of it where the transport knows that better than the protocol.

use countersign_domain::execution::Answer;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

/// Where a request's message stands on its way out. It rides in the request's extensions; rmcp carries it along unseen.
#[derive(Clone, Default)]
pub(super) struct Departure(Arc<Way>);

#[derive(Default)]
struct Way {
    step: AtomicU8,
    verdict: OnceLock<Verdict>,
}

/// Why no JSON-RPC answer came, as only the transport can know it.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// Surely nothing was sent.
    NotSent(String),
    /// The other side says that it knows no such session; it did nothing.
    Gone,
    /// Something was sent.
    Unknown(String),
    /// The other side's HTTP answer, which is no JSON-RPC.
    Answered(Answer),
}

impl Verdict {
    /// As a sentence.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::NotSent(sentence) | Self::Unknown(sentence) => sentence.clone(),
            Self::Gone => "The server no longer knows the session.".to_owned(),
            Self::Answered(answer) => format!("The server answered with status {}.", answer.status),
        }
    }
}

const WAITING: u8 = 0;
const LEAVING: u8 = 1;
const LEFT: u8 = 2;
const ABANDONED: u8 = 3;

impl Departure {
    /// The caller gives up. True when the message had not begun to leave; it never will then.
    pub(super) fn abandon(&self) -> bool {
        self.step(WAITING, ABANDONED) || self.0.step.load(Ordering::Acquire) == ABANDONED
    }

    /// Whether all of it is written.
    pub(super) fn has_left(&self) -> bool {
        self.0.step.load(Ordering::Acquire) == LEFT
    }

    /// It begins to leave, unless the caller gave up.
    pub(super) fn begin(&self) -> bool {
        self.step(WAITING, LEAVING)
    }

    /// All of it is written, or may be.
    pub(super) fn leave(&self) {
        self.0.step.store(LEFT, Ordering::Release);
    }

    /// Nothing of it left, and nothing will.
    pub(super) fn stay(&self) {
        self.0.step.store(ABANDONED, Ordering::Release);
    }

    /// Says once what became of it.
    pub(super) fn judge(&self, verdict: Verdict) {
        let _first = self.0.verdict.set(verdict);
    }

    /// What became of it, where the transport knows.
    pub(super) fn verdict(&self) -> Option<&Verdict> {
        self.0.verdict.get()
    }

    fn step(&self, from: u8, to: u8) -> bool {
        self.0.step.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}
