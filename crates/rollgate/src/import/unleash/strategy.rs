//! Unleash's strategies: whom they are for, how many of those, and which variants they give.

use rollgate_core::config::{
    BucketingConfig, HashConfig, Named, OneOrMany, OtherwiseConfig, RuleConfig, ServeConfig, TargetConfig,
};
use serde_json::Value;

use super::super::NoteKind;
use super::super::draft::Draft;
use super::super::fields::{Bad, Fields};
use super::super::words::{self, all, any, in_network, is_in, networks, present, share};
use super::constraint::{constraints, field};
use super::variant::{self, Choice, Owner, Table};

/// How many of those that a strategy is for.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// 0 ..= 100.
    pub(super) percent: u64,
    /// What it hashes, where it is a part.
    pub(super) bucketing: Option<BucketingConfig>,
}

/// All of them.
const WHOLE: Part = Part { percent: 100, bucketing: None };

/// One strategy.
#[derive(Clone, Debug)]
pub(super) struct Strategy {
    name: Option<String>,
    /// Constraints, segments, and what the strategy itself asks.
    pub(super) when: Vec<TargetConfig>,
    /// What must be there for its part.
    needs: Vec<TargetConfig>,
    pub(super) part: Part,
    /// Its own variants.
    pub(super) choice: Option<Choice>,
}

impl Strategy {
    pub(super) fn everybody() -> Self {
        Self { name: None, when: Vec::new(), needs: Vec::new(), part: WHOLE, choice: None }
    }

    /// Whether a share alone says it: where everybody is on, a share asks for no key.
    pub(super) fn is_share(&self) -> bool {
        self.when.is_empty() && (self.needs.is_empty() || self.part.percent < 100)
    }
}

/// The fields that are sticky where a strategy says `default`.
const OF_ROLLOUTS: [&str; 2] = ["targeting_key", "sessionId"];
/// Variants have one more.
pub(super) const OF_VARIANTS: [&str; 3] = ["targeting_key", "sessionId", "remoteAddress"];

/// What a stickiness hashes. `path`: where a subject without any of it is to be noted.
pub(super) fn by(
    sticky: &str,
    defaults: &[&str],
    path: Option<&String>,
    draft: &mut Draft,
) -> Option<OneOrMany> {
    if let Some(path) = path {
        match sticky {
            "random" => {
                let what =
                    "stickiness `random` deals anew at every call; here every subject keeps what it has";
                draft.note(NoteKind::Changed, path, what);
            }
            "default" => {
                let what = "a subject that has nothing sticky (no userId, no sessionId) is dealt anew there at every \
                            call; here it is outside of shares, and among variants it gets TARGETING_KEY_MISSING";
                draft.note_once(NoteKind::Changed, path, what);
            }
            _ => {}
        }
    }
    words::by(match sticky {
        "default" | "random" => defaults.iter().map(|field| (*field).to_owned()).collect(),
        other => vec![field(other).to_owned()],
    })
}

/// Reads one strategy; `None`: it is not in use.
pub(super) fn read(
    value: &Value,
    path: &str,
    feature: &str,
    draft: &mut Draft,
) -> Result<Option<Strategy>, Bad> {
    let mut fields = Fields::of(value, path)?;
    let name = fields.must("name")?;
    if fields.is("disabled")? {
        draft.note(NoteKind::NotExpressed, path, format!("the strategy `{name}` is disabled, and left out"));
        return Ok(None);
    }
    let title = fields.text("title")?.filter(|title| !title.is_empty()).map(str::to_owned);
    let mut when = constraints(&mut fields, draft)?;
    let at = fields.at("segments");
    for (index, id) in fields.list("segments")?.iter().enumerate() {
        when.push(super::of_segment(id, &format!("{at}[{index}]"), draft));
    }
    let empty = Value::Object(serde_json::Map::new());
    let parameters = fields.take("parameters").unwrap_or(&empty);
    let mut parameters = Fields::of(parameters, &fields.at("parameters"))?;
    let Asked { target, needs, part, salt, sticky } = asked(name, feature, &mut parameters, path, draft)?;
    let target_is_unknown = target.as_ref().is_some_and(|target| target.unknown.is_some());
    when.extend(target);
    let salt = salt.unwrap_or_else(|| feature.to_owned());
    // Variants of a strategy are as sticky as it is.
    let owner = Owner { salt: &salt, stickiness: sticky.as_deref().unwrap_or("default") };
    let choice = variant::list(&mut fields, &owner, draft)?;
    let left = fields.leave(&["sortOrder", "id", "featureName", "projectId", "environment", "milestoneId"]);
    // Of a strategy that is not known they have been noted already.
    let parameters = if target_is_unknown { parameters.spent() } else { parameters };
    parameters.close(draft, &[]);
    fields.close(draft, &left);
    let name = title.or_else(|| (name != "default").then(|| name.to_owned()));
    Ok(Some(Strategy { name, when, needs, part, choice }))
}

