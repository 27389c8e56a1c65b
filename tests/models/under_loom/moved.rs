//! Cells whose steps were moved.

use super::sync;
use crate::planted;

planted!(version_after_swap);
// Not `version_after_swap_but_load_says_it`: loom lets a thread read a `fetch_max` of another after a store of its own
// that comes behind it, which no processor does, and calls it wrong.
planted!(copy_of_another_cell);
planted!(copy_of_any_version);
planted!(stale_asked_before_the_lock);
planted!(told_behind_the_lock);
planted!(told_before_the_swap);
