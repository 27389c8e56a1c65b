//! Handle, name, view and batch against each other.

use super::*;
use crate::mirror::Answer;
use crate::read::{Format, ruleset};
use proptest::prelude::*;
use rollgate_core::evaluate::Attribute;
use rollgate_core::snapshot::FlagState;
use rollgate_core::units::Share;

const PLAN: &str = "
version: 1
name: flags
flags:
  PARENT: { bucketing: { salt: s }, share: 50% }
  TOTAL: { bucketing: { salt: s }, within: PARENT, share_of: total, share: 10% }
  PART: { bucketing: { salt: s }, within: PARENT, share_of: parent, share: 10% }
  OWN: { bucketing: { salt: o }, within: PARENT, share_of: parent, share: 50% }
  LISTED: { share: 0%, always_on: [tester], always_off: [banned] }
  OFF: { enabled: false, share: 100% }
";

/// Flags with rules: those that hang on nothing but themselves, and those that do not.
const RULES: &str = "
version: 1
name: rules
flags:
  FIRST: { share: 50%, rules: [ { when: { attribute: country, in: [DE, AT] }, share: 30% } ] }
  SECOND:
    share: 20%
    always_on: [tester]
    always_off: [banned]
    rules:
      - { when: { all: [ { attribute: age, above: 30 }, { not: { attribute: country, in: [AT] } } ] }, share: 100% }
      - { when: { attribute: targeting_key, starts_with: [a] }, serve: false }
      - { when: { attribute: country, in: [FR] }, share: 40%, bucketing: { by: team }, otherwise: next }
  SIZES:
    share: 60%
    variants: { small: { value: 1, share: 50% }, large: { value: 2, share: 50% } }
    rules: [ { when: { attribute: country, in: [DE] }, serve: large } ]
  ONE:
    share: 60%
    variants: { only: { value: 1, share: 100% } }
    rules: [ { when: { attribute: country, in: [DE] }, share: 25% } ]
  ASKING: { share: 30%, rules: [ { when: { flag: FIRST, serves: true }, share: 100% } ] }
  INSIDE: { share: 90%, within: FIRST, share_of: parent, rules: [ { when: { attribute: country, in: [DE] }, share: 100% } ] }
";

fn flags() -> Flags {
    Flags::new(Arc::new(ruleset(PLAN, Format::Yaml).unwrap().ruleset))
}

