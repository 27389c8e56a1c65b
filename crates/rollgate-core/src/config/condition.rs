//! Conditions and gates as they are written: one subject, what it is asked, and keys that go with any.

use serde::{Deserialize, Serialize};

use super::{WrittenLimit, WrittenPart, WrittenShare, WrittenSpan, WrittenStat, WrittenWindow};

macro_rules! conditions {
    ($($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $own_doc:literal])* $own:ident: $type:ty)? })*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "schema", schemars(transform = schema::forms))]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// False: the condition is skipped, which counts neither way.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub only_if: Option<Box<ConditionConfig>>,
            /// Subject: a metric of the plan, or `rollgate.rollbacks`; with a statistic, a window and a limit.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub metric: Option<String>,
            /// The statistic; the value of ratios and scores unless written.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub stat: Option<WrittenStat>,
            /// How far the measurement looks back; 1m beside `for`, and `max_gap` for `last`, unless written.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub over: Option<WrittenWindow>,
            /// Sustained: it must hold for this long.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub r#for: Option<WrittenSpan>,
            /// The mean of the statistic over sub-windows of this length.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub averaged_by: Option<WrittenSpan>,
            /// Fewer samples are inconclusive; 10/(1-q) for a quantile, 10 for a mean or a ratio, 1 for gauges and scores and 0 for events unless written.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub min_samples: Option<u64>,
            /// Measured against the metric's baseline; with `change`.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub versus: Option<VersusConfig>,
            /// What is compared with the limit: current minus baseline, or that over the baseline.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub change: Option<ChangeConfig>,
            /// The limit: less than this.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub below: Option<WrittenLimit>,
            /// The limit: more than this.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub above: Option<WrittenLimit>,
            /// The limit: this or less.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub at_most: Option<WrittenLimit>,
            /// The limit: this or more.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub at_least: Option<WrittenLimit>,
            /// The metric must not move this way over the window.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub trend: Option<TrendConfig>,
            /// What a trend may move in the window, as a part of the median.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub tolerance: Option<WrittenPart>,
            /// Subject: alerts of this severity; with `within` and a limit, `quiet_for` or `open_for`.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub alerts: Option<SeverityConfig>,
            /// Alerts opened in this window are counted.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub within: Option<WrittenSpan>,
            /// No alert opened or open for this long.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub quiet_for: Option<WrittenSpan>,
            /// One alert open for at least this long.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub open_for: Option<WrittenSpan>,
            /// Subject: this metric where the flag is on against where it is off.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub compare: Option<String>,
            /// Subject: this flag's share now; or the flag whose arms are compared.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub flag: Option<String>,
            /// What ON may be worse by: `5%` is relative, `0.1pp` or a unit absolute.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub not_worse_by: Option<WrittenLimit>,
            /// Confidence of a comparison; 95% unless written.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub confidence: Option<WrittenPart>,
            /// The flag's share is above this.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub share_above: Option<WrittenShare>,
            /// Subject: a statement that somebody attests in this phase.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub attest: Option<String>,
            /// Roles of which one may attest it; anybody unless written.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub roles: Option<Vec<String>>,
            /// Passed must equal total, and the total be at least this.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub all_of: Option<u64>,
            /// Subject: every item of the phase's checklist is checked.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub checklist: Option<ChecklistConfig>,
            /// Subject: no flag is exposed to anybody.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub shares: Option<SharesConfig>,
            /// Subject: the phase has been running, and watched, for this long.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub phase_for: Option<WrittenSpan>,
            /// Subject: all of these.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[cfg_attr(feature = "schema", schemars(extend("minItems" = 1)))]
            pub all: Option<Vec<ConditionConfig>>,
            /// Subject: any of these.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[cfg_attr(feature = "schema", schemars(extend("minItems" = 1)))]
            pub any: Option<Vec<ConditionConfig>>,
            /// Subject: the opposite of this.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub not: Option<Box<ConditionConfig>>,
            /// Subject: at least so many of these.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub at_least_of: Option<AtLeastOfConfig>,
            /// A pass within this part of the limit is a warning.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub warn_within: Option<WrittenPart>,
            /// What no data means; `hold` unless written.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub on_no_data: Option<NoDataConfig>,
            /// The part of the window that must have been watched and fed: 90% for gates over 1h unless written.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub coverage: Option<WrittenPart>,
            $(
                $(#[doc = $own_doc])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $own: $type,
            )?
        }
    )*};
}

