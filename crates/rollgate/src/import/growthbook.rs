//! GrowthBook: features with a default value and rules, which force a value or run an experiment.
//!
//! A feature of true and false is on or off; every other one has its values as variants. A bucket
//! there is one of 1,000 or 10,000; ranges are cut here where the numbers of double precision there cut them.

mod condition;
mod experiment;

use rollgate_core::config::{
    FlagConfig, Named, OneOrMany, OtherwiseConfig, RuleConfig, ServeConfig, TargetConfig, VariantConfig,
};
use serde_json::{Map, Value};

use super::NoteKind;
use super::draft::{Draft, is_key, key_of};
use super::fields::{Bad, Fields, kind};
use super::words::{self, all, share};
use experiment::{Hashed, Range};

/// Reads a file.
pub(super) fn read(root: &Value, draft: &mut Draft) -> Result<(), String> {
    let Some(mut entries) = root.as_object() else { return Err("this is not an object".into()) };
    // As a webhook sends it.
    if let (None, Some(Value::Object(data))) = (entries.get("features"), entries.get("payload")) {
        entries = data;
    }
    let features = match entries.get("features") {
        Some(Value::Object(features)) => features,
        None if entries.contains_key("encryptedFeatures") => {
            return Err("the features are encrypted; fetch them decrypted".into());
        }
        None => return Err("this has no `features`".into()),
        Some(other) => return Err(format!("`features` is {}, not an object", kind(other))),
    };
    for (key, value) in entries {
        let is_said = !["features", "savedGroups", "dateUpdated", "status"].contains(&key.as_str());
        if is_said && value.as_array().is_none_or(|list| !list.is_empty()) {
            let what =
                "this is no feature: a plan has no place for it (experiments of pages run in browsers)";
            draft.note(NoteKind::NotExpressed, key, what);
        }
    }
    let empty = Map::new();
    let groups = entries.get("savedGroups").and_then(Value::as_object).unwrap_or(&empty);
    let file = File { groups, features };
    for (key, value) in features {
        let path = format!("features.{key}");
        draft.flag(key, &path, |draft| feature(key, value, &path, &file, draft));
    }
    Ok(())
}

/// What features need of the whole file.
pub(super) struct File<'a> {
    groups: &'a Map<String, Value>,
    features: &'a Map<String, Value>,
}

impl File<'_> {
    /// A key for a flag that only helps another, so that nobody has it.
    fn helper_key(&self, name: &str, draft: &Draft) -> String {
        key_of(name, |name| draft.has(name) || self.features.contains_key(name))
    }
}

/// How a feature serves its values.
enum Form {
    /// On is true, off is false.
    Sides,
    /// Values with the names of variants.
    Variants(Vec<(Value, String)>),
}

impl Form {
    /// All values that a feature names, and how they are served.
    fn of(feature: &Value) -> Self {
        let mut values: Vec<Value> = Vec::new();
        let mut add = |value: &Value| {
            if !values.contains(value) {
                values.push(value.clone());
            }
        };
        let default = feature.get("defaultValue").filter(|value| !value.is_null());
        default.iter().for_each(|value| add(value));
        for rule in feature.get("rules").and_then(Value::as_array).into_iter().flatten() {
            rule.get("force").iter().for_each(|value| add(value));
            rule.get("variations").and_then(Value::as_array).into_iter().flatten().for_each(&mut add);
        }
        if values.iter().all(Value::is_boolean) && !values.is_empty() {
            return Self::Sides;
        }
        let name = |index: usize| {
            let text = values[index].as_str().filter(|text| text.len() <= 40 && is_key(text));
            let text = text.filter(|text| !text.starts_with("variation-"));
            text.map_or_else(|| format!("variation-{index}"), str::to_owned)
        };
        Self::Variants((0..values.len()).map(|index| (values[index].clone(), name(index))).collect())
    }

