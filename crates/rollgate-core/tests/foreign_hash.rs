//! A plan that names another system's bucketing function, with the feature and without it.
#![allow(clippy::unwrap_used)] // A test may fail loudly.

use rollgate_core::compile::compile_config;
use rollgate_core::config::{BucketingConfig, Config, FlagConfig, HashConfig, Named};

fn plan(hash: HashConfig) -> Config {
    let bucketing = BucketingConfig { hash: Some(hash), ..BucketingConfig::default() };
    let flag = FlagConfig { share: Some("50%".into()), bucketing: Some(bucketing), ..FlagConfig::default() };
    let flags = Named::default().with("F", flag);
    Config { version: 1, name: "foreign".into(), flags, ..Config::default() }
}

const FOREIGN: [HashConfig; 5] = [
    HashConfig::Unleash,
    HashConfig::LaunchDarkly,
    HashConfig::GrowthBook1,
    HashConfig::GrowthBook2,
    HashConfig::Flagd,
];

#[cfg(feature = "foreign-hash")]
#[test]
fn with_the_feature_every_function_is_there_under_its_name() {
    use rollgate_core::bucket::Hash;
    for (hash, (name, expected)) in FOREIGN.into_iter().zip(&Hash::ALL[1..]) {
        let ruleset = compile_config(&plan(hash)).unwrap().ruleset;
        assert_eq!(ruleset.flags[0].bucketer.hash, *expected);
        assert_eq!(expected.name(), *name);
        assert!(Hash::FOREIGN.contains(name));
    }
    assert_eq!(Hash::FOREIGN.len() + 1, Hash::ALL.len());
}

#[cfg(not(feature = "foreign-hash"))]
#[test]
fn without_the_feature_a_plan_that_names_one_is_refused_with_its_name() {
    for hash in FOREIGN {
        let problems = compile_config(&plan(hash)).unwrap_err();
        let problem = &problems.0[0];
        assert_eq!((problem.code, problem.path.as_str()), ("no-foreign-hash", "flags.F.bucketing.hash"));
        assert!(problem.help.as_deref().unwrap().contains("the feature `foreign-hash`"), "{problem}");
    }
    compile_config(&plan(HashConfig::Rollgate1)).unwrap();
}