/// What a strategy's name and parameters say.
struct Asked {
    target: Option<TargetConfig>,
    needs: Vec<TargetConfig>,
    part: Part,
    salt: Option<String>,
    sticky: Option<String>,
}

impl Asked {
    /// Everybody for whom this holds.
    fn of(target: Option<TargetConfig>) -> Self {
        Self { target, needs: Vec::new(), part: WHOLE, salt: None, sticky: None }
    }
}

/// Texts between commas.
fn listed(fields: &mut Fields<'_>, key: &'static str) -> Result<Vec<String>, Bad> {
    let text = fields.text(key)?.unwrap_or_default();
    Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
}

fn asked(
    name: &str,
    feature: &str,
    parameters: &mut Fields<'_>,
    path: &str,
    draft: &mut Draft,
) -> Result<Asked, Bad> {
    let of = |target: TargetConfig| Asked::of(Some(target));
    Ok(match name {
        "default" => Asked::of(None),
        "userWithId" => of(is_in("targeting_key", listed(parameters, "userIds")?)),
        "remoteAddress" => {
            let (networks, others) = networks(listed(parameters, "IPs")?);
            if !others.is_empty() {
                let what = format!("{} is no address and no network; nobody is in it", others.join(", "));
                draft.note(NoteKind::Malformed, &parameters.at("IPs"), what);
            }
            of(in_network("remoteAddress", networks))
        }
        "applicationHostname" => {
            let what = "the name of the machine is the attribute `hostname`, which the host gives";
            draft.note_once(NoteKind::Changed, path, what);
            let names = is_in("hostname", listed(parameters, "hostNames")?);
            of(TargetConfig { ignore_case: Some(true), ..names })
        }
        "gradualRolloutRandom" => gradual(parameters, "percentage", "random", feature, draft)?,
        "gradualRolloutUserId" => gradual(parameters, "percentage", "userId", feature, draft)?,
        "gradualRolloutSessionId" => gradual(parameters, "percentage", "sessionId", feature, draft)?,
        "flexibleRollout" => {
            let sticky = parameters.text("stickiness")?.unwrap_or("default");
            let sticky = if sticky.is_empty() { "default" } else { sticky };
            gradual(parameters, "rollout", sticky, feature, draft)?
        }
        other => {
            for key in parameters.keys() {
                draft.note(
                    NoteKind::NotExpressed,
                    &parameters.at(&key),
                    "a parameter of a strategy that is not known",
                );
            }
            let why = format!("`{other}` is no strategy that is known; its rule never matches");
            of(draft.unknown(&format!("{path}.name"), &format!("strategy {other}"), why))
        }
    })
}

/// A percentage of those that it is for.
fn gradual(
    parameters: &mut Fields<'_>,
    key: &'static str,
    sticky: &str,
    feature: &str,
    draft: &mut Draft,
) -> Result<Asked, Bad> {
    let at = parameters.at(key);
    let written = match parameters.take(key) {
        None => None,
        Some(Value::String(text)) => text.trim().parse::<f64>().ok(),
        Some(Value::Number(number)) => number.as_f64(),
        Some(_) => None,
    };
    let salt = parameters.text("groupId")?.filter(|salt| !salt.is_empty()).map(str::to_owned);
    let of_rollout = key == "rollout";
    let hashed = salt.clone().unwrap_or_else(|| if of_rollout { feature.to_owned() } else { String::new() });
    let written = written.filter(|percent| percent.is_finite()).unwrap_or_else(|| {
        draft.note(NoteKind::Malformed, &at, "this is no percentage; it is taken as 0%, as Unleash takes it");
        0.0
    });
    // Positions are whole and count from 1, so a fraction of a percent is nobody there.
    let percent = written.clamp(0.0, 100.0).floor() as u64;
    if percent as f64 != written {
        let what = format!("{written}% is {percent}% there, and so it is here");
        draft.note(NoteKind::Changed, &at, what);
    }
    let is_part = percent > 0 && percent < 100;
    let bucketing = match sticky {
        "random" => {
            if is_part {
                let what = "a share that is dealt anew at every call; here as many subjects, each of which stays on its side";
                draft.note(NoteKind::Changed, &at, what);
            }
            let by = words::by(vec!["targeting_key".to_owned()]);
            words::bucketing(HashConfig::Rollgate1, feature, by, None)
        }
        sticky => {
            let by = by(sticky, &OF_ROLLOUTS, is_part.then_some(&at), draft);
            words::bucketing(HashConfig::Unleash, &hashed, by, Some(100))
        }
    };
    // A field that is named must be there even where everybody is on.
    let needs = match (percent, sticky) {
        (0, _) | (100, "default" | "random") => Vec::new(),
        (_, "default") => vec![any(OF_ROLLOUTS.into_iter().map(present).collect())],
        (_, "random") => vec![present("targeting_key")],
        (_, other) => vec![present(field(other))],
    };
    let part = Part { percent, bucketing: Some(bucketing) };
    Ok(Asked { target: None, needs, part, salt, sticky: of_rollout.then(|| sticky.to_owned()) })
}

