//! Cells whose steps were moved.

use super::sync;
use crate::planted;

planted!(version_after_swap);
planted!(version_after_swap_but_load_says_it);
planted!(copy_of_another_cell);
planted!(copy_of_any_version);
planted!(stale_asked_before_the_lock);
planted!(told_behind_the_lock);
planted!(told_before_the_swap);
