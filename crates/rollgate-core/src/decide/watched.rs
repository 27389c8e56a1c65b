//! What the mere passing of time changes in a state.

use serde::{Deserialize, Serialize};

use super::RolloutState;
use crate::time::{Span, Timestamp};

/// The counters of a state that run while nothing is decided: they are stored more often than the state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// The stored revision of the state that it belongs to.
    pub revision: u64,
    /// [`RolloutState::watched`].
    pub watched: Span,
    /// [`RolloutState::clock`].
    pub clock: Span,
    /// [`RolloutState::evaluated`].
    pub evaluated: Option<Timestamp>,
    /// [`RolloutState::observed`].
    pub observed: Timestamp,
    /// [`RolloutState::credited`].
    pub credited: (Span, Span),
}

impl RolloutState {
    /// The counters as they stand, on top of the state of a stored revision.
    pub const fn as_watched(&self, revision: u64) -> Watched {
        Watched {
            revision,
            watched: self.watched,
            clock: self.clock,
            evaluated: self.evaluated,
            observed: self.observed,
            credited: self.credited,
        }
    }

    /// Goes on to where a holder of the lease has watched.
    pub const fn go_on(&mut self, watched: &Watched) {
        self.watched = watched.watched;
        self.clock = watched.clock;
        self.evaluated = watched.evaluated;
        self.observed = watched.observed;
        self.credited = watched.credited;
    }
}
