//! What can fail, what rollgate does then, and which test shows it.
//!
//! G1 to G16 are the promises of [`design`](super::design#promises). Tests are named by file and function; those of
//! `suite` lie in `tests/suite`.
//!
//! | what fails | what rollgate does | promise | shown by |
//! | --- | --- | --- | --- |
//! | The process is killed | Its store has every acknowledged record. The next process goes on with the waits, at most a minute of watched time short, keeps latches, and judges the triggers once before it serves. With the in-memory store, everything is lost. | G10, G15 | `scenario_time::r161_after_a_restart_everything_goes_on_where_it_was`, `crates/rollgate/tests/engine.rs` |
//! | The store is away | Serves the last shares. Raises nothing; a raise that cannot be written does not happen. Lowers at once and writes later. | G8 | `engine::what_cannot_be_written_down_is_not_raised`, `engine::a_rollback_happens_at_once_and_is_written_when_the_store_is_back` |
//! | The disk is full | The in-memory store has no disk. A store of your own that answers with an error is a store that is away. | G10 | as above |
//! | The journal was changed | The engine does not open, and names the first record that does not fit. | G10 | `journal::any_change_breaks_the_chain` |
//! | The calendar is set | Journals `clock_jump`. No wait gets shorter, no gate passes, no trigger fires or is blinded by it. | G15 | `scenario_time::r166_a_clock_that_is_set_by_a_month_shortens_no_hold` and its neighbours |
//! | The machine is suspended, nobody ticks | The gap credits no wait and is a hole in the windows. No step is skipped; one evaluation follows. | G15 | `scenario_time::r166_a_month_without_a_tick_credits_nothing_and_skips_no_step` |
//! | A listener is slow | It is called from ticks and commands, never under the engine's lock and never from a recording call: a rollback inside a recording call does not wait for it. The tick that calls it does. | G8 | `engine::listeners_hear_every_record_in_order_and_never_inside_a_recording_call` |
//! | NaN, infinite, negative, of the wrong kind | Counted as invalid; never in a window; a gate over that window cannot pass. | G7 | `scenario_evidence::a_week_of_garbage_is_a_week_without_data` |
//! | A flood of samples | Recorders and windows do not grow with the number of samples; what cannot be held is dropped and counted. | G12 | `metrics::tests::corners::memory_stays_bounded_under_floods`, `drops::a_flood_of_bad_samples_does_not_flood_the_journal_and_is_told_in_full` |
//! | A metric falls silent | After `max_gap` it is not fed: coverage falls, gates hold. A trigger on it holds too, unless it says `on_no_data: fire`. | G7 | `scenario_evidence::a_day_of_silence_in_a_week_leaves_too_little` |
//! | Nobody listens to an event | No events are no evidence until the handle is opened in this process. | G7 | `scenario_evidence::r076_zero_incidents_are_evidence_only_where_somebody_watches` |
//! | The process forks | Nothing depends on a thread. Parent and child are two engines from then on, each with its own state; a ticker thread stays with the parent. | G13 | not tested yet |
//! | A plan is wrong | It is refused whole, with every problem, and what runs stays as it is. | G5 | `crates/rollgate/tests/plan_problems` |
//! | A plan is edited under its store | Goes on where flags, phases and numbers of steps are the same, else it is refused. | G9 | `engine::r161_a_plan_that_was_edited_goes_on_only_where_its_shares_mean_the_same` |
//! | A command is wrong | Refused whole, journalled, nothing changes. | G9 | `scenario_operator`, `scenario_decisions` |
//! | The rollback does not help | Says `rollback_ineffective` once and does not loop. | G8 | `scenario_triggers::r093_s10_a_database_that_flags_cannot_shrink_rolls_back_once_and_says_so_once` |
//! | Two processes run one plan | Each decides for itself on what it has measured. A shared store refuses the slower writer; there is no lease yet, and no fleet-wide count. | none yet (G11) | not built |
