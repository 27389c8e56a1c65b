//! LaunchDarkly: flags with variations, targets, rules, rollouts and prerequisites; segments.
//!
//! A flag of true and false whose off variation is false is on or off. Every other one has its variations as variants: what
//! it serves while it is off is the flag's `default`, and everything else is served as on.

mod clause;
mod rollout;
mod segment;

use rollgate_core::config::{
    FlagConfig, Json, Named, OneOrMany, RuleConfig, ServeConfig, TargetConfig, VariantConfig,
};
use serde_json::{Map, Value};

use super::draft::{Draft, is_key, key_of};
use super::fields::{Bad, Fields, kind};
use super::words::{self, all, is_in, share};
use super::{Note, NoteKind};
use rollout::Rollout;

/// Reads a file.
pub(super) fn read(root: &Value, draft: &mut Draft) -> Result<(), String> {
    let Some(mut entries) = root.as_object() else { return Err("this is not an object".into()) };
    // As a stream sends it.
    if let Some(Value::Object(data)) = entries.get("data") {
        entries = data;
    }
    let of = |key: &str| match entries.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(other) => Err(format!("`{key}` is {}, not an object", kind(other))),
    };
    let (flags, values) = (of("flags")?, of("flagValues")?);
    if flags.is_none() && values.is_none() {
        return Err("this has no `flags`".into());
    }
    for key in entries.keys() {
        if !["flags", "flagValues", "segments", "$schema", "path"].contains(&key.as_str()) {
            draft.note(
                NoteKind::NotExpressed,
                key,
                "this key is not known here; whatever it does is not done",
            );
        }
    }
    let empty = Map::new();
    let segments = of("segments")?.unwrap_or(&empty);
    let keys: Vec<&String> = flags.iter().chain(&values).flat_map(|map| map.keys()).collect();
    let mut file = File { segments, keys, seen: Vec::new() };
    for (key, value) in segments {
        segment::read(key, value, &file, draft);
    }
    for (key, value) in flags.into_iter().flatten() {
        let path = format!("flags.{key}");
        if value.get("deleted").and_then(Value::as_bool) == Some(true) {
            draft.note(NoteKind::LeftOut, &path, "the flag is deleted");
            continue;
        }
        draft.flag(key, &path, |draft| flag(key, value, &path, &mut file, draft));
    }
    for (key, value) in values.into_iter().flatten() {
        let path = format!("flagValues.{key}");
        draft.flag(key, &path, |_| constant(value, &path));
    }
    require(&file, draft);
    Ok(())
}

/// What flags and segments need of each other.
struct File<'a> {
    segments: &'a Map<String, Value>,
    keys: Vec<&'a String>,
    seen: Vec<Seen>,
}

impl File<'_> {
    /// A key for a flag that only helps another, so that nobody has it.
    fn helper_key(&self, name: &str, draft: &Draft) -> String {
        key_of(name, |name| draft.has(name) || self.keys.iter().any(|key| *key == name))
    }
}

/// A flag that has been read, for those that require it.
struct Seen {
    key: String,
    form: Form,
    is_on: bool,
    wanted: Vec<(String, usize, String)>,
}

/// How a flag serves its variations.
enum Form {
    /// On is true, off is false; by index.
    Sides(Vec<bool>),
    /// Names of variants; by index.
    Variants(Vec<String>),
}

impl Form {
    fn of(fields: &mut Fields<'_>, off: Option<usize>) -> Result<(Self, &'static str), Bad> {
        let at = fields.at("variations");
        let values = fields.list("variations")?;
        if values.is_empty() {
            return Err(Bad::new(&at, "the flag has no variations"));
        }
        let bools: Option<Vec<bool>> = values.iter().map(Value::as_bool).collect();
        match bools {
            Some(bools) if bools.len() == 2 && off.and_then(|off| bools.get(off)) == Some(&false) => {
                Ok((Self::Sides(bools), "boolean"))
            }
            of_bools => {
                let names = (0..values.len()).map(|index| name_of(values, index)).collect();
                Ok((Self::Variants(names), if of_bools.is_some() { "boolean" } else { "other" }))
            }
        }
    }