conditions! {
    /// A condition: exactly one subject and what it is asked.
    ConditionConfig {}
    /// A condition that must pass to go on.
    GateConfig {
        /// Shown and journalled, and changes nothing.
        dry_run: Option<bool>
    }
}

/// At least `n` of some conditions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AtLeastOfConfig {
    /// How many must hold.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub n: u64,
    /// Of these.
    #[cfg_attr(feature = "schema", schemars(extend("minItems" = 1)))]
    pub conditions: Vec<ConditionConfig>,
}

macro_rules! words {
    ($($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $word_doc:literal])* $word:ident,)+ })*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[doc = $word_doc])* $word,)+
        }
    )*};
}

words! {
    /// What a measurement is set against.
    VersusConfig {
        /// The metric's baseline.
        Baseline,
    }
    /// How a measurement is set against its baseline.
    ChangeConfig {
        /// Current minus baseline.
        Difference,
        /// Current minus baseline, over the baseline.
        Relative,
    }
    /// Which way a level must not move.
    TrendConfig {
        /// Not up.
        NotRising,
        /// Not down.
        NotFalling,
    }
    /// How bad an alert is.
    SeverityConfig {
        /// Somebody should know.
        Info,
        /// Somebody should look.
        Warning,
        /// Somebody should get up.
        Critical,
    }
    /// The phase's checklist.
    ChecklistConfig {
        /// Every item is checked.
        Complete,
    }
    /// The shares of all flags.
    SharesConfig {
        /// Nobody is exposed.
        AllZero,
    }
    /// What no data means.
    NoDataConfig {
        /// Inconclusive.
        Hold,
        /// A gate fails.
        Fail,
        /// A trigger fires once its window was watched in full.
        Fire,
    }
}

/// Which keys go together; the serde types say only which there are.
#[cfg(feature = "schema")]
mod schema {
    use schemars::{Schema, json_schema};

    /// A subject: the keys it needs, and those that it may have.
    struct Form {
        needs: &'static [&'static str],
        may: &'static [&'static str],
        has_limit: bool,
    }

    const fn form(needs: &'static [&'static str], may: &'static [&'static str]) -> Form {
        Form { needs, may, has_limit: false }
    }

    const FORMS: [Form; 15] = [
        Form {
            needs: &["metric"],
            may: &["stat", "over", "for", "averaged_by", "min_samples", "versus", "change"],
            has_limit: true,
        },
        form(&["metric", "trend", "over", "tolerance"], &[]),
        Form { needs: &["alerts", "within"], may: &[], has_limit: true },
        form(&["alerts", "quiet_for"], &[]),
        form(&["alerts", "open_for"], &[]),
        form(&["compare", "flag", "not_worse_by"], &["stat", "confidence"]),
        form(&["attest"], &["roles", "all_of"]),
        form(&["checklist"], &[]),
        form(&["shares"], &[]),
        form(&["flag", "share_above"], &[]),
        form(&["phase_for"], &[]),
        form(&["all"], &[]),
        form(&["any"], &[]),
        form(&["not"], &[]),
        form(&["at_least_of"], &[]),
    ];
    const LIMITS: [&str; 4] = ["below", "above", "at_most", "at_least"];
    /// Keys that go with any subject, where the type has them.
    const COMMON: [&str; 5] = ["only_if", "warn_within", "on_no_data", "coverage", "dry_run"];

    /// One of the forms, and no other key.
    pub(super) fn forms(schema: &mut Schema) {
        let has = |schema: &Schema, key: &str| {
            schema.get("properties").and_then(|listed| listed.get(key)).is_some()
        };
        let common: Vec<&str> = COMMON.into_iter().filter(|key| has(schema, key)).collect();
        let forms: Vec<Schema> = FORMS
            .iter()
            .map(|form| {
                let limits: &[&str] = if form.has_limit { &LIMITS } else { &[] };
                let known: Vec<&&str> =
                    form.needs.iter().chain(form.may).chain(limits).chain(&common).collect();
                let mut one = json_schema!({ "required": form.needs, "propertyNames": { "enum": known } });
                if form.has_limit {
                    let limits: Vec<Schema> =
                        LIMITS.iter().map(|limit| json_schema!({ "required": [limit] })).collect();
                    one.insert(
                        "oneOf".into(),
                        json_schema!({ "oneOf": limits }).remove("oneOf").unwrap_or_default(),
                    );
                }
                one
            })
            .collect();
        schema.insert("oneOf".into(), json_schema!({ "oneOf": forms }).remove("oneOf").unwrap_or_default());
    }
}
