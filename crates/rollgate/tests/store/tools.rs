//! What tools need of a store: to look without a trace, and the plan's text.

use std::fs;

use rollgate::Engine;
use rollgate::core::error::ErrorKind;
use rollgate::read::Format;
use rollgate::store::{PlanText, SharedStore, SqliteStore, Store};

use crate::given::{Folder, commit, content, fill};

const PLAN: &str = "{ version: 1, name: quick, flags: { NEW: { share: 10% } } }";

fn text(text: &str) -> PlanText {
    PlanText { format: Format::Yaml, text: text.to_owned() }
}

#[test]
fn whoever_looks_makes_nothing_and_writes_nothing() {
    let folder = Folder::new();
    let error = SqliteStore::look(folder.file()).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreAway, "{error}");
    assert!(error.to_string().contains("there is no such file") && !folder.file().exists(), "{error}");
    // A file of the first version stays one.
    fs::write(folder.file(), include_bytes!("version-1.db")).unwrap();
    let before = fs::read(folder.file()).unwrap();
    let expected = SqliteStore::open(folder.0.join("fresh.db")).unwrap();
    fill(&expected);
    let store = SqliteStore::look(folder.file()).unwrap();
    assert!(content(&store).unwrap() == content(&expected).unwrap(), "it saw something else");
    assert_eq!(store.plan().unwrap(), None);
    let error = commit(&store, 2, 12, 13, 37, 39).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreAway, "{error}");
    assert_eq!(store.keep_plan(2, &text(PLAN)).unwrap_err().kind(), ErrorKind::StoreAway);
    drop(store);
    assert!(fs::read(folder.file()).unwrap() == before, "it was written to");
}

#[test]
fn a_plans_text_is_kept_by_who_leads_and_checked_when_it_is_read() {
    let folder = Folder::new();
    let open = || SqliteStore::open(folder.file()).unwrap();
    let build = |plan: &str| Engine::builder().plan_text(plan, Format::Yaml).unwrap().store(open());
    let leader = build(PLAN).build().unwrap();
    assert_eq!(open().plan().unwrap(), Some(text(PLAN)));
    // Neither a follower nor a visitor puts its own in place of it.
    let titled = PLAN.replace("10%", "20%");
    let others = (build(&titled).build().unwrap(), build(&titled).visiting().build().unwrap());
    assert_eq!(open().plan().unwrap(), Some(text(PLAN)));
    drop((others, leader));
    drop(build(&titled).build().unwrap());
    assert_eq!(open().plan().unwrap(), Some(text(&titled)));
    // Who acts under an old lease writes none.
    assert_eq!(open().keep_plan(0, &text(PLAN)).unwrap_err().kind(), ErrorKind::LeaseLost);
    let changed = rusqlite::Connection::open(folder.file()).unwrap();
    changed.execute_batch("UPDATE plan SET text = replace(text, '20%', '90%')").unwrap();
    drop(changed);
    let error = SqliteStore::open(folder.file()).map(|_| ()).unwrap_err();
    assert!(
        error.kind() == ErrorKind::StoreDamaged && error.to_string().contains("the plan's text"),
        "{error}"
    );
}

#[test]
fn an_engine_that_is_refused_gives_its_lease_back() {
    let folder = Folder::new();
    let open = || SqliteStore::open(folder.file()).unwrap();
    let build = |plan: &str| Engine::builder().plan_text(plan, Format::Yaml).unwrap().store(open()).build();
    let engine = build(PLAN).unwrap();
    engine.set_shares("ann", &[("NEW", rollgate::core::units::Share::ZERO)], "").unwrap();
    drop(engine);
    let other = build(&PLAN.replace("quick", "other")).map(|_| ()).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::InvalidConfig, "{other}");
    let lease = open().head().unwrap().lease.unwrap();
    assert_eq!(lease.holder, "", "nobody leads, and the next one need not wait");
}
