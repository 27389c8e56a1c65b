//! The plan file as serde types: filled in by a program, read from a file, written out again.
#![allow(clippy::unwrap_used, clippy::panic)] // A test may fail loudly.

use std::path::{Path, PathBuf};

use rollgate::core::compile::{Problem, compile, compile_config};
use rollgate::core::config::{
    ConditionConfig, Config, FlagConfig, GateConfig, KindConfig, MetricConfig, Named, Node, PhaseConfig,
    RollbackConfig, StepConfig, TriggerConfig, WrittenShare,
};
use rollgate::core::units::Share;
use rollgate::read::{Format, config, object, ruleset, tree};
use serde::Deserialize;

fn plans() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/plans")
}

const PLANS: [(&str, Format); 4] = [
    ("every-key.yaml", Format::Yaml),
    ("memory-system.yaml", Format::Yaml),
    ("memory-system.toml", Format::Toml),
    ("memory-system.json", Format::Json),
];

fn text(name: &str) -> String {
    std::fs::read_to_string(plans().join(name)).unwrap()
}

#[test]
fn a_plan_goes_through_the_types_and_stays_the_same_ruleset() {
    for (name, format) in PLANS {
        let text = text(name);
        let direct = match ruleset(&text, format) {
            Ok(compiled) => compiled.ruleset,
            Err(problems) => panic!("{name}:\n{problems}"),
        };
        let written: Config = config(&text, format).unwrap();
        let again = compile_config(&written).unwrap().ruleset;
        assert_eq!(direct, again, "{name}");
        assert_eq!(direct.hash, again.hash, "{name}");
        // Through JSON text, as a program would store it.
        let json = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), written, "{name}");
        assert_eq!(ruleset(&json, Format::Json).unwrap().ruleset, direct, "{name}");
        assert_eq!(object(&serde_json::from_str(&json).unwrap()).unwrap().ruleset, direct, "{name}");
    }
}

/// Keys that are not written are not written back.
#[test]
fn a_config_writes_what_was_read_and_nothing_else() {
    fn keys(node: &Node, path: &str, found: &mut Vec<String>) {
        use rollgate::core::config::Value;
        match &node.value {
            Value::Map(entries) => entries.iter().for_each(|(key, _, inner)| {
                found.push(format!("{path}.{key}"));
                keys(inner, &format!("{path}.{key}"), found);
            }),
            Value::List(items) => {
                items.iter().enumerate().for_each(|(at, inner)| keys(inner, &format!("{path}[{at}]"), found));
            }
            Value::Scalar(_) => {}
        }
    }
    for (name, format) in PLANS {
        let tree = tree(&text(name), format).unwrap();
        let (mut before, mut after) = (Vec::new(), Vec::new());
        keys(&tree, "", &mut before);
        keys(&Node::of(&Config::deserialize(&tree).unwrap()).unwrap(), "", &mut after);
        before.sort();
        after.sort();
        assert_eq!(before, after, "{name}");
    }
}

fn program() -> Config {
    let metric = MetricConfig {
        kind: KindConfig::Event,
        unit: None,
        good: None,
        description: None,
        arms: None,
        max_gap: None,
        curable: None,
        view: None,
        scope: None,
        source: None,
    };
    let crashes = |limit: &str| ConditionConfig {
        metric: Some("crashes".into()),
        stat: Some("count".into()),
        over: Some("1m".into()),
        at_least: Some(limit.into()),
        ..ConditionConfig::default()
    };
    Config {
        version: 1,
        name: "by-hand".into(),
        flags: Named::default().with("USE_X", FlagConfig::default()),
        metrics: Some(Named::default().with("crashes", metric)),
        phases: Some(vec![PhaseConfig {
            id: "all".into(),
            duration: "1d".into(),
            steps: Some(vec![StepConfig {
                set: Named::default().with("USE_X", WrittenShare::of(Share::FULL)),
                ..StepConfig::default()
            }]),
            gates: Some(Named::default().with(
                "calm",
                GateConfig {
                    metric: Some("crashes".into()),
                    stat: Some("count".into()),
                    over: Some("phase".into()),
                    at_most: Some("0".into()),
                    ..GateConfig::default()
                },
            )),
            triggers: Some(Named::default().with(
                "crash",
                TriggerConfig {
                    mode: None,
                    severity: None,
                    when: crashes("1"),
                    rollback: RollbackConfig { to: Some("zero".into()), set: None },
                    approve_by: None,
                    settle: None,
                    dry_run: None,
                },
            )),
            ..PhaseConfig::default()
        }]),
        ..Config::default()
    }
}

