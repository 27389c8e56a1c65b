//! What does not fit beside one item: how rollgate is made, and what it chose where a choice was open.

pub mod design;
