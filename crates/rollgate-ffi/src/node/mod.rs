//! The N-API entry point.
