//! The seeded simulator: from one number a random plan, random traffic, random people and random faults, played through
//! the public engine on a manual clock, with every promise checked at every step.
//!
//! ```text
//! seed ──Author──► Event ──World──► Engine ──journal──► Book, Naive, Oracle: what must be so ──► Violation ──shrink──► trace
//! ```
//!
//! What must be so is written from the semantics alone: naive windows (`naive`), an oracle of triggers and
//! gates (`oracle`), a notebook of waits, votes and shares (`book`, with `acts` for actions before steps and `hours` for the
//! calendar), a wall calendar (`almanac`) and a ledger of notices (`post`). Nothing of it calls the judge, the windows or the decisions of the library.

mod acts;
mod adorn;
mod almanac;
mod author;
mod binomial;
mod book;
mod coverage;
mod dice;
mod event;
mod hours;
mod naive;
mod oracle;
mod people;
mod plan;
mod post;
mod run;
mod shrink;
mod sinks;
mod story;
mod watch;
mod world;

pub use book::Broken;
pub use coverage::Coverage;
pub use run::{Failure, Report, Settings, print_failure, run};
