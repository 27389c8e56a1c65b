//! What the fuzz targets do with their bytes. They stand here, so that the tests run them over the corpus too.

mod command;
mod import;
mod plan;
mod rules;
mod trace;

pub use command::command;
pub use import::import_file;
pub use plan::plan;
pub use rules::rules;
pub use trace::trace;
