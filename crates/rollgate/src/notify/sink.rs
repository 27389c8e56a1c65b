//! What a sink must do.

use std::fmt;

use rollgate_core::decide::Delivery;

/// Takes notices to where people read them.
///
/// A closure `Fn(&Delivery) -> Result<(), E>` is one, with a [`SendError`], a `String` or a `&str` as its error.
pub trait Sink: Send + Sync {
    /// Sends one notice. It may be asked again for one that it has taken, after a restart: the
    /// [`id`](Delivery::id) is the same.
    ///
    /// # Errors
    /// Why it was not taken, and whether it should be tried again. A panic is an error that is not tried again.
    fn send(&self, notice: &Delivery) -> Result<(), SendError>;
}

/// Why a notice was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// Not this time: it is tried again.
    Again(String),
    /// It never will be.
    Never(String),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Again(why) | Self::Never(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for SendError {}

impl From<String> for SendError {
    fn from(why: String) -> Self {
        Self::Again(why)
    }
}

impl From<&str> for SendError {
    fn from(why: &str) -> Self {
        Self::Again(why.to_owned())
    }
}

impl<F> Sink for F
where
    F: Fn(&Delivery) -> Result<(), SendError> + Send + Sync,
{
    fn send(&self, notice: &Delivery) -> Result<(), SendError> {
        self(notice)
    }
}
