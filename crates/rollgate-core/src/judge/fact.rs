//! Conditions that are judged from where the rollout stands: no window is read.

use super::facts::{Attestation, Facts};
use super::verdict::{Cause, Verdict};
use crate::id::FlagId;
use crate::snapshot::{Attest, ChecklistItem};
use crate::units::Share;

const fn said(holds: bool) -> Verdict {
    if holds { Verdict::Pass } else { Verdict::Fail }
}

impl Facts<'_> {
    /// What is said of the item in this phase by those who may: an objection while one stands, else the latest statement.
    ///
    /// Each person has one statement; only whoever objected can take it back (SEMANTICS 6.6).
    pub(super) fn statement(&self, attest: &Attest) -> Option<&Attestation> {
        let may = |attestation: &Attestation| {
            attest.roles.is_empty()
                || attest.roles.iter().any(|role| {
                    let key = self.ruleset.roles.get(role.index()).map(|rule| &rule.key);
                    key.is_some_and(|key| attestation.roles.contains(key))
                })
        };
        let mut given = self
            .attestations
            .iter()
            .filter(|given| given.phase == self.phase && given.item == attest.item && may(given));
        given.clone().rfind(|given| !given.is_true).or_else(|| given.next_back())
    }

    pub(super) fn attested(&self, attest: &Attest) -> Verdict {
        let Some(statement) = self.statement(attest) else {
            return Verdict::Inconclusive(Cause::Unattested);
        };
        match (statement.is_true, attest.all_of, statement.passed) {
            (false, ..) => Verdict::Fail,
            (true, None, None) => Verdict::Pass,
            // Whoever gives numbers says that this many failed, whether they were asked for or not.
            (true, None, Some((passed, of))) => said(passed == of),
            (true, Some(least), Some((passed, of))) => said(passed == of && of >= least),
            // Attested without the numbers that the plan asks for.
            (true, Some(_), None) => Verdict::Inconclusive(Cause::Unattested),
        }
    }

    /// How many items of the phase's checklist are checked, and how many there are.
    pub(super) fn checklist_count(&self) -> (usize, usize) {
        let items = self.checklist_items();
        (items.len() - self.unchecked().count(), items.len())
    }

    fn checklist_items(&self) -> &[ChecklistItem] {
        let phase = self.ruleset.plan.as_ref().and_then(|plan| plan.phases.get(self.phase.index()));
        phase.map_or(&[], |phase| &phase.checklist)
    }

    /// Items of the phase's checklist that are not checked.
    pub(super) fn unchecked(&self) -> impl Iterator<Item = &ChecklistItem> {
        self.checklist_items().iter().filter(|item| !self.checked.contains(&item.key))
    }

    pub(super) fn checklist(&self) -> Verdict {
        match self.checklist_count() {
            // A list without items shows nothing.
            (checked, of) if checked == of && of > 0 => Verdict::Pass,
            _ => Verdict::Inconclusive(Cause::Unattested),
        }
    }

    pub(super) fn shares_all_zero(&self) -> Verdict {
        said(self.shares.iter().all(|share| *share == Share::ZERO))
    }

    pub(super) fn share_of(&self, flag: FlagId) -> Share {
        // A final flag has left the plan, and its share there says nothing.
        let is_final = self.ruleset.flags.get(flag.index()).is_some_and(|rule| rule.is_final);
        if is_final { Share::FULL } else { self.shares.get(flag.index()).copied().unwrap_or(Share::ZERO) }
    }

    pub(super) fn share_above(&self, flag: FlagId, above: Share) -> Verdict {
        said(self.share_of(flag) > above)
    }
}
