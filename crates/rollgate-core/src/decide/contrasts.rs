//! ON beside OFF, once a day: kept with the state, so that it survives the process.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::judge::Contrast;
use crate::limits::CONTRASTS_MAX;

/// Rows of ON beside OFF, oldest first. A state is cloned with every decision, so that they are shared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contrasts(Arc<VecDeque<Contrast>>);

impl Contrasts {
    /// Adds the rows of one day; the oldest go where there are too many.
    pub fn keep(&mut self, rows: impl IntoIterator<Item = Contrast>) {
        let kept = Arc::make_mut(&mut self.0);
        kept.extend(rows);
        while kept.len() > CONTRASTS_MAX {
            kept.pop_front();
        }
    }

    /// The rows, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Contrast> {
        self.0.iter()
    }
}

impl Serialize for Contrasts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Contrasts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        VecDeque::deserialize(deserializer).map(|rows| Self(Arc::new(rows)))
    }
}