#[test]
fn a_program_fills_a_config_in_and_opens_an_engine_with_it() {
    let compiled = compile_config(&program()).unwrap();
    assert!(compiled.warnings.is_empty(), "{:?}", compiled.warnings);
    let engine = rollgate::Engine::builder().config(&program()).unwrap().build().unwrap();
    assert!(!engine.is_on("USE_X", "user-42"));
    let json = serde_json::to_value(program()).unwrap();
    assert!(rollgate::Engine::builder().plan_object(&json).is_ok());
}

fn listed(problems: &[Problem]) -> Vec<(&str, &str, u32)> {
    problems.iter().map(|problem| (problem.code, problem.path.as_str(), problem.line)).collect()
}

#[test]
fn a_config_is_refused_with_all_of_its_problems_by_path() {
    let mut wrong = program();
    wrong.name = "no name".into();
    let phase = &mut wrong.phases.as_mut().unwrap()[0];
    phase.steps.as_mut().unwrap()[0].set = Named::default().with("USE_Y", "1".into());
    phase.triggers.as_mut().unwrap().0[0].1.when.at_least = Some("NaN".into());
    let problems = compile_config(&wrong).unwrap_err();
    let expected = [
        ("invalid-key", "name", 0),
        ("wrong-share", "phases[0].steps[0].set.USE_Y", 0),
        ("unknown-flag", "phases[0].steps[0].set.USE_Y", 0),
        ("wrong-number", "phases[0].triggers.crash.when.at_least", 0),
    ];
    assert_eq!(listed(&problems.0), expected, "{problems}");
    assert!(problems.to_string().starts_with("error[invalid-key]: name: "), "{problems}");
    assert!(rollgate::Engine::builder().config(&wrong).is_err());
}

#[test]
fn a_name_that_is_there_twice_is_refused() {
    let mut twice = program();
    twice.flags.0.push(("USE_X".into(), FlagConfig::default()));
    assert!(compile_config(&twice).unwrap_err().to_string().contains("`USE_X` is there twice"));
}

#[test]
fn an_object_keeps_its_numbers_and_their_meaning() {
    let with = |share: serde_json::Value| {
        let plan = serde_json::json!({ "version": 1, "name": "n", "flags": { "A": { "share": share } } });
        object(&plan).map(|compiled| compiled.ruleset.flags[0].initial.ppm())
    };
    assert_eq!(with(0.25.into()).unwrap(), 250_000);
    assert_eq!(with(1.0.into()).unwrap(), 1_000_000);
    assert_eq!(with("10%".into()).unwrap(), 100_000);
    for wrong in [serde_json::json!(1), 1.5.into(), (-0.1).into(), true.into(), serde_json::Value::Null] {
        let problems = with(wrong.clone()).unwrap_err();
        assert_eq!(problems.0[0].path, "flags.A.share", "{wrong}: {problems}");
    }
    assert_eq!(object(&serde_json::json!([1])).unwrap_err().0[0].code, "wrong-type");
}

/// A key that the types do not know is refused by them, as it is by the compiler.
#[test]
fn unknown_keys_are_refused_by_the_types_too() {
    let text = text("every-key.yaml").replacen("next_review:", "next_revue:", 1);
    assert!(config(&text, Format::Yaml).unwrap_err().to_string().contains("unknown field `next_revue`"));
    assert!(
        compile(&tree(&text, Format::Yaml).unwrap())
            .unwrap_err()
            .to_string()
            .contains("did you mean `next_review`?")
    );
}