    fn serve(&self, index: usize, path: &str) -> Result<ServeConfig, Bad> {
        let found = match self {
            Self::Sides(sides) => sides.get(index).map(|side| ServeConfig::Side(*side)),
            Self::Variants(names) => names.get(index).map(|name| ServeConfig::Variant(name.clone())),
        };
        found.ok_or_else(|| Bad::new(path, format!("there is no variation {index}")))
    }
}

/// A variant's name: its value where that is a short text which no other has, else its number.
fn name_of(values: &[Value], index: usize) -> String {
    let text = values.get(index).and_then(Value::as_str).filter(|text| text.len() <= 40 && is_key(text));
    let is_alone = |text: &&str| values.iter().filter(|value| value.as_str() == Some(text)).count() == 1;
    match text.filter(is_alone) {
        Some(text) if !text.starts_with("variation-") => text.to_owned(),
        _ => format!("variation-{index}"),
    }
}

/// A flag that is one value for everybody.
fn constant(value: &Value, path: &str) -> Result<FlagConfig, Bad> {
    match value {
        Value::Bool(is_on) => {
            Ok(FlagConfig { share: Some(share(u64::from(*is_on), 1)), ..FlagConfig::default() })
        }
        other => {
            let value = words::json(other).filter(|value| *value != Json::Null);
            let value = value.ok_or_else(|| Bad::new(path, "this is no value that a flag can have"))?;
            let variant =
                VariantConfig { value: Some(value), share: Some(share(1, 1)), ..VariantConfig::default() };
            let variants = Some(Named(vec![("value".to_owned(), variant)]));
            Ok(FlagConfig { share: Some(share(1, 1)), variants, ..FlagConfig::default() })
        }
    }
}

fn flag(
    key: &str,
    value: &Value,
    path: &str,
    file: &mut File<'_>,
    draft: &mut Draft,
) -> Result<FlagConfig, Bad> {
    let mut fields = Fields::of(value, path)?;
    let _ = fields.take("key");
    let is_on = fields.is("on")?;
    let off = fields.whole("offVariation")?.map(|index| index as usize);
    let salt = fields.text("salt")?.unwrap_or_default().to_owned();
    let (form, of) = Form::of(&mut fields, off)?;
    let mut flag =
        FlagConfig { description: fields.text("description")?.map(str::to_owned), ..FlagConfig::default() };
    let mut rules: Vec<RuleConfig> = Vec::new();
    if !is_on {
        let off = Some(ServeConfig::Side(false));
        rules.push(RuleConfig {
            name: Some("off in LaunchDarkly".into()),
            serve: off,
            ..RuleConfig::default()
        });
    }
    let mut asked = Asked { key, salt: &salt, form: &form, file, rules };
    asked.targets(&mut fields)?;
    asked.rules(&mut fields, draft)?;
    let last = asked.fallthrough(&mut fields, &mut flag, draft)?;
    let rules = asked.rules;
    variants(&mut fields, &mut flag, &form, of, off, last.as_ref(), draft)?;
    flag.rules = (!rules.is_empty()).then_some(rules);
    let wanted = prerequisites(&mut fields)?;
    let left = fields.leave(&[
        "trackEvents",
        "trackEventsFallthrough",
        "debugEventsUntilDate",
        "clientSideAvailability",
        "clientSide",
        "samplingRatio",
        "excludeFromSummaries",
        "migration",
    ]);
    // A number that is counted up with every change, and marks of the transport.
    for key in ["version", "deleted", "sel"] {
        let _ = fields.has(key);
    }
    fields.close(draft, &left);
    file.seen.push(Seen { key: key.to_owned(), form, is_on, wanted });
    Ok(flag)
}

/// One flag while its rules are written.
struct Asked<'a, 'f> {
    key: &'a str,
    salt: &'a str,
    form: &'a Form,
    file: &'a File<'f>,
    rules: Vec<RuleConfig>,
}

