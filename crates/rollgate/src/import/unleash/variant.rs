//! Unleash's variants: weights, payloads, overrides.

use rollgate_core::config::{
    BucketingConfig, FlagConfig, FlagTypeConfig, HashConfig, Json, Named, OneOrMany, TargetConfig,
    VariantConfig, WrittenShare,
};
use serde_json::Value;

use super::super::NoteKind;
use super::super::draft::{Draft, key_of};
use super::super::fields::{Bad, Fields, kind};
use super::super::words::{self, any, is_in, named_shares, shares};
use super::constraint::field;
use super::strategy;

/// One variant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Variant {
    pub(super) name: String,
    pub(super) weight: u64,
    value: Option<(FlagTypeConfig, Json)>,
    /// Who gets it whatever the weights say.
    pub(super) overrides: Option<TargetConfig>,
}

/// Variants that one choice is made among, and what it hashes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) variants: Vec<Variant>,
    salt: String,
    by: Option<OneOrMany>,
    /// Who lacks the one field that it hashes.
    lacking: Option<TargetConfig>,
}

/// Whose variants are read: what they hash where they do not say it.
pub(super) struct Owner<'a> {
    pub(super) salt: &'a str,
    pub(super) stickiness: &'a str,
}

impl Choice {
    fn weights(&self) -> Vec<u64> {
        self.variants.iter().map(|variant| variant.weight).collect()
    }

    /// What it hashes.
    pub(super) fn bucketing(&self) -> BucketingConfig {
        let parts = self.weights().iter().sum::<u64>();
        let parts = Some(u32::try_from(parts).unwrap_or(u32::MAX));
        words::bucketing(HashConfig::Unleash, &self.salt, self.by.clone(), parts)
    }

    /// Who lacks what it hashes, and what they get: the first variant that has a weight.
    pub(super) fn lacking(&self) -> Option<(&TargetConfig, &Variant)> {
        self.lacking.as_ref().zip(self.variants.iter().find(|variant| variant.weight > 0))
    }

    /// The names of the variants with their shares.
    pub(super) fn shares(&self, table: &Table) -> Named<WrittenShare> {
        let names = self.variants.iter().map(|variant| table.of(variant));
        named_shares(names, shares(&self.weights()))
    }
}

/// The most that weights may be together; Unleash's are 1,000, and beyond this a part per million is too coarse for them.
const WEIGHTS_MAX: u64 = 400_000;

/// Reads `variants`; `None`: there are none, or none that anybody could get.
pub(super) fn list(
    fields: &mut Fields<'_>,
    owner: &Owner<'_>,
    draft: &mut Draft,
) -> Result<Option<Choice>, Bad> {
    let at = fields.at("variants");
    let values = fields.list("variants")?;
    let mut sticky = None;
    let mut variants: Vec<Variant> = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let path = format!("{at}[{index}]");
        let (variant, by) = variant(value, &path, draft)?;
        if variants.iter().any(|other| other.name == variant.name) {
            return Err(Bad::new(&path, format!("the variant `{}` is there twice", variant.name)));
        }
        // The first one's counts for all of them.
        if index == 0 {
            sticky = by;
        }
        variants.push(variant);
    }
    let total = variants.iter().fold(0_u64, |sum, variant| sum.saturating_add(variant.weight));
    if total > WEIGHTS_MAX {
        return Err(Bad::new(
            &at,
            format!("the weights are {total} together, at most {WEIGHTS_MAX} can be said"),
        ));
    }
    if total == 0 {
        if !variants.is_empty() {
            draft.note(
                NoteKind::Changed,
                &at,
                "all weights are 0, so nobody gets a variant; they are left out",
            );
        }
        return Ok(None);
    }
    let is_choice = variants.iter().filter(|variant| variant.weight > 0).count() > 1;
    let sticky = sticky.as_deref().unwrap_or(owner.stickiness);
    let by = strategy::by(sticky, &strategy::OF_VARIANTS, is_choice.then_some(&at), draft);
    let is_named = is_choice && sticky != "default" && sticky != "random";
    let lacking = is_named.then(|| TargetConfig { present: Some(false), ..words::attribute(field(sticky)) });
    if lacking.is_some() {
        let what =
            format!("a subject without {sticky} gets any variant there, anew at every call; here the first");
        draft.note(NoteKind::Changed, &at, what);
    }
    Ok(Some(Choice { variants, salt: owner.salt.to_owned(), by, lacking }))
}

fn variant(value: &Value, path: &str, draft: &mut Draft) -> Result<(Variant, Option<String>), Bad> {
    let mut fields = Fields::of(value, path)?;
    let name = fields.must("name")?.to_owned();
    let weight = fields.whole("weight")?.unwrap_or(0);
    let sticky = fields.text("stickiness")?.map(str::to_owned);
    let payload = match fields.take("payload") {
        None => None,
        Some(value) => Some(payload(value, &fields.at("payload"), draft)?),
    };
    let at = fields.at("overrides");
    let mut overrides = Vec::new();
    for (index, value) in fields.list("overrides")?.iter().enumerate() {
        let mut one = Fields::of(value, &format!("{at}[{index}]"))?;
        overrides.push(is_in(field(one.must("contextName")?), one.texts("values")?));
        one.close(draft, &[]);
    }
    // Fixed weights are weights already: the server has taken them off the others.
    let _ = fields.take("weightType");
    fields.close(draft, &[]);
    let overrides = (!overrides.is_empty()).then(|| any(overrides));
    Ok((Variant { name, weight, value: payload, overrides }, sticky))
}