/// Rules for the overrides of a feature's variants, before the rule of the strategy that turns them on.
pub(super) fn overrides(
    strategy: &Strategy,
    choice: Option<&Choice>,
    table: &Table,
    rules: &mut Vec<RuleConfig>,
) {
    let Some(choice) = choice else { return };
    for variant in &choice.variants {
        let Some(overrides) = &variant.overrides else { continue };
        let when = strategy.when.iter().chain(&strategy.needs).chain([overrides]).cloned().collect();
        let key = table.of(variant);
        let rule =
            RuleConfig { name: Some(format!("override of {key}")), when: all(when), ..RuleConfig::default() };
        rules.push(of_part(rule, &strategy.part, Served::One(key)));
    }
}

/// A rule for those who lack what the choice of a variant hashes: there they are on too.
pub(super) fn lacking(
    strategy: &Strategy,
    choice: Option<&Choice>,
    table: &Table,
    rules: &mut Vec<RuleConfig>,
) {
    let Some((lacking, first)) = choice.and_then(Choice::lacking) else { return };
    // Whom the strategy leaves out has no variant.
    if strategy.needs.iter().any(|need| need.attribute == lacking.attribute) {
        return;
    }
    let name = lacking.attribute.as_ref().map(|field| format!("without {field}"));
    let when = strategy.when.iter().chain(&strategy.needs).chain([lacking]).cloned().collect();
    let rule = RuleConfig { name, when: all(when), ..RuleConfig::default() };
    rules.push(of_part(rule, &strategy.part, Served::One(table.of(first))));
}

/// The rules of one strategy.
pub(super) fn rules(
    strategy: Strategy,
    choice: Option<&Choice>,
    own: Option<&Choice>,
    table: &Table,
    rules: &mut Vec<RuleConfig>,
) {
    let when = strategy.when.into_iter().chain(strategy.needs).collect();
    let rule = RuleConfig { name: strategy.name, when: all(when), ..RuleConfig::default() };
    let served = match (choice, table.nothing()) {
        (Some(choice), _) if own == Some(choice) => Served::OfFlag,
        (Some(choice), _) => match &choice.shares(table).0[..] {
            [(only, _)] => Served::One(only.clone()),
            _ => Served::Split(choice, table),
        },
        (None, Some(nothing)) => Served::One(nothing.to_owned()),
        (None, None) => Served::OfFlag,
    };
    rules.push(of_part(rule, &strategy.part, served));
}

/// What those get whom a rule turns on.
enum Served<'a> {
    OfFlag,
    One(String),
    Split(&'a Choice, &'a Table),
}

fn of_part(mut rule: RuleConfig, part: &Part, served: Served<'_>) -> RuleConfig {
    // A part of nobody is there too, for whoever raises it.
    if part.percent < 100 {
        rule.share = Some(share(part.percent, 100));
        rule.bucketing = part.bucketing.clone();
        rule.otherwise = Some(OtherwiseConfig::Next);
    }
    match served {
        Served::OfFlag if rule.share.is_none() => rule.serve = Some(ServeConfig::Side(true)),
        Served::OfFlag => {}
        Served::One(key) if rule.share.is_none() => rule.serve = Some(ServeConfig::Variant(key)),
        Served::One(key) => rule.variants = Some(Named(vec![(key, share(1, 1))])),
        Served::Split(choice, table) => {
            rule.variants = Some(choice.shares(table));
            rule.variant_bucketing = Some(choice.bucketing());
        }
    }
    rule
}
