//! One call that is measured.

use std::hint::black_box;
use std::sync::Arc;

/// How many keys the calls take turns with; few enough for the first cache.
pub const KEYS: usize = 512;

/// Sixteen bytes each, as in the floors.
pub type Keys = [&'static str; KEYS];

/// Runs so many calls.
pub type Run = Arc<dyn Fn(&Keys, usize) + Send + Sync>;

/// One call.
pub struct Row {
    /// Whose, and which.
    pub name: String,
    /// What the call does, so that a reader can judge the comparison.
    pub does: &'static str,
    /// What one call answers, in flags: its time is divided by it.
    pub per: usize,
    /// Threads that call at once.
    pub threads: usize,
    /// The calls.
    pub run: Run,
    /// Runs between two chunks, outside of the time: takes away what the calls have piled up.
    pub settle: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Row {
    /// A call that takes a key.
    pub fn new<T>(
        name: impl Into<String>,
        does: &'static str,
        call: impl Fn(&'static str) -> T + Send + Sync + 'static,
    ) -> Self {
        let run = move |keys: &Keys, calls: usize| {
            for index in 0..calls {
                black_box(call(black_box(keys[index % KEYS])));
            }
        };
        Self { name: name.into(), does, per: 1, threads: 1, run: Arc::new(run), settle: None }
    }

    /// A call that takes a value: latencies in milliseconds, spread over two octaves.
    pub fn of_values<T>(
        name: impl Into<String>,
        does: &'static str,
        call: impl Fn(f64) -> T + Send + Sync + 'static,
    ) -> Self {
        let values: [f64; KEYS] =
            std::array::from_fn(|index| 100.0 + 300.0 * ((index * 197) % KEYS) as f64 / KEYS as f64);
        let run = move |_: &Keys, calls: usize| {
            for index in 0..calls {
                black_box(call(black_box(values[index % KEYS])));
            }
        };
        Self { name: name.into(), does, per: 1, threads: 1, run: Arc::new(run), settle: None }
    }

    /// One call answers for so many flags.
    #[must_use]
    pub fn per(self, per: usize) -> Self {
        Self { per, ..self }
    }

    /// Runs `settle` between two chunks.
    #[must_use]
    pub fn settled_by(self, settle: impl Fn() + Send + Sync + 'static) -> Self {
        Self { settle: Some(Arc::new(settle)), ..self }
    }

    /// The same call from two threads at once.
    #[must_use]
    pub fn on_two_threads(&self) -> Self {
        let name = format!("{}_2t", self.name);
        Self {
            name,
            does: self.does,
            per: self.per,
            threads: 2,
            run: self.run.clone(),
            settle: self.settle.clone(),
        }
    }
}

/// The keys of all calls.
pub fn keys() -> Keys {
    let text: &'static str =
        Box::leak((0..KEYS).map(|index| format!("user-{index:011}")).collect::<String>().into());
    std::array::from_fn(|index| &text[index * 16..index * 16 + 16])
}

/// Refuses a call that does not do what the others do: a tenth of all keys must be on.
///
/// # Errors
/// Where it is another part.
pub fn check(name: &str, is_on: impl Fn(&'static str) -> bool) -> Result<(), String> {
    const ALL: usize = 20_000;
    let text: &'static str =
        Box::leak((0..ALL).map(|index| format!("user-{index:011}")).collect::<String>().into());
    let on = (0..ALL).filter(|index| is_on(&text[index * 16..index * 16 + 16])).count();
    // 7 sigma of a binomial.
    if on.abs_diff(ALL / 10) <= 300 {
        Ok(())
    } else {
        Err(format!("{name}: {on} of {ALL} keys are on, not a tenth"))
    }
}