    /// What serves a value.
    fn serve(&self, value: &Value, path: &str) -> Result<ServeConfig, Bad> {
        match self {
            Self::Sides => match value.as_bool() {
                Some(is_on) => Ok(ServeConfig::Side(is_on)),
                None => Err(Bad::new(path, "expected true or false")),
            },
            Self::Variants(names) => match names.iter().find(|(other, _)| other == value) {
                Some((_, name)) => Ok(ServeConfig::Variant(name.clone())),
                None => Err(Bad::new(path, "a value that no variant has")),
            },
        }
    }

    /// The condition that this flag serves a value which a test passes; `None`: it cannot be asked that.
    fn serving(&self, passes: impl Fn(&Value) -> Option<bool>) -> Option<Vec<ServeConfig>> {
        let sides =
            [(Value::Bool(true), ServeConfig::Side(true)), (Value::Bool(false), ServeConfig::Side(false))];
        let served: Vec<(Value, ServeConfig)> = match self {
            Self::Sides => sides.into(),
            Self::Variants(names) => {
                let of =
                    |(value, name): &(Value, String)| (value.clone(), ServeConfig::Variant(name.clone()));
                names.iter().map(of).collect()
            }
        };
        let mut found = Vec::new();
        for (value, serve) in served {
            if passes(&value)? {
                found.push(serve);
            }
        }
        Some(found)
    }
}

fn feature(
    key: &str,
    value: &Value,
    path: &str,
    file: &File<'_>,
    draft: &mut Draft,
) -> Result<FlagConfig, Bad> {
    let mut fields = Fields::of(value, path)?;
    let form = Form::of(value);
    let default = fields.take("defaultValue").cloned();
    let mut flag =
        FlagConfig { description: fields.text("description")?.map(str::to_owned), ..FlagConfig::default() };
    let mut asked = Asked { key, form: &form, file, rules: Vec::new() };
    let at = fields.at("rules");
    for (index, value) in fields.list("rules")?.iter().enumerate() {
        asked.rule(Fields::of(value, &format!("{at}[{index}]"))?, index, draft)?;
    }
    let rules = asked.rules;
    let left = fields.leave(&["project", "tags", "owner", "archived", "valueType", "id"]);
    fields.close(draft, &left);
    if default == Some(Value::Bool(true)) && matches!(form, Form::Sides) {
        flag.share = Some(share(1, 1));
    }
    if let Form::Variants(names) = &form {
        if names.is_empty() {
            draft.note(
                NoteKind::Changed,
                path,
                "a feature without any value; the caller's default is served",
            );
            return Ok(flag);
        }
        let values: Vec<Value> = names.iter().map(|(value, _)| value.clone()).collect();
        flag.value_type = words::common_type(&values);
        let mut written = Vec::with_capacity(names.len());
        for (value, name) in names {
            let value = words::json(value).ok_or_else(|| Bad::new(path, "a number that no double holds"))?;
            let is_default = default
                .as_ref()
                .map_or(written.is_empty(), |default| words::json(default).as_ref() == Some(&value));
            let share = is_default.then(|| share(1, 1));
            written.push((
                name.clone(),
                VariantConfig { value: Some(value), share, ..VariantConfig::default() },
            ));
        }
        flag.variants = Some(Named(written));
        if default.is_some() {
            // Everybody who is left gets the default, as what is served on; off it is served too.
            flag.share = Some(share(1, 1));
            let name = names.iter().find(|(value, _)| Some(value) == default.as_ref());
            flag.default = name.map(|(_, name)| name.clone());
        }
    }
    flag.rules = (!rules.is_empty()).then_some(rules);
    Ok(flag)
}

/// One feature while its rules are written.
struct Asked<'a, 'f> {
    key: &'a str,
    form: &'a Form,
    file: &'a File<'f>,
    rules: Vec<RuleConfig>,
}

