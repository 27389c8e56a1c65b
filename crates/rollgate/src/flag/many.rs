//! One flag for many subjects.

use std::sync::atomic::Ordering;

use rollgate_core::bucket;
use rollgate_core::evaluate::{Context, FlagRef, evaluate};

use super::Flag;
use crate::word::{EVERYBODY, is_below};

impl Flag {
    /// Whether it is on for each of many subjects, as of [`is_on_bytes`](Self::is_on_bytes): calls `answer` for every key in
    /// turn, with what came beside it. All answers are of one version.
    ///
    /// What decides the flag is read once, so a key costs little more than its hash.
    ///
    /// # Panics
    /// Where `keys` or `answer` does. No lock, no allocation, no shared write.
    ///
    /// # Examples
    /// ```
    /// use rollgate::{Engine, read::Format};
    ///
    /// let plan = "{ version: 1, name: many, flags: { HALF: { share: 50% } } }";
    /// let half = Engine::builder().plan_text(plan, Format::Yaml)?.build()?.flag("HALF");
    /// let users = ["ann", "bob", "cid"];
    /// let mut on = Vec::new();
    /// half.is_on_each(users.iter().map(|user| (user, user.as_bytes())), |user, is_on| on.extend(is_on.then_some(*user)));
    /// assert_eq!(on, users.into_iter().filter(|user| half.is_on(user)).collect::<Vec<_>>());
    /// # Ok::<(), rollgate::core::error::Error>(())
    /// ```
    #[inline]
    pub fn is_on_each<'k, T>(
        &self,
        keys: impl Iterator<Item = (T, &'k [u8])>,
        mut answer: impl FnMut(T, bool),
    ) {
        let word = self.cell.word.load(Ordering::Acquire);
        if word >= EVERYBODY {
            return self.is_on_each_above(word, keys, answer);
        }
        let seed = self.cell.seed;
        keys.for_each(|(beside, key)| {
            // The hash looks at the length first. Keys like most identifiers have a loop that is free of that.
            let is_on = match key.len() {
                9..=16 => bucket::is_in(bucket::bucket(seed, key), word),
                _ => is_below_of_any_length(seed, key, word),
            };
            answer(beside, is_on);
        });
    }

    /// By itself, so that the loop above stays small.
    #[inline(never)]
    fn is_on_each_above<'k, T>(
        &self,
        word: u64,
        keys: impl Iterator<Item = (T, &'k [u8])>,
        mut answer: impl FnMut(T, bool),
    ) {
        let flag = self.cell.id.map_or(FlagRef::Name(self.cell.key.as_str()), FlagRef::Id);
        // Pinned for those that need the whole evaluation, so that they are of one version too.
        let view = self.flags.view();
        for (beside, key) in keys {
            self.cell.asked();
            let context = Context::of_bytes(key);
            let decided = self.flags.without_snapshot(&self.cell, word, &context);
            answer(beside, decided.unwrap_or_else(|| evaluate(&view.snapshot, flag, &context).is_on()));
        }
    }
}

/// By itself, so that the loop around it has all registers.
#[inline(never)]
fn is_below_of_any_length(seed: u64, key: &[u8], word: u64) -> bool {
    is_below(seed, key, word)
}
