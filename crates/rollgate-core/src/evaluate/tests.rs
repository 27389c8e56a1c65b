//! The order of SEMANTICS 2.1, step by step, and the proportions of nested flags.

use std::sync::Arc;

use super::*;
use crate::id::{FlagId, Key};
use crate::limits::WITHIN_DEPTH_MAX;
use crate::snapshot::{Bucketing, Flag, FlagState, KeyList, Parent, Ruleset, ShareOf, Snapshot};
use crate::time::Span;
use crate::units::Share;

fn flag(key: &str, salt: &str, percent: u32) -> Flag {
    Flag { initial: Share::from_ppm(percent * 10_000).unwrap(), ..Flag::new(key, salt) }
}

fn inside(parent: u16, share_of: ShareOf, same_bucket: bool, flag: Flag) -> Flag {
    Flag { parent: Some(Parent { flag: FlagId(parent), share_of, same_bucket }), ..flag }
}

fn snapshot(flags: Vec<Flag>) -> Snapshot {
    let index = flags.iter().enumerate().map(|(index, flag)| (flag.key.clone(), FlagId(index as u16)));
    let mut flag_index: Vec<(Key, FlagId)> = index.collect();
    flag_index.sort();
    let key = Key::new;
    Snapshot::initial(Arc::new(Ruleset {
        name: key("test"),
        title: String::new(),
        about: Default::default(),
        hash: key(""),
        timezone: key("UTC"),
        evaluate_every: Span::seconds(10),
        quorum: 1,
        alerts: Default::default(),
        prometheus: None,
        expected_traffic: None,
        flags,
        holdbacks: Vec::new(),
        metrics: Vec::new(),
        roles: Vec::new(),
        baselines: Vec::new(),
        streaks: 0,
        plan: None,
        flag_index,
    }))
}

fn with_state(mut snapshot: Snapshot, index: usize, change: impl Fn(&mut FlagState)) -> Snapshot {
    change(&mut snapshot.states[index]);
    snapshot
}

/// What a flag gives and why.
#[track_caller]
fn gives(snapshot: &Snapshot, flag: &str, context: &Context<'_>, expected: (Option<Variant>, &str)) {
    let answer = evaluate(snapshot, FlagRef::Name(flag), context);
    let why = answer.error.map_or(answer.reason.name(), ErrorCode::name);
    assert_eq!((answer.variant, why), expected, "{flag}: {answer:?}");
    assert_eq!(answer.error.is_some(), answer.reason == Reason::Error);
}

const ON: Option<Variant> = Some(Variant::On);
const OFF: Option<Variant> = Some(Variant::Off);

#[test]
fn a_kill_comes_before_everything() {
    let listed = Flag { always_on: KeyList::new(["ann"]), is_enabled: false, ..flag("F", "F", 100) };
    let killed = with_state(snapshot(vec![listed]), 0, |state| state.is_killed = true);
    gives(&killed, "F", &Context::new("ann"), (OFF, "STATIC"));
}

#[test]
fn a_disabled_flag_gives_the_callers_default() {
    let listed = Flag { always_on: KeyList::new(["ann"]), is_enabled: false, ..flag("F", "F", 100) };
    let snapshot = snapshot(vec![listed]);
    gives(&snapshot, "F", &Context::new("ann"), (None, "DISABLED"));
    let answer = evaluate(&snapshot, FlagRef::Name("F"), &Context::new("ann"));
    assert!(answer.value_or(true) && !answer.value_or(false) && !answer.is_on());
}

#[test]
fn a_parent_comes_before_the_childs_lists() {
    let child = Flag { always_on: KeyList::new(["ann"]), ..flag("CHILD", "s", 100) };
    let flags = |percent| vec![flag("PARENT", "s", percent), inside(0, ShareOf::Total, true, child.clone())];
    gives(&snapshot(flags(0)), "CHILD", &Context::new("ann"), (OFF, "STATIC"));
    gives(&snapshot(flags(100)), "CHILD", &Context::new("ann"), (ON, "TARGETING_MATCH"));
    let parent_killed = with_state(snapshot(flags(100)), 0, |state| state.is_killed = true);
    gives(&parent_killed, "CHILD", &Context::new("ann"), (OFF, "STATIC"));
}

