//! Flags of other systems, read by the importer and asked of the engine.

mod mutated;
mod peer;
mod rows;
mod unleash;
