//! The floors, and rollgate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rollgate::Engine;
use rollgate::core::bucket::seed;
use rollgate::core::evaluate::{Attribute, Context};
use rollgate::core::units::Share;
use rollgate::flag::Flags;
use rollgate::read::{Format, ruleset};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::row::{Row, check};

/// Flags of the engines that calls by name go to.
pub const FLAGS: usize = 1_000;

/// Flags at 10 %, each written with `more`.
fn plan(more: impl Fn(usize) -> &'static str) -> String {
    let flags: String =
        (0..FLAGS).map(|index| format!("  FLAG_{index:04}: {{ share: 10%{} }}\n", more(index))).collect();
    format!("version: 1\nname: bench\nflags:\n{flags}")
}

/// The flags of a plan.
///
/// # Errors
/// Where it does not compile.
pub fn flags(plan: &str) -> Result<Flags, String> {
    let compiled = ruleset(plan, Format::Yaml).map_err(|problems| problems.to_string())?;
    Ok(Flags::new(Arc::new(compiled.ruleset)))
}

/// A thousand flags, each with a salt of its own.
///
/// # Errors
/// Where the plan does not compile.
pub fn thousand() -> Result<Flags, String> {
    flags(&plan(|_| ""))
}

/// What bounds the calls from below.
///
/// # Errors
/// None.
pub fn floors() -> Result<Vec<Row>, String> {
    let (seed, threshold) =
        (seed("rollout", "FLAG_0500"), Share::from_ppm(100_000).map_or(0, Share::threshold));
    let shared = Arc::new(AtomicU64::new(0));
    let add = Row::of_values("floor/shared_add", "one add to a counter that all threads share", move |_| {
        shared.fetch_add(1, Ordering::Relaxed)
    });
    check("floor/xxh3", |key| (xxh3_64_with_seed(key.as_bytes(), seed) >> 32) < threshold)?;
    Ok(vec![
        Row::new("floor/xxh3", "XXH3 of 16 bytes with a seed, and one comparison", move |key| {
            (xxh3_64_with_seed(key.as_bytes(), seed) >> 32) < threshold
        }),
        {
            let cell = Arc::new((seed, AtomicU64::new(threshold)));
            let does = "the same with the seed and the threshold in memory that another thread may write";
            Row::new("floor/xxh3_behind_atomic", does, move |key| {
                let threshold = cell.1.load(Ordering::Acquire);
                (xxh3_64_with_seed(key.as_bytes(), cell.0) >> 32) < threshold
            })
        },
        add.on_two_threads(),
        add,
    ])
}

/// Reading flags.
///
/// # Errors
/// Where a plan does not compile, or a call does not do what its peers do.
pub fn reads() -> Result<Vec<Row>, String> {
    let flags = thousand()?;
    let handle = flags.flag("FLAG_0500");
    check("rollgate/handle", |key| handle.is_on(key))?;
    let by_handle = {
        let handle = handle.clone();
        Row::new("rollgate/handle", "hashes the key, compares, answers", move |key| handle.is_on(key))
    };
    let counted = {
        let handle = handle.clone();
        Row::new("rollgate/counted", "as by handle, and counts the answer by thread", move |key| {
            handle.is_on_counted(key)
        })
    };
    let name = |flags: &Flags| (flags.clone(), "FLAG_0500");
    let by_name = {
        let (flags, name) = name(&flags);
        Row::new("rollgate/by_name_1000", "finds one of 1,000 flags, hashes the key, compares", move |key| {
            flags.is_on(std::hint::black_box(name), key)
        })
    };
    let counted_by_name = {
        let (flags, name) = name(&flags);
        Row::new("rollgate/counted_by_name", "as by name, and counts the answer by thread", move |key| {
            flags.is_on_counted(std::hint::black_box(name), key)
        })
    };
    let missing = {
        let flags = flags.clone();
        Row::new("rollgate/missing", "looks for a flag that there is not", move |key| {
            flags.is_on(std::hint::black_box("NO_SUCH_FLAG"), key)
        })
    };
    let evaluated = {
        let (flags, name) = name(&flags);
        Row::new(
            "rollgate/evaluate",
            "as by name, and says why: variant, reason, bucket, share, version",
            move |key| flags.evaluate(std::hint::black_box(name), &Context::new(key)),
        )
    };
    let view = {
        let view = flags.view();
        Row::new("rollgate/view", "as evaluate, in a pinned snapshot", move |key| {
            view.is_on(std::hint::black_box("FLAG_0500"), key)
        })
    };
    let all = |name, does, flags: Flags| {
        let call = move |key| {
            let mut bits = [0_u64; FLAGS.div_ceil(64)];
            flags.all_on(key, &mut bits);
            bits
        };
        Row::new(name, does, call).per(FLAGS)
    };
    Ok(vec![
        by_handle.on_two_threads(),
        by_handle,
        counted.on_two_threads(),
        counted,
        by_name,
        counted_by_name,
        missing,
        evaluated,
        view,
        all("rollgate/all_1000", "all 1,000 flags for one key, a flag", flags),
        all(
            "rollgate/all_1000_one_salt",
            "all 1,000 flags of one salt for one key, a flag",
            self::flags(&plan(|_| ", bucketing: { salt: one }"))?,
        ),
    ])
}