/// What one flag gives for several keys at once.
fn each(flag: &Flag, keys: &[&str]) -> Vec<bool> {
    let mut answers = vec![None; keys.len()];
    let beside = keys.iter().enumerate().map(|(place, key)| (place, key.as_bytes()));
    flag.is_on_each(beside, |place, is_on| answers[place] = Some(is_on));
    answers.into_iter().map(|answer| answer.unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn handle_name_and_view_give_one_answer(
        key in ".{0,40}",
        shares in prop::collection::vec(0_u32..=1_000_000, 6),
        killed in any::<bool>(),
        overridden in any::<bool>(),
    ) {
        let flags = flags();
        let states = shares.iter().map(|ppm| FlagState {
            share: Share::from_ppm(*ppm).unwrap(), is_killed: killed, is_overridden: overridden,
        });
        let states = states.collect();
        let ruleset = flags.shared.snapshots.load().ruleset.clone();
        let mirrors: &'static [FlagMirror; 8] = Box::leak(Box::default());
        let tag = Tag::new(7).unwrap();
        flags.lend_mirrors(mirrors, tag);
        prop_assert_eq!(flags.publish(Snapshot { version: 2, ruleset, states }), Published::Current);
        let view = flags.view();
        let mut bits = [u64::MAX; 2];
        flags.all_on(&key, &mut bits);
        for (place, mirror) in mirrors.iter().enumerate() {
            let Some(cell) = flags.shared.cells.get(place) else {
                prop_assert_eq!(mirror.terms(tag), None);
                continue;
            };
            let answer = mirror.terms(tag).unwrap().is_on(key.as_bytes());
            let wanted = view.evaluate(cell.key.as_str(), &Context::new(&key));
            prop_assert!(answer.is_none_or(|answer| answer == wanted.is_on()), "{}", place);
            for (least, fallback) in [(0, false), (1, true)] {
                let usual = mirror.is_on_usual(tag.number(), least, key.as_bytes());
                prop_assert!(usual.is_none_or(|answer| answer == wanted.value_or(fallback)), "{}", place);
                let answer = mirror.answer(tag.number(), fallback, key.as_bytes());
                prop_assert_ne!(answer, Answer::Stale);
                if let Answer::Is(is_on) = answer {
                    prop_assert_eq!(is_on, wanted.value_or(fallback), "{}", place);
                }
                prop_assert!(usual.is_none_or(|is_on| answer == Answer::Is(is_on)), "{}", place);
            }
            prop_assert!(mirror.is_lent(tag.number()));
            for number in [0, 1, tag.number() | 1, tag.number() | 2, tag.number() | 3, tag.number() + 4, u32::MAX] {
                prop_assert_ne!(mirror.is_on_usual(number, 0, key.as_bytes()), Some(true));
                prop_assert_ne!(mirror.answer(number, false, key.as_bytes()), Answer::Is(true));
                prop_assert_ne!(mirror.answer(number, true, key.as_bytes()), Answer::Is(true));
                prop_assert!(!mirror.is_lent(number));
                prop_assert!(Tag::of(number).is_none_or(|other| mirror.terms(other).is_none()));
            }
        }
        prop_assert_eq!(bits[1], 0);
        for (place, (name, _)) in flags.exposures().into_iter().enumerate() {
            prop_assert_eq!(bits[0] >> place & 1 == 1, flags.is_on(name.as_str(), &key), "{}", name);
        }
        prop_assert_eq!(bits[0] >> flags.count(), 0);
        for name in ["PARENT", "TOTAL", "PART", "OWN", "LISTED", "OFF", "NONE"] {
            let by_view = view.is_on(name, &key);
            prop_assert_eq!(flags.is_on(name, &key), by_view, "{}", name);
            prop_assert_eq!(flags.flag(name).is_on(&key), by_view, "{}", name);
            prop_assert_eq!(flags.evaluate(name, &Context::new(&key)).is_on(), by_view, "{}", name);
            let by_each = each(&flags.flag(name), &[&key, "", "tester", &key]);
            prop_assert_eq!(by_each, [by_view, view.is_on(name, ""), view.is_on(name, "tester"), by_view], "{}", name);
        }
        for child in ["TOTAL", "PART", "OWN"] {
            prop_assert!(!view.is_on(child, &key) || view.is_on("PARENT", &key));
        }
    }

    #[test]
    fn yes_or_no_is_the_answer_without_its_reason(
        key in "|tester|banned|a[a-z]{0,12}|[a-z]{1,20}",
        country in "|DE|AT|FR|US",
        team in "|[a-z]{1,6}",
        age in 0_u32..60,
        shares in prop::collection::vec(0_u32..=1_000_000, 6),
        ends in 0_u32..4,
        killed in any::<bool>(),
        overridden in any::<bool>(),
    ) {
        let flags = Flags::new(Arc::new(ruleset(RULES, Format::Yaml).unwrap().ruleset));
        let states = shares.iter().map(|ppm| FlagState {
            share: Share::from_ppm(match ends { 0 => 0, 1 => 1_000_000, _ => *ppm }).unwrap(),
            is_killed: killed && ends == 2,
            is_overridden: overridden,
        });
        let states = states.collect();
        let ruleset = flags.shared.snapshots.load().ruleset.clone();
        prop_assert_eq!(flags.publish(Snapshot { version: 2, ruleset, states }), Published::Current);
        let attributes = [
            ("country", Attribute::Text(&country)),
            ("team", Attribute::Text(&team)),
            ("age", Attribute::Number(age.into())),
        ];
        // Each may be missing.
        for from in 0..=attributes.len() {
            let context = Context { targeting_key: Some(key.as_bytes()).filter(|_| from < 2), attributes: &attributes[from..] };
            for name in ["FIRST", "SECOND", "SIZES", "ONE", "ASKING", "INSIDE", "NONE"] {
                let answer = flags.evaluate(name, &context);
                prop_assert_eq!(flags.is_on_for(name, &context), answer.is_on(), "{}: {:?}", name, answer);
                prop_assert_eq!(flags.flag(name).is_on_for(&context), answer.is_on(), "{}: {:?}", name, answer);
            }
        }
        let mut bits = [0];
        flags.all_on(&key, &mut bits);
        for (place, (name, _)) in flags.exposures().into_iter().enumerate() {
            let is_on = flags.evaluate(name.as_str(), &Context::new(&key)).is_on();
            prop_assert_eq!(flags.is_on(name.as_str(), &key), is_on, "{}", name);
            prop_assert_eq!(each(&flags.flag(name.as_str()), &[&key, &key]), [is_on; 2], "{}", name);
            prop_assert_eq!(bits[0] >> place & 1 == 1, is_on, "{}", name);
        }
    }

    #[test]
    fn raising_a_share_only_adds_subjects(key in ".{1,40}", low in 0_u32..=1_000_000, more in 0_u32..=1_000_000) {
        let flags = flags();
        let high = low.saturating_add(more).min(1_000_000);
        let at = |ppm| {
            let share = Share::from_ppm(ppm).unwrap();
            let states = vec![FlagState { share, ..FlagState::default() }; 6].into();
            let view = Snapshot { version: 1, ruleset: flags.shared.snapshots.load().ruleset.clone(), states };
            ["PARENT", "TOTAL", "PART", "OWN"].map(|name| evaluate(&view, FlagRef::Name(name), &Context::new(&key)).is_on())
        };
        for (was, is) in at(low).into_iter().zip(at(high)) {
            prop_assert!(!was || is);
        }
    }
}

#[test]
fn a_view_is_of_one_version_while_others_are_published() {
    const LAST: u64 = 2_000;
    let flags = flags();
    let names = ["PARENT", "TOTAL", "PART", "OWN"];
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while last < LAST {
                    let view = flags.view();
                    assert!(view.version() >= last);
                    last = view.version();
                    // Odd versions have every flag at 0 %, even ones at 100 %; the first one is the plan's.
                    for name in names.into_iter().filter(|_| last > 1) {
                        assert_eq!(view.is_on(name, "ann"), last % 2 == 0, "{name} at {last}");
                    }
                    let by_name = flags.evaluate("TOTAL", &Context::new("ann"));
                    assert!(by_name.version >= last);
                    assert!(by_name.version == 1 || by_name.is_on() == by_name.version.is_multiple_of(2));
                }
            });
        }
        for version in 2..=LAST {
            let share = if version % 2 == 0 { Share::FULL } else { Share::ZERO };
            let states = vec![FlagState { share, ..FlagState::default() }; 6].into();
            let ruleset = flags.shared.snapshots.load().ruleset.clone();
            assert_eq!(flags.publish(Snapshot { version, ruleset, states }), Published::Current);
        }
    });
    // Handles change one after the other behind the snapshot; once it is published they agree with it.
    assert!(names.into_iter().all(|name| flags.flag(name).is_on("ann")));
}

