//! What does not fit beside one item: a guide, the reference of the plan file, and how rollgate is made.

pub mod design;
pub mod guide;
pub mod plan_reference;