impl Asked<'_, '_> {
    fn rule(&mut self, mut read: Fields<'_>, index: usize, draft: &mut Draft) -> Result<(), Bad> {
        let fields = &mut read;
        let name = fields.text("id")?.filter(|id| !id.is_empty()).map(str::to_owned);
        let mut when = Vec::new();
        self.parents(fields, index, &mut when, draft)?;
        if let Some(value) = fields.take("condition") {
            when.extend(condition::condition(value, &fields.at("condition"), self.file.groups, draft)?);
        }
        let has_filters = !fields.list("filters")?.is_empty();
        let at = fields.at("filters");
        for (place, value) in fields.list("filters")?.iter().enumerate() {
            let mut one = Fields::of(value, &format!("{at}[{place}]"))?;
            let ranges = experiment::ranges(&one.at("ranges"), one.list("ranges")?)?;
            let hashed = Hashed::of_filter(&mut one)?;
            one.close(draft, &[]);
            let ranges: Vec<Range> = ranges.into_iter().map(|(from, to)| hashed.range(from, to)).collect();
            when.push(self.inside(
                &hashed,
                &ranges,
                &format!("rule-{}.filter-{}", index + 1, place + 1),
                draft,
            ));
        }
        let namespace = fields.take("namespace").map(|value| (value, fields.at("namespace")));
        let rest = RestOfRule { name, when, index, namespace: namespace.filter(|_| !has_filters) };
        if fields.has("force") {
            self.force(fields, rest, draft)?;
        } else if fields.take("variations").is_some() {
            self.experiment(fields, rest, draft)?;
        } else {
            draft.note(
                NoteKind::Malformed,
                &fields.path,
                "a rule that neither forces a value nor has variations; it is skipped",
            );
        }
        // Read where they mean something; of a rule without a part they mean nothing.
        fields.leave(&[
            "bucketVersion",
            "minBucketVersion",
            "disableStickyBucketing",
            "fallbackAttribute",
            "key",
            "weights",
            "coverage",
            "hashVersion",
            "hashAttribute",
            "seed",
            "ranges",
            "range",
        ]);
        let left = fields.leave(&["tracks", "meta", "name", "phase", "label", "description", "type"]);
        read.close(draft, &left);
        Ok(())
    }

    /// What other features must serve: a gate turns the feature off, any other condition only skips the rule.
    fn parents(
        &mut self,
        fields: &mut Fields<'_>,
        index: usize,
        when: &mut Vec<TargetConfig>,
        draft: &mut Draft,
    ) -> Result<(), Bad> {
        let at = fields.at("parentConditions");
        for (place, value) in fields.list("parentConditions")?.iter().enumerate() {
            let mut one = Fields::of(value, &format!("{at}[{place}]"))?;
            let parent = one.must("id")?;
            let is_gate = one.is("gate")?;
            let empty = Value::Object(Map::new());
            let asked = one.take("condition").unwrap_or(&empty);
            let serves =
                self.file.features.get(parent).and_then(|feature| {
                    Form::of(feature).serving(|value| condition::passes_value(asked, value))
                });
            let target = match serves {
                Some(serves) if serves.is_empty() => words::nobody(),
                Some(serves) => TargetConfig {
                    flag: Some(parent.to_owned()),
                    serves: Some(OneOrMany::Many(serves)),
                    ..TargetConfig::default()
                },
                None => {
                    let why = match self.file.features.contains_key(parent) {
                        true => format!("what is asked of `{parent}` cannot be said of its values"),
                        false => format!("there is no feature `{parent}`"),
                    };
                    draft.unsaid(&one.path, &format!("parent {parent}"), &why)
                }
            };
            let path = one.path.clone();
            one.close(draft, &[]);
            if is_gate && target.unknown.is_none() {
                // Those the gate stops get nothing of this feature; what is asked of them first is what came before.
                let name = Some(format!("rule {} is behind {parent}", index + 1));
                let shut = all(when.iter().cloned().chain([words::not(target)]).collect());
                self.rules.push(RuleConfig {
                    name,
                    when: shut,
                    serve: Some(ServeConfig::Side(false)),
                    ..RuleConfig::default()
                });
                if matches!(self.form, Form::Variants(_)) {
                    let what = "a shut gate serves nothing there; here the default";
                    draft.note(NoteKind::Changed, &path, what);
                }
            } else {
                when.push(target);
            }
        }
        Ok(())
    }