#[test]
fn exposures_of_all_threads_are_counted_exactly() {
    let flags = flags();
    let answers = |from: usize, count: &dyn Fn(&str) -> bool| {
        (from..from + 1_000).filter(|index| count(&format!("user-{index}"))).count() as u64
    };
    let on = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (flags, on, handle) = (&flags, &on, flags.flag("PARENT"));
            scope.spawn(move || {
                let by_handle = answers(thread * 1_000, &|key| handle.is_on_counted(key));
                let by_name = answers(thread * 1_000, &|key| flags.is_on_counted("PARENT", key));
                assert_eq!(by_handle, by_name);
                on.fetch_add(by_handle + by_name, Ordering::Relaxed);
            });
        }
    });
    let on = on.into_inner();
    assert!((3_500..4_500).contains(&on));
    assert_eq!(flags.flag("PARENT").exposures(), Exposures { on, off: 8_000 - on });
    // Calls that do not count, unknown flags and flags nobody asked for.
    assert!(!flags.flag("PARENT").is_on("") && !flags.is_on_counted("NONE", "ann"));
    assert!(!flags.flag("NONE").is_on_counted("ann"));
    assert!(!flags.is_on_counted("OFF", "ann"));
    assert_eq!(flags.flag("NONE").exposures(), Exposures::default());
    let counted: Vec<Exposures> = flags.exposures().into_iter().map(|(_, counted)| counted).collect();
    let none = Exposures::default();
    assert_eq!(counted[1..], [none, none, none, none, Exposures { on: 0, off: 1 }]);
}

