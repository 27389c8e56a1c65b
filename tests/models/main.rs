//! Models of the snapshot cell: its own file, `crates/rollgate/src/cell.rs`, over primitives whose every step a scheduler
//! decides.
//!
//! Under loom all orders of a few steps are tried, and every value that a weak load may give; under shuttle many orders
//! of many steps and threads. What has to hold stands in `scenarios.rs` and is the same for both. The same is asked of
//! cells whose steps were moved (`build.rs`), and there a scenario has to fail.
//!
//! `ROLLGATE_SCHEDULES` says how many orders shuttle tries of each scenario, 2,000 where it is not set;
//! `cargo xtask model --schedules 100000` sets it.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail loudly.
#![allow(clippy::duplicate_mod)] // The library's file is compiled once over each.

mod scenarios;
mod stand_in;
mod under_loom;
mod under_shuttle;

/// A module with the cell as a change made it, over the primitives of the module around it.
macro_rules! planted {
    ($module:ident) => {
        pub(crate) mod $module {
            use super::sync;

            #[allow(unreachable_pub, dead_code)] // The library's file.
            mod cell {
                include!(concat!(env!("OUT_DIR"), "/", stringify!($module), ".rs"));
            }

            $crate::has_cell!(cell);
        }
    };
}

/// Has the scenarios see a cell.
macro_rules! has_cell {
    ($module:ident) => {
        pub(crate) struct Cell($module::SnapshotCell);

        impl $crate::scenarios::Cell for Cell {
            fn new(first: rollgate_core::snapshot::Snapshot) -> Self {
                Self($module::SnapshotCell::new(first))
            }
            fn publish(
                &self,
                snapshot: rollgate_core::snapshot::Snapshot,
                also: impl FnOnce(&rollgate_core::snapshot::Snapshot),
            ) -> bool {
                self.0.publish(snapshot, also) == $module::Published::Current
            }
            fn load(&self) -> u64 {
                self.0.load().version
            }
            fn read(&self) -> u64 {
                self.0.read(|snapshot| snapshot.version)
            }
        }
    };
}

use {has_cell, planted};