impl Asked<'_, '_> {
    /// Keys that get a variation whatever the rules say.
    fn targets(&mut self, fields: &mut Fields<'_>) -> Result<(), Bad> {
        let of_users = fields.list("targets")?;
        let of_contexts = fields.list("contextTargets")?;
        let (users, contexts) = (fields.at("targets"), fields.at("contextTargets"));
        if of_contexts.is_empty() {
            for (index, value) in of_users.iter().enumerate() {
                let mut one = Fields::of(value, &format!("{users}[{index}]"))?;
                self.target(&mut one, "user", None)?;
            }
            return Ok(());
        }
        for (index, value) in of_contexts.iter().enumerate() {
            let mut one = Fields::of(value, &format!("{contexts}[{index}]"))?;
            let kind = one.text("contextKind")?.unwrap_or("user").to_owned();
            // Where it names no users, those of `targets` with its variation are meant.
            let variation = one.whole("variation")?;
            let same = |value: &&Value| value.get("variation").and_then(Value::as_u64) == variation;
            let of_targets = of_users.iter().find(same).filter(|_| kind == "user");
            self.target(&mut one, &kind, of_targets)?;
        }
        Ok(())
    }

    fn target(&mut self, one: &mut Fields<'_>, kind: &str, more: Option<&Value>) -> Result<(), Bad> {
        let at = one.at("variation");
        let variation = one.whole("variation")?.ok_or_else(|| Bad::new(&at, "it is missing"))?;
        let mut keys = one.texts("values")?;
        if let (true, Some(more)) = (keys.is_empty(), more) {
            keys = Fields::of(more, &one.path)?.texts("values")?;
        }
        let when = is_in(&clause::attribute_of(kind, "key", false), keys);
        let serve = self.form.serve(variation as usize, &at)?;
        self.rules.push(RuleConfig {
            name: Some("target".into()),
            when: Some(when),
            serve: Some(serve),
            ..RuleConfig::default()
        });
        Ok(())
    }

    fn rules(&mut self, fields: &mut Fields<'_>, draft: &mut Draft) -> Result<(), Bad> {
        let at = fields.at("rules");
        for (index, value) in fields.list("rules")?.iter().enumerate() {
            let mut one = Fields::of(value, &format!("{at}[{index}]"))?;
            let name = one.text("id")?.filter(|id| !id.is_empty()).map(str::to_owned);
            let name = one.text("description")?.map(str::to_owned).or(name);
            let when = clause::clauses(&mut one, self.file, draft)?;
            let helper = format!("{}.rule-{}", self.key, index + 1);
            match self.of(&mut one)? {
                Served::Variation(serve) => {
                    self.rules.push(RuleConfig {
                        name,
                        when: all(when),
                        serve: Some(serve),
                        ..RuleConfig::default()
                    });
                }
                Served::Rollout(rollout) => self.roll(&rollout, name.as_deref(), &when, &helper, draft)?,
            }
            let left = one.leave(&["trackEvents"]);
            one.close(draft, &left);
        }
        Ok(())
    }

    /// `variation` or `rollout`.
    fn of(&self, fields: &mut Fields<'_>) -> Result<Served, Bad> {
        let at = fields.at("variation");
        if let Some(index) = fields.whole("variation")? {
            let _ = fields.take("rollout");
            return Ok(Served::Variation(self.form.serve(index as usize, &at)?));
        }
        let Some(value) = fields.take("rollout") else {
            return Err(Bad::new(&fields.path, "it has neither a variation nor a rollout"));
        };
        let rollout = Rollout::read(value, &fields.at("rollout"), self.key, self.salt)?;
        for entry in &rollout.entries {
            self.form.serve(entry.0, &rollout.path)?;
        }
        Ok(Served::Rollout(rollout))
    }