    /// A condition that a subject lies in ranges, by a flag of its own.
    fn inside(&self, hashed: &Hashed, ranges: &[Range], name: &str, draft: &mut Draft) -> TargetConfig {
        let helper = self.file.helper_key(&format!("{}.{name}", self.key), draft);
        hashed.helper(&helper, &[ranges.to_vec()], draft).pop().unwrap_or_else(words::nobody)
    }

    fn namespace(&self, rest: &mut RestOfRule<'_>, hashed: &Hashed, draft: &mut Draft) -> Result<(), Bad> {
        let Some((value, path)) = rest.namespace.take() else { return Ok(()) };
        let list = value.as_array().filter(|list| list.len() == 3);
        let read = list.and_then(|list| Some((list[0].as_str()?, list[1].as_f64()?, list[2].as_f64()?)));
        let (name, from, to) =
            read.ok_or_else(|| Bad::new(&path, "expected a name, a beginning and an end"))?;
        let hashed = hashed.of_namespace(name);
        let range = hashed.range(from, to);
        rest.when.push(self.inside(&hashed, &[range], &format!("rule-{}.namespace", rest.index + 1), draft));
        Ok(())
    }

    fn force(&mut self, fields: &mut Fields<'_>, rest: RestOfRule<'_>, draft: &mut Draft) -> Result<(), Bad> {
        let at = fields.at("force");
        let null = Value::Null;
        let value = fields.take("force").unwrap_or(&null);
        let serve = self.form.serve(value, &at)?;
        let (range, coverage) = (fields.take("range").cloned(), fields.number("coverage")?);
        let hashed = Hashed::of_rule(fields, self.key, draft)?;
        let base = RuleConfig { name: rest.name, ..RuleConfig::default() };
        let Some(hashed) = hashed else {
            // A hash version that nobody knows is nobody's share; without a share it is not asked.
            let when = match range.is_some() || coverage.is_some() {
                true => all(rest.when.into_iter().chain([words::nobody()]).collect()),
                false => all(rest.when),
            };
            self.rules.push(RuleConfig { when, serve: Some(serve), ..base });
            return Ok(());
        };
        let part = match (&range, coverage) {
            (Some(range), _) => Some(experiment::range(&fields.at("range"), range, &hashed)?),
            (None, Some(coverage)) if coverage != 0.0 => Some(hashed.up_to(coverage)),
            (None, Some(_)) => Some(Range { from: 0, to: 0 }),
            (None, None) => None,
        };
        let Some(part) = part else {
            self.rules.push(RuleConfig { when: all(rest.when), serve: Some(serve), ..base });
            return Ok(());
        };
        let when = rest.when.into_iter().chain((part.to > part.from).then(|| hashed.present()));
        let when: Vec<TargetConfig> = when.collect();
        let can_share = part.from == 0 && serve != ServeConfig::Side(false);
        if can_share {
            let variants = match serve {
                ServeConfig::Variant(name) => Some(Named(vec![(name, share(1, 1))])),
                ServeConfig::Side(_) => None,
            };
            self.rules.push(RuleConfig {
                when: all(when),
                share: Some(hashed.share(part)),
                bucketing: Some(hashed.bucketing()),
                otherwise: Some(OtherwiseConfig::Next),
                variants,
                ..base
            });
            return Ok(());
        }
        let inside = self.inside(&hashed, &[part], &format!("rule-{}", rest.index + 1), draft);
        let when = all(when.into_iter().chain([inside]).collect());
        self.rules.push(RuleConfig { when, serve: Some(serve), ..base });
        Ok(())
    }