#[test]
fn everybody_inside_a_split_parent_is_still_a_split() {
    let child = inside(0, ShareOf::Parent, true, flag("CHILD", "s", 100));
    let snapshot = snapshot(vec![flag("PARENT", "s", 50), child]);
    for index in 0..100 {
        let key = format!("user-{index}");
        let parent = evaluate(&snapshot, FlagRef::Name("PARENT"), &Context::new(&key));
        gives(&snapshot, "CHILD", &Context::new(&key), (parent.variant, "SPLIT"));
    }
}

#[test]
fn an_operators_share_comes_before_lists() {
    let listed = Flag { always_on: KeyList::new(["ann"]), ..flag("F", "F", 0) };
    let snapshot = snapshot(vec![listed]);
    gives(&snapshot, "F", &Context::new("ann"), (ON, "TARGETING_MATCH"));
    let overridden = with_state(snapshot, 0, |state| state.is_overridden = true);
    gives(&overridden, "F", &Context::new("ann"), (OFF, "STATIC"));
}

#[test]
fn always_off_wins_over_always_on() {
    let listed = Flag {
        always_on: KeyList::new(["ann", "bob"]),
        always_off: KeyList::new(["bob"]),
        ..flag("F", "F", 100)
    };
    let snapshot = snapshot(vec![listed]);
    gives(&snapshot, "F", &Context::new("ann"), (ON, "TARGETING_MATCH"));
    gives(&snapshot, "F", &Context::new("bob"), (OFF, "TARGETING_MATCH"));
    gives(&snapshot, "F", &Context::new("eve"), (ON, "STATIC"));
}

#[test]
fn only_a_split_needs_a_key() {
    let snapshot = snapshot(vec![flag("NONE", "a", 0), flag("HALF", "b", 50), flag("ALL", "c", 100)]);
    for context in [Context::empty(), Context::new("")] {
        gives(&snapshot, "NONE", &context, (OFF, "STATIC"));
        gives(&snapshot, "HALF", &context, (None, "TARGETING_KEY_MISSING"));
        gives(&snapshot, "ALL", &context, (ON, "STATIC"));
        gives(&snapshot, "OTHER", &context, (None, "FLAG_NOT_FOUND"));
    }
}

#[test]
fn an_attribute_buckets_only_where_it_is_text() {
    let by = Bucketing::Attribute(Key::new("company"));
    let snapshot = snapshot(vec![Flag { by, ..flag("F", "s", 50) }, flag("KEYED", "s", 50)]);
    for company in ["acme", "globex", "initech", "umbrella"] {
        let attributes = [("plan", Attribute::Bool(true)), ("company", Attribute::Text(company))];
        let context = Context::new("ann").with_attributes(&attributes);
        let keyed = evaluate(&snapshot, FlagRef::Name("KEYED"), &Context::new(company));
        gives(&snapshot, "F", &context, (keyed.variant, "SPLIT"));
    }
    for attributes in [&[("company", Attribute::Number(7.0))][..], &[("company", Attribute::Text(""))], &[]] {
        let context = Context::new("ann").with_attributes(attributes);
        gives(&snapshot, "F", &context, (None, "TARGETING_KEY_MISSING"));
    }
}

#[test]
fn a_circle_of_parents_is_an_error_and_not_a_crash() {
    let snapshot = snapshot(vec![
        inside(1, ShareOf::Total, true, flag("A", "s", 50)),
        inside(0, ShareOf::Total, true, flag("B", "s", 50)),
    ]);
    gives(&snapshot, "A", &Context::new("ann"), (None, "PARSE_ERROR"));
    assert!(reach(&snapshot, FlagId(0), 0) <= Share::FULL.threshold());
    let beyond = FlagRef::Id(FlagId(9));
    assert_eq!(evaluate(&snapshot, beyond, &Context::new("ann")).error, Some(ErrorCode::FlagNotFound));
}