    /// Writes a rollout as rules.
    fn roll(
        &mut self,
        rollout: &Rollout,
        name: Option<&str>,
        when: &[TargetConfig],
        helper: &str,
        draft: &mut Draft,
    ) -> Result<(), Bad> {
        rollout.note(draft);
        let base = RuleConfig { name: name.map(str::to_owned), ..RuleConfig::default() };
        let with = |more: Option<TargetConfig>| all(when.iter().cloned().chain(more).collect());
        if let Some(first) = rollout.first() {
            // Whoever lacks what is hashed is at the very beginning.
            if let Some(missing) = rollout.missing() {
                let serve = Some(self.form.serve(first, &rollout.path)?);
                self.rules.push(RuleConfig { when: with(Some(missing)), serve, ..base.clone() });
            }
        }
        let plain = match self.form {
            Form::Sides(sides) => rollout.of_sides(sides).map(|share| RuleConfig {
                share: Some(share),
                bucketing: Some(rollout.bucketing()),
                ..base.clone()
            }),
            Form::Variants(names) => rollout.of_variants(names).map(|shares| RuleConfig {
                variants: Some(shares),
                variant_bucketing: Some(rollout.bucketing()),
                ..base.clone()
            }),
        };
        if let Some(rule) = plain {
            self.rules.push(RuleConfig { when: with(None), ..rule });
            return Ok(());
        }
        // The same variation twice, or false before true: another flag says who is where.
        let helper = self.file.helper_key(helper, draft);
        for (index, part) in rollout.helper(&helper, draft) {
            let serve = Some(self.form.serve(index, &rollout.path)?);
            self.rules.push(RuleConfig { when: with(Some(part)), serve, ..base.clone() });
        }
        Ok(())
    }

    /// Who is left: the flag's own share, so that it can be raised like any other. Gives what its variants are then.
    fn fallthrough(
        &mut self,
        fields: &mut Fields<'_>,
        flag: &mut FlagConfig,
        draft: &mut Draft,
    ) -> Result<Option<Rollout>, Bad> {
        let Some(value) = fields.take("fallthrough") else {
            return Err(Bad::new(&fields.at("fallthrough"), "it is missing"));
        };
        let mut one = Fields::of(value, &fields.at("fallthrough"))?;
        let served = self.of(&mut one)?;
        one.close(draft, &[]);
        let own = Rollout::of_key(self.key, self.salt, &fields.at("fallthrough"));
        flag.bucketing = Some(own.bucketing());
        flag.share = Some(share(1, 1));
        match served {
            Served::Variation(ServeConfig::Side(is_on)) => {
                flag.share = Some(share(u64::from(is_on), 1));
                Ok(None)
            }
            Served::Variation(ServeConfig::Variant(name)) => {
                let index = match self.form {
                    Form::Variants(names) => names.iter().position(|other| *other == name),
                    Form::Sides(_) => None,
                };
                Ok(index.map(|index| own.of_one(index)))
            }
            Served::Rollout(rollout) => {
                let is_plain = match self.form {
                    Form::Sides(sides) => {
                        rollout.of_sides(sides).map(|share| flag.share = Some(share)).is_some()
                    }
                    Form::Variants(names) => rollout.of_variants(names).is_some(),
                };
                if !is_plain || rollout.missing().is_some() {
                    let helper = format!("{}.fallthrough", self.key);
                    self.roll(&rollout, Some("fallthrough"), &[], &helper, draft)?;
                    flag.share = Some(share(0, 1));
                    return Ok(matches!(self.form, Form::Variants(_))
                        .then_some(rollout)
                        .filter(|_| is_plain));
                }
                rollout.note(draft);
                if matches!(self.form, Form::Sides(_)) {
                    flag.bucketing = Some(rollout.bucketing());
                    return Ok(None);
                }
                Ok(Some(rollout))
            }
        }
    }
}

enum Served {
    Variation(ServeConfig),
    Rollout(Rollout),
}

