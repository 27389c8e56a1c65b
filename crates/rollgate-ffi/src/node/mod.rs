//! The N-API entry point: what `require` finds in the shared library.
//!
//! It calls the engine itself, not the C ABI. Its exports are not the public surface: `bindings/node/index.js` is.
//!
//! What is hot (a flag's answer, a sample) is a function of its own for each handle, which carries a pointer to what it
//! reads; so no `this` is looked into, and a foreign one changes nothing. All else takes a handle as its first argument: an
//! object with a type tag, so that a foreign one is a `TypeError`.

mod answers;
mod batch;
mod call;
mod entry;
mod events;
mod flags;
mod metrics;
mod objects;
mod open;
mod pin;
mod rollout;
mod seat;
mod text;
mod throw;
