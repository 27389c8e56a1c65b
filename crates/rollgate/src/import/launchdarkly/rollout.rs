//! LaunchDarkly's rollouts and experiments: weights of 100,000.

use rollgate_core::config::{
    BucketingConfig, FlagConfig, HashConfig, Json, Named, OneOrMany, ServeConfig, TargetConfig,
    VariantConfig, WrittenShare,
};
use serde_json::Value;

use super::super::NoteKind;
use super::super::draft::Draft;
use super::super::fields::{Bad, Fields};
use super::super::words::{self, attribute, named_shares, share};
use super::clause::attribute_of;

/// What weights are parts of.
const WHOLE: u64 = 100_000;

/// Variations with weights, and what is hashed.
#[derive(Clone, Debug)]
pub(super) struct Rollout {
    /// Indices of variations with weights that are 100,000 together; none is 0.
    pub(super) entries: Vec<(usize, u64)>,
    salt: String,
    by: String,
    pub(super) path: String,
    untracked: bool,
}

impl Rollout {
    /// Everything of a flag's own salt, and no entries.
    pub(super) fn of_key(key: &str, salt: &str, path: &str) -> Self {
        let salt = format!("{key}.{salt}");
        Self {
            entries: Vec::new(),
            salt,
            by: "targeting_key".into(),
            path: path.to_owned(),
            untracked: false,
        }
    }

    pub(super) fn read(value: &Value, path: &str, key: &str, salt: &str) -> Result<Self, Bad> {
        let mut fields = Fields::of(value, path)?;
        let is_experiment = fields.text("kind")? == Some("experiment");
        let kind = fields.text("contextKind")?;
        // An experiment hashes the key, whatever it says.
        let name =
            fields.text("bucketBy")?.filter(|name| !name.is_empty() && !is_experiment).unwrap_or("key");
        let by = attribute_of(kind.unwrap_or("user"), name, kind.is_some());
        let salt = match fields.take("seed") {
            None => format!("{key}.{salt}"),
            Some(seed) => match seed.as_i64() {
                Some(seed) => seed.to_string(),
                None => return Err(Bad::new(&fields.at("seed"), "expected a whole number")),
            },
        };
        let at = fields.at("variations");
        let list = fields.list("variations")?;
        let (mut entries, mut sum, mut untracked): (Vec<(usize, u64)>, u64, bool) = (Vec::new(), 0, false);
        for (index, value) in list.iter().enumerate() {
            let mut one = Fields::of(value, &format!("{at}[{index}]"))?;
            let missing = |key: &str| Bad::new(&one_at(&at, index, key), "it is missing");
            let variation = one.whole("variation")?.ok_or_else(|| missing("variation"))? as usize;
            let weight = one.whole("weight")?.ok_or_else(|| missing("weight"))?.min(WHOLE - sum);
            untracked |= one.is("untracked")?;
            sum += weight;
            // Whoever is beyond all weights gets the last variation.
            let weight = if index + 1 == list.len() { weight + (WHOLE - sum) } else { weight };
            if weight > 0 {
                entries.push((variation, weight));
            }
        }
        if entries.is_empty() {
            return Err(Bad::new(&at, "the rollout has no variations"));
        }
        Ok(Self { entries, salt, by, path: path.to_owned(), untracked })
    }

    /// Notes what no evaluation needs.
    pub(super) fn note(&self, draft: &mut Draft) {
        if self.untracked {
            let what = "untracked: a plan has no place for it, and no evaluation reads it";
            draft.note(NoteKind::LeftOut, &self.path, what);
        }
    }

    /// The same with one variation for everybody.
    pub(super) fn of_one(self, index: usize) -> Self {
        Self { entries: vec![(index, WHOLE)], ..self }
    }

    /// Hashes another attribute.
    pub(super) fn set_by(&mut self, name: &str) {
        name.clone_into(&mut self.by);
    }

    /// What is hashed.
    pub(super) fn bucketing(&self) -> BucketingConfig {
        words::bucketing(HashConfig::LaunchDarkly, &self.salt, Some(OneOrMany::One(self.by.clone())), None)
    }

    /// The variation at the very beginning.
    pub(super) fn first(&self) -> Option<usize> {
        self.entries.first().map(|(index, _)| *index)
    }

    /// Who lacks what is hashed; a context has its key.
    pub(super) fn missing(&self) -> Option<TargetConfig> {
        let is_key = self.by == "targeting_key";
        (!is_key).then(|| TargetConfig { present: Some(false), ..attribute(&self.by) })
    }

    /// The share of true, where true comes first.
    pub(super) fn of_sides(&self, sides: &[bool]) -> Option<WrittenShare> {
        let side = |index: &usize| sides.get(*index).copied().unwrap_or(false);
        let (mut on, mut has_ended) = (0, false);
        for (index, weight) in &self.entries {
            match (side(index), has_ended) {
                (true, true) => return None,
                (true, false) => on += weight,
                (false, _) => has_ended = true,
            }
        }
        Some(share(on, WHOLE))
    }

    /// The shares of variants, where each is there once.
    pub(super) fn of_variants(&self, names: &[String]) -> Option<Named<WrittenShare>> {
        let is_once = |index: &usize| self.entries.iter().filter(|(other, _)| other == index).count() == 1;
        if !self.entries.iter().all(|(index, _)| is_once(index)) {
            return None;
        }
        let names: Option<Vec<String>> =
            self.entries.iter().map(|(index, _)| names.get(*index).cloned()).collect();
        Some(named_shares(names?, self.shares()))
    }

    fn shares(&self) -> Vec<WrittenShare> {
        words::shares(&self.entries.iter().map(|(_, weight)| *weight).collect::<Vec<_>>())
    }

    /// Adds a flag that says in which entry a subject is; gives each variation with the condition for it.
    pub(super) fn helper(&self, key: &str, draft: &mut Draft) -> Vec<(usize, TargetConfig)> {
        let name = |entry: usize| format!("part-{entry}");
        let variants = self.shares().into_iter().enumerate().map(|(entry, share)| {
            let value = Some(Json::Text(name(entry)));
            (name(entry), VariantConfig { value, share: Some(share), ..VariantConfig::default() })
        });
        let flag = FlagConfig {
            description: Some(format!("Which part of a rollout a subject is in; made for {}", self.path)),
            share: Some(share(1, 1)),
            variants: Some(variants.collect()),
            variant_bucketing: Some(self.bucketing()),
            ..FlagConfig::default()
        };
        draft.flags.push((key.to_owned(), flag));
        let mut parts: Vec<(usize, Vec<ServeConfig>)> = Vec::new();
        for (entry, (index, _)) in self.entries.iter().enumerate() {
            let serve = ServeConfig::Variant(name(entry));
            match parts.iter_mut().find(|(other, _)| other == index) {
                Some((_, serves)) => serves.push(serve),
                None => parts.push((*index, vec![serve])),
            }
        }
        let condition = |serves| TargetConfig {
            flag: Some(key.to_owned()),
            serves: Some(OneOrMany::Many(serves)),
            ..TargetConfig::default()
        };
        parts.into_iter().map(|(index, serves)| (index, condition(serves))).collect()
    }
}

fn one_at(at: &str, index: usize, key: &str) -> String {
    format!("{at}[{index}].{key}")
}
