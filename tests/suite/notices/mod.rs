//! Notices: who is told what, when, once, and what the journal says of it (SEMANTICS 7.3).

mod channels;
mod delivery;
mod desk;
mod sinks;
mod texts;
mod times;