#[test]
fn the_deepest_nesting_that_compiles_is_evaluated() {
    let mut flags = vec![flag("F0", "s", 100)];
    for depth in 1..=WITHIN_DEPTH_MAX {
        let next = flag(&format!("F{depth}"), "s", 100);
        flags.push(inside(depth as u16 - 1, ShareOf::Parent, true, next));
    }
    gives(&snapshot(flags), &format!("F{WITHIN_DEPTH_MAX}"), &Context::new("ann"), (ON, "STATIC"));
}

#[test]
fn nested_shares_have_their_proportions() {
    let snapshot = snapshot(vec![
        flag("PARENT", "s", 50),
        inside(0, ShareOf::Total, true, flag("TOTAL", "s", 10)),
        inside(0, ShareOf::Parent, true, flag("PART", "s", 10)),
        inside(0, ShareOf::Parent, false, flag("OWN", "o", 20)),
        inside(3, ShareOf::Parent, true, flag("DEEP", "o", 50)),
    ]);
    let subjects = 100_000_u32;
    // Parts of all subjects: a share of the parent's subjects is a product.
    let expected = [0.5, 0.1, 0.05, 0.1, 0.05];
    let mut counts = [0_u32; 5];
    for index in 0..subjects {
        let key = format!("user-{index}");
        let context = Context::new(&key);
        let is_on = |flag: u16| evaluate(&snapshot, FlagRef::Id(FlagId(flag)), &context).is_on();
        let answers = [0, 1, 2, 3, 4].map(is_on);
        assert!(answers[0] || !answers.contains(&true), "{key}: a child outside its parent");
        assert!(answers[3] || !answers[4], "{key}: a grandchild outside its parent");
        answers.iter().zip(&mut counts).for_each(|(is_on, count)| *count += u32::from(*is_on));
    }
    for (count, part) in counts.into_iter().zip(expected) {
        let n = f64::from(subjects);
        let deviation = (n * part * (1.0 - part)).sqrt();
        assert!((f64::from(count) - n * part).abs() < 4.9 * deviation, "{counts:?}");
    }
}

#[test]
fn an_explanation_shows_every_step() {
    let snapshot = snapshot(vec![
        flag("USE_X", "s", 100),
        inside(0, ShareOf::Total, true, flag("USE_Y", "s", 10)),
        Flag { always_off: KeyList::new(["eve"]), ..flag("USE_Z", "z", 10) },
    ]);
    let explain = |flag, key| {
        let mut trail = Trail::default();
        let context = Context::new(key);
        let answer = evaluate_with(&snapshot, FlagRef::Name(flag), &context, &mut trail);
        assert_eq!(answer, evaluate(&snapshot, FlagRef::Name(flag), &context), "looking changes nothing");
        trail.0
    };
    let bucket = crate::bucket::bucket(crate::bucket::seed(crate::bucket::ROLLOUT, "s"), b"ann");
    // 2^32 * 10 %, rounded down; the bucket of "ann" lies at 9.1288 % of 2^32.
    assert_eq!(bucket, 392_077_869);
    assert_eq!(
        explain("USE_Y", "ann"),
        [
            "flag USE_Y (salt s)".to_owned(),
            "asks USE_X (salt s)".to_owned(),
            "share 100%: on for everybody".to_owned(),
            "inside USE_X: on, go on".to_owned(),
            "bucket 392077869 (9.1288% of the way) is below threshold 429496729 (10%): on".to_owned(),
        ]
    );
    assert_eq!(explain("USE_Z", "eve"), ["flag USE_Z (salt z)", "the key is in always_off"]);
    let unlisted = explain("USE_Z", "ann");
    assert_eq!((unlisted.len(), &*unlisted[1]), (3, "the key is on no list"));
    assert_eq!(explain("USE_Z", ""), ["flag USE_Z (salt z)", "TARGETING_KEY_MISSING: the caller's default"]);
    assert_eq!(explain("USE_W", "ann"), ["FLAG_NOT_FOUND: the caller's default"]);
}