/// The attributes of a rule's call, borrowed.
const ATTRIBUTES: [(&str, Attribute<'static>); 3] =
    [("country", Attribute::Text("DE")), ("plan", Attribute::Text("pro")), ("age", Attribute::Number(31.0))];

/// One rule.
///
/// # Errors
/// Where the plan format has no rules, or the call does not do what its peers do.
pub fn rules() -> Result<Vec<Row>, String> {
    let rule = ", share: 0%, rules: [ { when: { attribute: country, in: [DE, AT, CH] }, share: 10% } ]";
    let plan = plan(|_| "").replacen("FLAG_0500: { share: 10%", &format!("FLAG_0500: {{ {}", &rule[2..]), 1);
    let flags = flags(&plan)?;
    let on = |key, attributes: &[(&str, Attribute<'_>)]| {
        flags.is_on_for("FLAG_0500", &Context::new(key).with_attributes(attributes))
    };
    check("rollgate/rule_by_name", |key| on(key, &ATTRIBUTES))?;
    let other = [("country", Attribute::Text("FR"))];
    if (0..1_000).any(|index| on(["a", "b", "c"][index % 3], &other)) {
        return Err("rollgate/rule_by_name: the rule is not asked".to_owned());
    }
    let evaluated = flags.clone();
    Ok(vec![
        Row::new(
            "rollgate/rule_by_name",
            "builds a context of three borrowed attributes, finds one of 1,000 flags, matches its rule, hashes",
            move |key| {
                let attributes = std::hint::black_box(ATTRIBUTES);
                let context = Context::new(key).with_attributes(&attributes);
                flags.is_on_for(std::hint::black_box("FLAG_0500"), &context)
            },
        ),
        Row::new(
            "rollgate/rule_evaluate",
            "the same, and says why: variant, reason, bucket, share, version",
            move |key| {
                let attributes = std::hint::black_box(ATTRIBUTES);
                let context = Context::new(key).with_attributes(&attributes);
                evaluated.evaluate(std::hint::black_box("FLAG_0500"), &context)
            },
        ),
    ])
}

/// Recording samples.
///
/// # Errors
/// Where the plan does not compile.
pub fn records() -> Result<Vec<Row>, String> {
    let plan = "version: 1\nname: bench\nflags: { A: { share: 10% } }\nmetrics:\n\
                \x20 latency: { kind: distribution, unit: ms }\n\
                \x20 armed: { kind: distribution, unit: ms, arms: [A] }\n\
                \x20 errors: { kind: ratio, good: down }\n";
    let engine = Engine::builder().plan_text(plan, Format::Yaml).and_then(|builder| builder.build());
    let engine = engine.map_err(|error| error.to_string())?;
    let metric = |name| engine.metric(name).map_err(|error| error.to_string());
    let (latency, armed, errors) = (metric("latency")?, metric("armed")?, metric("errors")?);
    let record = Row::of_values(
        "rollgate/record",
        "counts the value in its bucket of 0.4 %, and sums it exactly",
        move |value| {
            latency.record(value);
        },
    );
    Ok(vec![
        record.on_two_threads(),
        record,
        Row::of_values("rollgate/record_ratio", "counts one outcome of a ratio", move |_| {
            errors.record_outcome(rollgate::Outcome::False);
        }),
        Row::new(
            "rollgate/record_for_key",
            "evaluates a flag for the key, and counts the value in its arm too",
            move |key| {
                armed.record_for(key, 123.0);
            },
        ),
    ])
}
