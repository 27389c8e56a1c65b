//! The stores that live as long as their process, and how tests cut them off.

use rollgate::core::error::ErrorKind;
use rollgate::store::{MemoryStore, SharedMemoryStore, Store};

use crate::contract::each;
use crate::given::{claim, commit, report, watched};

#[test]
fn the_memory_store_keeps_the_contract() {
    each(
        || {
            let store = MemoryStore::new();
            move || Box::new(store.clone()) as Box<dyn Store>
        },
        false,
    );
}

#[test]
fn the_shared_memory_store_keeps_the_contract() {
    each(
        || {
            let store = SharedMemoryStore::new();
            move || Box::new(store.node()) as Box<dyn Store>
        },
        true,
    );
}

#[test]
fn one_node_is_cut_off_and_the_others_are_not() {
    let one = SharedMemoryStore::new();
    let two = one.node();
    let engines = one.clone();
    one.go_away();
    let away = |result: Result<u64, rollgate::core::error::Error>| result.unwrap_err().kind();
    assert_eq!(away(commit(&engines, 0, 0, 1, 1, 1)), ErrorKind::StoreAway, "a clone goes the same way");
    assert_eq!(away(engines.shared().unwrap().head().map(|head| head.revision)), ErrorKind::StoreAway);
    assert_eq!(two.load(0).unwrap(), None, "nothing got through");
    commit(&two, 0, 0, 2, 1, 1).unwrap();
    one.come_back();
    assert_eq!(engines.load(0).unwrap(), two.load(0).unwrap());
    // What is asked is done; only the answer is lost.
    one.lose_answers();
    assert_eq!(away(commit(&engines, 0, 1, 3, 2, 2)), ErrorKind::StoreAway);
    let shared = engines.shared().unwrap();
    assert_eq!(away(shared.report(&report("n", 1, b""))), ErrorKind::StoreAway);
    assert_eq!(shared.take(None, &claim("one", 1)).unwrap_err().kind(), ErrorKind::StoreAway);
    assert_eq!(shared.beat(1, &claim("one", 2), &watched(2, 1)).unwrap_err().kind(), ErrorKind::StoreAway);
    one.come_back();
    let head = two.shared().unwrap().head().unwrap();
    assert_eq!((head.revision, head.reports, head.lease.unwrap().holder.as_str()), (2, 1, "one"));
}
