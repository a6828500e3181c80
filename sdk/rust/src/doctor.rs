// SPDX-License-Identifier: Apache-2.0
//! A diagnosis that is under way: its stages, and its end, which is told exactly once.

use crate::abi::*;
use crate::host::Host;
use crate::values::{lend, Token};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// `diagnose()` has not returned, and the run lives.
    Beginning,
    /// It has not returned, and the run was dropped.
    Dropped,
    /// It has returned well: who drops the run ends the diagnosis.
    UnderWay,
    /// It has failed: there is nothing to end.
    Refused,
}

/// One diagnosis; it ends when this is dropped. May go to another thread.
#[must_use = "report its stages; the diagnosis ends when it is dropped"]
pub struct Run {
    host: Host,
    token: Token,
    state: Arc<Mutex<State>>,
}

/// What `diagnose()` came to, for the run that it may have handed on.
pub(crate) struct Begun {
    host: Host,
    token: Token,
    state: Arc<Mutex<State>>,
}

impl Run {
    pub(crate) fn new(host: Host, token: Token) -> (Run, Begun) {
        let state = Arc::new(Mutex::new(State::Beginning));
        (Run { host, token, state: state.clone() }, Begun { host, token, state })
    }

    /// What one stage came to. code: "OK" for a good one, else one of the manifest's. detail: one line.
    pub fn stage(&self, stage: &str, ok: bool, code: &str, detail: &str) {
        self.stage_with(stage, ok, code, detail, 0, "");
    }

    /// The same with how long it took, and a JSON object of what was learned, or nothing.
    pub fn stage_with(&self, stage: &str, ok: bool, code: &str, detail: &str, duration_ms: u64, facts: &str) {
        let raw = tocsin_stage {
            struct_size: std::mem::size_of::<tocsin_stage>() as u32,
            ok: ok.into(),
            stage: lend(stage),
            code: lend(code),
            detail: lend(detail),
            duration_ms,
            facts: lend(facts),
        };
        self.host.report_stage(self.token.into(), &raw);
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *state;
        *state = State::Dropped;
        drop(state);
        if before == State::UnderWay {
            self.host.end_diagnosis(self.token.into());
        }
    }
}

impl Begun {
    pub(crate) fn returned(self, well: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *state;
        *state = if well { State::UnderWay } else { State::Refused };
        drop(state);
        if well && before == State::Dropped {
            self.host.end_diagnosis(self.token.into());
        }
    }
}
