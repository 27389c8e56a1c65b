//! The native module of the Python package.
#![deny(unsafe_code)]
