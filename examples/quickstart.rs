//! Two flags, one metric, one plan in a dozen lines.

use rollgate::read::Format;
use rollgate::{Engine, core::error::Error};

const PLAN: &str = "
version: 1
name: checkout
flags: { NEW_CHECKOUT: {} }
metrics: { latency: { kind: distribution, unit: ms } }
phases:
  - id: canary
    duration: 1h
    steps: [ { set: { NEW_CHECKOUT: 25% } } ]
    gates: { latency: { metric: latency, stat: p95, over: 1h, below: 200ms } }
    triggers: { slow: { when: { metric: latency, stat: p95, over: 1m, above: 500ms, for: 5m }, rollback: { to: zero } } }
";

// The README shows these lines.
// <readme>
fn rollout() -> Result<String, Error> {
    let engine = Engine::builder().plan_text(PLAN, Format::Yaml)?.build()?;
    let flag = engine.flag("NEW_CHECKOUT");
    engine.start("on_call")?;
    let on = (0..10_000).filter(|user| flag.is_on(&format!("user-{user}"))).count();
    engine.metric("latency")?.record_for("user-42", 12.3);
    engine.tick();
    Ok(format!("{} of 10000 users are on; the rollout is {}", on, engine.status().status.name()))
}
// </readme>

fn main() -> Result<(), Error> {
    println!("{}", rollout()?);
    Ok(())
}

#[test]
fn the_readme_says_what_it_prints() {
    let readme = include_str!("../README.md");
    let own = include_str!("quickstart.rs");
    let code = own.split("// <readme>\n").nth(1).and_then(|rest| rest.split("// </readme>").next());
    assert!(readme.contains(code.expect("the markers stand")), "the README does not show these lines");
    assert!(readme.contains(&rollout().expect("the example runs")), "the README does not show this output");
}