#[test]
fn a_batch_is_of_one_version_while_others_are_published() {
    const LAST: u64 = 2_000;
    let flags = flags();
    let publish = |version: u64| {
        let share = if version.is_multiple_of(2) { Share::FULL } else { Share::ZERO };
        let states = vec![FlagState { share, ..FlagState::default() }; 6].into();
        let ruleset = flags.shared.snapshots.load().ruleset.clone();
        assert_eq!(flags.publish(Snapshot { version, ruleset, states }), Published::Current);
    };
    publish(2);
    // All but the disabled one; one of them needs the whole evaluation.
    let everybody = 0b01_1111;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut bits = [0];
                while flags.view().version() < LAST {
                    flags.all_on("ann", &mut bits);
                    assert!(bits == [0] || bits == [everybody], "{bits:?}");
                }
            });
        }
        (3..=LAST).for_each(publish);
    });
    let mut bits = [0];
    flags.all_on("ann", &mut bits);
    assert_eq!(bits, [everybody]);
}

#[test]
fn lists_and_errors_say_why() {
    let flags = flags();
    let why = |flag, key: &str| {
        let context = if key.is_empty() { Context::empty() } else { Context::new(key) };
        let answer = flags.evaluate(flag, &context);
        (answer.is_on(), answer.reason.name(), answer.error.map(|code| code.name()))
    };
    assert_eq!(why("LISTED", "tester"), (true, "TARGETING_MATCH", None));
    assert_eq!(why("LISTED", "banned"), (false, "TARGETING_MATCH", None));
    assert_eq!(why("LISTED", "other"), (false, "STATIC", None));
    assert_eq!(why("OFF", "other"), (false, "DISABLED", None));
    assert_eq!(why("NONE", "other"), (false, "ERROR", Some("FLAG_NOT_FOUND")));
    assert_eq!(why("PARENT", ""), (false, "ERROR", Some("TARGETING_KEY_MISSING")));
    assert_eq!(why("PARENT", "user").1, "SPLIT");
}

#[test]
fn mirror_taken_back_stays_as_it_is_and_one_that_was_asked_is_told_of() {
    let flags = flags();
    let mirrors: &'static [FlagMirror; 6] = Box::leak(Box::default());
    let publish = |version, ppm| {
        let ruleset = flags.shared.snapshots.load().ruleset.clone();
        let states = ruleset
            .flags
            .iter()
            .map(|_| FlagState { share: Share::from_ppm(ppm).unwrap(), ..FlagState::default() });
        let states = states.collect();
        flags.publish(Snapshot { version, ruleset, states });
    };
    let tag = Tag::new(1).unwrap();
    let terms = || mirrors[0].terms(tag);
    flags.lend_mirrors(mirrors, tag);
    publish(2, 1_000_000);
    assert_eq!(terms().unwrap().is_on(b"x"), Some(true));
    assert!(terms().unwrap().is_above() && !flags.is_asked("PARENT"));
    assert_eq!(mirrors[0].answer(tag.number(), false, b"x"), Answer::Is(true));
    assert!(flags.is_asked("PARENT"));
    flags.forget_asked();
    assert!(!flags.is_asked("PARENT"));
    flags.take_mirrors_back();
    publish(3, 0);
    assert_eq!(terms().unwrap().is_on(b"x"), Some(true));
    assert!(!flags.is_on("PARENT", "x"));
    mirrors[0].clear();
    assert_eq!(terms(), None);
    assert_eq!(mirrors[0].answer(tag.number(), false, b"x"), Answer::Stale);
}