/// Writes the variations as variants.
fn variants(
    fields: &mut Fields<'_>,
    flag: &mut FlagConfig,
    form: &Form,
    of: &str,
    off: Option<usize>,
    last: Option<&Rollout>,
    draft: &mut Draft,
) -> Result<(), Bad> {
    let Form::Variants(names) = form else { return Ok(()) };
    let at = fields.at("variations");
    let values = fields.list("variations")?;
    let off_at = fields.at("offVariation");
    let shares = last.and_then(|last| last.of_variants(names));
    let mut written = Vec::with_capacity(values.len());
    for (index, (name, value)) in names.iter().zip(values).enumerate() {
        let path = format!("{at}[{index}]");
        let value = words::json(value).ok_or_else(|| Bad::new(&path, "a number that no double holds"))?;
        let share = match &shares {
            Some(shares) => shares.of(name).cloned(),
            // Whoever raises the share later gets the first.
            None => (index == 0).then(|| share(1, 1)),
        };
        written.push((name.clone(), VariantConfig { value: Some(value), share, ..VariantConfig::default() }));
    }
    flag.value_type = words::common_type(values);
    if flag.value_type == Some(rollgate_core::config::FlagTypeConfig::Json) && of == "other" {
        let has_scalars = values.iter().any(|value| !value.is_array() && !value.is_object());
        if has_scalars {
            draft.note(NoteKind::Changed, &at, "variations of several types: the flag's type is json");
        }
    }
    if of == "boolean" {
        let what = "the off variation is not false, so the values are variants: a boolean call asks whether the flag is \
                    on, not for its value";
        draft.note(NoteKind::Changed, &off_at, what);
    }
    flag.default = match off {
        Some(off) => {
            let name =
                names.get(off).ok_or_else(|| Bad::new(&off_at, format!("there is no variation {off}")))?;
            Some(name.clone())
        }
        None => None,
    };
    flag.variants = Some(Named(written));
    flag.variant_bucketing = last.map(Rollout::bucketing);
    Ok(())
}

fn prerequisites(fields: &mut Fields<'_>) -> Result<Vec<(String, usize, String)>, Bad> {
    let at = fields.at("prerequisites");
    let read = fields.list("prerequisites")?.iter().enumerate().map(|(index, value)| {
        let mut one = Fields::of(value, &format!("{at}[{index}]"))?;
        let key = one.must("key")?.to_owned();
        let variation = one.whole("variation")?;
        let variation = variation.ok_or_else(|| Bad::new(&one.at("variation"), "it is missing"))?;
        Ok((key, variation as usize, one.path))
    });
    read.collect()
}

/// Writes prerequisites, now that every flag is known.
fn require(file: &File<'_>, draft: &mut Draft) {
    for seen in file.seen.iter().filter(|seen| !seen.wanted.is_empty()) {
        let mut prerequisites: Vec<(String, OneOrMany<ServeConfig>)> = Vec::new();
        let mut never = None;
        for (key, variation, path) in &seen.wanted {
            let Some(other) = file.seen.iter().find(|other| other.key == *key) else {
                never = Some((key, path, format!("there is no flag `{key}` that could be read")));
                continue;
            };
            let serve = match other.form.serve(*variation, path) {
                Ok(serve) => serve,
                Err(bad) => {
                    never = Some((key, path, format!("{} in `{key}`", bad.why)));
                    continue;
                }
            };
            // There an off flag meets no prerequisite, whatever it serves.
            if !other.is_on && serve == ServeConfig::Side(false) {
                never = Some((key, path, format!("`{key}` is off, and so meets no prerequisite there")));
                continue;
            }
            match prerequisites.iter().find(|(name, _)| name == key) {
                None => prerequisites.push((key.clone(), OneOrMany::One(serve))),
                Some((_, wanted)) if *wanted == OneOrMany::One(serve) => {}
                Some(_) => never = Some((key, path, format!("`{key}` must serve two variations at once"))),
            }
        }
        let Some((_, flag)) = draft.flags.iter_mut().find(|(key, _)| *key == seen.key) else { continue };
        flag.prerequisites = (!prerequisites.is_empty()).then_some(Named(prerequisites));
        let Some((key, path, why)) = never else { continue };
        let off = RuleConfig {
            name: Some(format!("requires {key}")),
            serve: Some(ServeConfig::Side(false)),
            ..RuleConfig::default()
        };
        flag.rules.get_or_insert_default().insert(0, off);
        let what = format!("{why}; the flag is off, as it is there");
        draft.notes.push(Note {
            kind: NoteKind::NotExpressed,
            flag: Some(seen.key.clone()),
            path: path.clone(),
            what,
        });
    }
}