    fn experiment(
        &mut self,
        fields: &mut Fields<'_>,
        mut rest: RestOfRule<'_>,
        draft: &mut Draft,
    ) -> Result<(), Bad> {
        let at = fields.at("variations");
        let variations = fields.list("variations")?;
        let tracked = fields.text("key")?.unwrap_or(self.key).to_owned();
        let coverage = fields.number("coverage")?;
        let weights = experiment::weights(fields)?;
        let of_ranges = experiment::ranges(&fields.at("ranges"), fields.list("ranges")?)?;
        let hashed = Hashed::of_rule(fields, &tracked, draft)?;
        let (true, Some(hashed)) = (variations.len() >= 2, hashed) else {
            draft.note(
                NoteKind::Malformed,
                &at,
                "fewer than two variations, or a hash version that is not known; it is skipped",
            );
            return Ok(());
        };
        self.namespace(&mut rest, &hashed, draft)?;
        let cut: Vec<Range> = match of_ranges.is_empty() {
            true => experiment::cut(variations.len(), coverage, &weights),
            false => of_ranges,
        }
        .into_iter()
        .map(|(from, to)| hashed.range(from, to))
        .collect();
        let mut when = rest.when;
        when.push(hashed.present());
        let passes = fields
            .list("meta")?
            .iter()
            .map(|meta| meta.get("passthrough").and_then(Value::as_bool) == Some(true));
        let passes: Vec<bool> = passes.collect();
        let served: Vec<(usize, Range)> = cut
            .into_iter()
            .enumerate()
            .filter(|(index, range)| {
                range.to > range.from && *index < variations.len() && passes.get(*index) != Some(&true)
            })
            .collect();
        let base = RuleConfig { name: rest.name, ..RuleConfig::default() };
        if let Some(names) = self.names_of_whole(&served, variations, hashed.parts(), &at) {
            let shares = served.iter().map(|(_, range)| hashed.share(*range));
            self.rules.push(RuleConfig {
                when: all(when),
                variants: Some(words::named_shares(names, shares)),
                variant_bucketing: Some(hashed.bucketing()),
                ..base
            });
            return Ok(());
        }
        let helper = self.file.helper_key(&format!("{}.rule-{}.experiment", self.key, rest.index + 1), draft);
        let ranges: Vec<Vec<Range>> = served.iter().map(|(_, range)| vec![*range]).collect();
        for ((index, _), inside) in served.iter().zip(hashed.helper(&helper, &ranges, draft)) {
            let Some(value) = variations.get(*index) else { continue };
            let serve = Some(self.form.serve(value, &format!("{at}[{index}]"))?);
            self.rules.push(RuleConfig {
                when: all(when.iter().cloned().chain([inside]).collect()),
                serve,
                ..base.clone()
            });
        }
        Ok(())
    }

    /// The variants of ranges that lie one behind the other from the beginning to the end, each once: shares say that.
    fn names_of_whole(
        &self,
        served: &[(usize, Range)],
        variations: &[Value],
        parts: u32,
        at: &str,
    ) -> Option<Vec<String>> {
        let mut end = 0;
        let is_whole = served.iter().all(|(_, range)| std::mem::replace(&mut end, range.to) == range.from);
        if !(matches!(self.form, Form::Variants(_)) && is_whole && end == parts) {
            return None;
        }
        let name = |(index, _): &(usize, Range)| match self.form.serve(variations.get(*index)?, at) {
            Ok(ServeConfig::Variant(name)) => Some(name),
            _ => None,
        };
        let names: Vec<String> = served.iter().map(name).collect::<Option<_>>()?;
        (1..names.len()).all(|end| !names[..end].contains(&names[end])).then_some(names)
    }
}

/// What a rule has before it says what it serves.
struct RestOfRule<'a> {
    name: Option<String>,
    when: Vec<TargetConfig>,
    index: usize,
    namespace: Option<(&'a Value, String)>,
}