fn payload(value: &Value, path: &str, draft: &mut Draft) -> Result<(FlagTypeConfig, Json), Bad> {
    let mut fields = Fields::of(value, path)?;
    let type_name = fields.text("type")?.unwrap_or("string");
    let text = match fields.take("value") {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(other) => {
            return Err(Bad::new(&fields.at("value"), format!("expected a text, found {}", kind(other))));
        }
    };
    let at = fields.at("value");
    fields.close(draft, &[]);
    let unreadable = |draft: &mut Draft, what: &str| {
        draft.note(NoteKind::Changed, &at, format!("`{text}` is no {what}; it is served as text"));
        (FlagTypeConfig::String, Json::Text(text.clone()))
    };
    Ok(match type_name {
        "string" => (FlagTypeConfig::String, Json::Text(text)),
        "csv" => {
            draft.note(NoteKind::Changed, path, "a payload of type csv is served as text");
            (FlagTypeConfig::String, Json::Text(text))
        }
        "number" => match text.trim().parse::<f64>().ok().filter(|number| number.is_finite()) {
            Some(number) => (FlagTypeConfig::Number, Json::Number(number)),
            None => unreadable(draft, "number"),
        },
        "json" => match serde_json::from_str(&text).ok().as_ref().and_then(words::json) {
            Some(value) => (FlagTypeConfig::Json, value),
            None => unreadable(draft, "JSON"),
        },
        other => {
            draft.note(NoteKind::Changed, path, format!("a payload of type {other} is served as text"));
            (FlagTypeConfig::String, Json::Text(text))
        }
    })
}

/// The variants of a flag: those of the feature and of its strategies, each by a name of its own.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<(Variant, String)>,
    nothing: Option<String>,
}

impl Table {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds the variants of a choice that are not there yet.
    pub(super) fn add(&mut self, choice: &Choice, path: &str, draft: &mut Draft) {
        for variant in &choice.variants {
            if self.row(variant).is_some() {
                continue;
            }
            let key = key_of(&variant.name, |name| self.rows.iter().any(|(_, other)| other == name));
            if key != variant.name {
                let why = match self.rows.iter().any(|(other, _)| other.name == variant.name) {
                    true => "strategies have variants of this name with other payloads",
                    false => "names of variants have no white space",
                };
                let what = format!("the variant `{}` is `{key}` here: {why}", variant.name);
                draft.note(NoteKind::Changed, path, what);
            }
            self.rows.push((variant.clone(), key));
        }
    }

    /// Adds a variant for those who are on and get none.
    pub(super) fn add_nothing(&mut self, name: &str) {
        self.nothing = Some(key_of(name, |name| self.rows.iter().any(|(_, other)| other == name)));
    }

    fn row(&self, variant: &Variant) -> Option<&(Variant, String)> {
        self.rows.iter().find(|(row, _)| row.name == variant.name && row.value == variant.value)
    }

    /// The name of a variant here.
    pub(super) fn of(&self, variant: &Variant) -> String {
        self.row(variant).map_or_else(|| variant.name.clone(), |(_, key)| key.clone())
    }

    /// What those get who are on without a variant.
    pub(super) fn nothing(&self) -> Option<&str> {
        self.nothing.as_deref()
    }

    /// Names there and here.
    pub(super) fn names(&self) -> Vec<(String, String)> {
        let rows = self.rows.iter().map(|(variant, key)| (variant.name.clone(), key.clone()));
        rows.chain(self.nothing.iter().map(|key| (super::NO_VARIANT.to_owned(), key.clone()))).collect()
    }

    /// Writes them into a flag, with the shares of its own choice; without one all who are on by its share get none.
    pub(super) fn write(&self, flag: &mut FlagConfig, own: Option<&Choice>) {
        if self.rows.is_empty() {
            return;
        }
        let types =
            self.rows.iter().map(|(row, _)| row.value.as_ref().map_or(FlagTypeConfig::String, |(of, _)| *of));
        let types: Vec<FlagTypeConfig> =
            types.chain(self.nothing.iter().map(|_| FlagTypeConfig::String)).collect();
        let common = types.first().copied().filter(|first| types.iter().all(|other| other == first));
        let common = common.unwrap_or(FlagTypeConfig::Json);
        let own_shares = own.map(|own| own.shares(self));
        let share = |key: &str| own_shares.as_ref().and_then(|shares| shares.of(key)).cloned();
        let written = self.rows.iter().map(|(row, key)| {
            let value =
                row.value.as_ref().map_or_else(|| Json::Text(row.name.clone()), |(_, value)| value.clone());
            (key.clone(), VariantConfig { value: Some(value), share: share(key), ..VariantConfig::default() })
        });
        let mut written: Vec<(String, VariantConfig)> = written.collect();
        if let Some(key) = &self.nothing {
            let share = own.is_none().then(|| words::share(1, 1));
            let value = Some(Json::Text(super::NO_VARIANT.to_owned()));
            written.push((key.clone(), VariantConfig { value, share, ..VariantConfig::default() }));
        }
        flag.value_type = Some(common);
        flag.variants = Some(Named(written));
        flag.variant_bucketing = own.map(Choice::bucketing);
    }
}
