//! A flag's handle: the fast path, one key or many.

use std::sync::Arc;

use pyo3::exceptions::{PyUnicodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyCapsule, PyDict, PyList, PyTuple, PyType};

use crate::door::Door;
use crate::evaluation::Evaluation;
use crate::keys;
use crate::memory::{Rows, Texts};

/// One flag. A handle stays good for as long as its engine, in the children of forks too.
#[pyclass(module = "rollgate", frozen)]
pub(crate) struct Flag {
    pub(crate) flag: rollgate::flag::Flag,
    pub(crate) door: Arc<Door>,
}

/// Arrow arrays of so many keys and more are read without the interpreter's lock: giving it back costs as much as some keys.
const MANY: usize = 4_096;

/// Keys of a list that are read at once: few enough to be in the processor's cache when they are looked at again.
const AT_ONCE: usize = 1_024;

#[pymethods]
impl Flag {
    /// Its key.
    #[getter]
    fn key(&self) -> &str {
        self.flag.key()
    }

    /// Whether it is on for a subject.
    #[pyo3(signature = (key, /))]
    fn is_on(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.flag.is_on_bytes(keys::bytes(key)?))
    }

    /// As `is_on`, and counts the answer as an exposure.
    #[pyo3(signature = (key, /))]
    fn is_on_counted(&self, key: &str) -> bool {
        self.door.settle();
        self.flag.is_on_counted(key)
    }

    /// Whether it is on, for many subjects.
    #[pyo3(signature = (keys, /))]
    fn is_on_many<'py>(&self, keys: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(list) = keys.cast::<PyList>() {
            return self.of_list(list);
        }
        let py = keys.py();
        if let Some(numpy) = Numpy::of(keys)? {
            return self.of_numpy(numpy, keys);
        }
        if keys.hasattr("__arrow_c_array__")?
            && let Some(answers) = self.of_arrow(keys)?
        {
            return Ok(answers);
        }
        let listed = match is_a(keys, "pyarrow", "ChunkedArray")? || is_a(keys, "pyarrow", "Array")? {
            true => keys.call_method0("to_pylist")?.cast_into()?,
            false => py.get_type::<PyList>().call1((keys,))?.cast_into()?,
        };
        self.of_list(&listed)
    }

    /// The answer for a subject, and why.
    #[pyo3(signature = (key = None, attributes = None))]
    fn evaluate(
        &self,
        py: Python<'_>,
        key: Option<&Bound<'_, PyAny>>,
        attributes: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Evaluation> {
        let key = key.map(keys::bytes).transpose()?;
        keys::context(attributes)?
            .with(key, |context| Evaluation::of(py, self.flag.key(), &self.flag.serve(context)))
    }

    /// How often `is_on_counted` answered on and off in this process.
    fn exposures(&self) -> PyResult<(u64, u64)> {
        self.door.open_engine()?;
        let counted = self.flag.exposures();
        Ok((counted.on, counted.off))
    }

    fn __repr__(&self) -> String {
        format!("Flag({:?})", self.flag.key())
    }
}

impl Flag {
    fn of_list<'py>(&self, list: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyAny>> {
        let mut answers = Vec::with_capacity(list.len());
        if list.len() <= AT_ONCE {
            self.of_tuple(&list.to_tuple(), &mut answers)?;
        } else {
            for from in (0..list.len()).step_by(AT_ONCE) {
                self.of_tuple(&list.get_slice(from, from + AT_ONCE).to_tuple(), &mut answers)?;
            }
        }
        as_list(list.py(), &answers)
    }

    /// A tuple holds its items while they are read, without a count for each.
    fn of_tuple(&self, keys: &Bound<'_, PyTuple>, answers: &mut Vec<bool>) -> PyResult<()> {
        for key in keys.iter_borrowed() {
            answers.push(self.flag.is_on_bytes(keys::bytes(&key)?));
        }
        Ok(())
    }

    /// Keys of a fixed width are read where they lie; others as a list.
    fn of_numpy<'py>(&self, numpy: &Numpy, keys: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = keys.py();
        let kind: String = keys.getattr("dtype")?.getattr("kind")?.extract()?;
        let answers = match kind.as_str() {
            "U" | "S" => {
                let (rows, exact) = Rows::of(keys)?;
                match exact.as_bytes() {
                    [b'<', b'U', ..] if cfg!(target_endian = "little") => self.of_wide(&rows)?,
                    [b'>', b'U', ..] if cfg!(target_endian = "big") => self.of_wide(&rows)?,
                    [b'|', b'S', ..] => self.of_bytes(&rows),
                    // Written on a machine of the other order.
                    _ => self.of_objects(&keys.call_method0("tolist")?)?,
                }
            }
            "O" | "T" => self.of_objects(&keys.call_method0("tolist")?)?,
            other => {
                let why = format!("keys are an array of str or bytes, found one of kind {other:?}");
                return Err(pyo3::exceptions::PyTypeError::new_err(why));
            }
        };
        numpy.from_buffer.bind(py).call1((PyByteArray::new(py, &answers), &numpy.bool))
    }

    fn of_objects(&self, list: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
        let one = |key: PyResult<Bound<'_, PyAny>>| Ok(u8::from(self.flag.is_on_bytes(keys::bytes(&key?)?)));
        list.try_iter()?.map(one).collect()
    }

    fn of_bytes(&self, rows: &Rows<'_>) -> Vec<u8> {
        let mut answers = Vec::with_capacity(rows.count);
        let key = |index| {
            let row = rows.row(index);
            let length = row.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            ((), &row[..length])
        };
        self.flag.is_on_each((0..rows.count).map(key), |(), is_on| answers.push(u8::from(is_on)));
        answers
    }

    /// Four bytes a character, padded with zeros.
    fn of_wide(&self, rows: &Rows<'_>) -> PyResult<Vec<u8>> {
        let mut text = String::new();
        let mut answers = Vec::with_capacity(rows.count);
        let mut short = [0; SHORT];
        for index in 0..rows.count {
            let row = rows.row(index);
            if let Some(key) = narrow_ascii(row, &mut short) {
                answers.push(u8::from(self.flag.is_on_bytes(key)));
                continue;
            }
            narrow(row, &mut text).map_err(|code| {
                PyUnicodeError::new_err(format!("key {index}: U+{code:04X} is no character"))
            })?;
            answers.push(u8::from(self.flag.is_on_bytes(text.as_bytes())));
        }
        Ok(answers)
    }

    /// Texts of an Arrow array, where they lie; `None` where they are of another type.
    fn of_arrow<'py>(&self, keys: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = keys.py();
        let pair = keys.call_method0("__arrow_c_array__")?.cast_into::<PyTuple>()?;
        let (schema, array) = (pair.get_item(0)?, pair.get_item(1)?);
        let (schema, array) = (schema.cast::<PyCapsule>()?, array.cast::<PyCapsule>()?);
        let Some(texts) = Texts::of(schema, array)? else { return Ok(None) };
        let is_ours = is_a(keys, "pyarrow", "Array")?;
        let read = || {
            let mut answers = Vec::with_capacity(texts.count);
            let keys = (0..texts.count).map(|place| ((), texts.text(place)));
            self.flag.is_on_each(keys, |(), is_on| answers.push(is_on));
            answers
        };
        let answers = if texts.count >= MANY { py.detach(read) } else { read() };
        if is_ours { as_arrow(py, &answers).map(Some) } else { as_list(py, &answers).map(Some) }
    }
}

/// Rows of so many characters are read without a loop that looks at each.
const SHORT: usize = 64;

/// One row of UTF-32 that is short and all ASCII, without its padding.
#[inline]
fn narrow_ascii<'a>(row: &[u8], text: &'a mut [u8; SHORT]) -> Option<&'a [u8]> {
    let units = row.as_chunks::<4>().0;
    let text = text.get_mut(..units.len())?;
    let mut all = 0;
    for (byte, unit) in text.iter_mut().zip(units) {
        let code = u32::from_ne_bytes(*unit);
        all |= code;
        *byte = code as u8;
    }
    let length = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    (all < 0x80).then(|| &text[..length])
}

/// UTF-8 of one row of UTF-32; the number that is no character is the error.
fn narrow(row: &[u8], text: &mut String) -> Result<(), u32> {
    text.clear();
    // Zeros before the end are part of the key, those at the end are padding.
    let mut zeros = 0;
    for unit in row.chunks_exact(4) {
        let code = unit.first_chunk().map_or(0, |unit| u32::from_ne_bytes(*unit));
        if code == 0 {
            zeros += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut zeros) {
            text.push('\0');
        }
        text.push(char::from_u32(code).ok_or(code)?);
    }
    Ok(())
}

/// Answers as a list: one of the commoner answer, which Python makes fastest, with the others put into it.
fn as_list<'py>(py: Python<'py>, answers: &[bool]) -> PyResult<Bound<'py, PyAny>> {
    let on = answers.iter().filter(|is_on| **is_on).count();
    let common = on > answers.len() / 2;
    let list = PyList::new(py, [common])?.as_sequence().repeat(answers.len())?.cast_into::<PyList>()?;
    let other = PyBool::new(py, !common);
    for (place, _) in answers.iter().enumerate().filter(|(_, is_on)| **is_on != common) {
        list.set_item(place, &*other)?;
    }
    Ok(list.into_any())
}

/// Answers as a `pyarrow.BooleanArray`.
fn as_arrow<'py>(py: Python<'py>, answers: &[bool]) -> PyResult<Bound<'py, PyAny>> {
    let byte = |bits: &[bool]| bits.iter().enumerate().fold(0, |byte, (at, bit)| byte | u8::from(*bit) << at);
    let bits: Vec<u8> = answers.chunks(8).map(byte).collect();
    let pyarrow = py.import("pyarrow")?;
    let buffer = pyarrow.call_method1("py_buffer", (PyBytes::new(py, &bits),))?;
    let buffers = PyList::new(py, [py.None().into_bound(py), buffer])?;
    let kind = pyarrow.call_method0("bool_")?;
    pyarrow.getattr("Array")?.call_method1("from_buffers", (kind, answers.len(), buffers))
}

/// Whether an object is of a class of a module that the program has imported. rollgate imports none.
fn is_a(object: &Bound<'_, PyAny>, module: &str, class: &str) -> PyResult<bool> {
    let Some(module) = imported(object.py(), module)? else { return Ok(false) };
    let Ok(class) = module.getattr(class) else { return Ok(false) };
    let class = class.cast_into::<PyType>().map_err(|_| PyValueError::new_err("no class"))?;
    object.is_instance(&class)
}

/// A module that the program has imported. `sys.modules` is looked up once: an import statement costs as much as fifty keys.
fn imported<'py>(py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    static MODULES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let modules =
        MODULES.get_or_try_init(py, || PyResult::Ok(py.import("sys")?.getattr("modules")?.unbind()))?;
    Ok(modules.bind(py).get_item(name).ok())
}

/// What is used of NumPy, looked up once.
struct Numpy {
    array: Py<PyType>,
    from_buffer: Py<PyAny>,
    bool: Py<PyAny>,
}

impl Numpy {
    /// Where an object is an array of NumPy's.
    fn of(object: &Bound<'_, PyAny>) -> PyResult<Option<&'static Self>> {
        static NUMPY: PyOnceLock<Numpy> = PyOnceLock::new();
        let py = object.py();
        let numpy = match NUMPY.get(py) {
            Some(numpy) => numpy,
            None => {
                let Some(module) = imported(py, "numpy")? else { return Ok(None) };
                // A module that is still being imported has none yet.
                let Ok(array) = module.getattr("ndarray") else { return Ok(None) };
                let array =
                    array.cast_into::<PyType>().map_err(|_| PyValueError::new_err("no class"))?.unbind();
                let (from_buffer, bool) = (module.getattr("frombuffer")?, module.getattr("bool_")?);
                let found = Self { array, from_buffer: from_buffer.unbind(), bool: bool.unbind() };
                NUMPY.get_or_init(py, || found)
            }
        };
        Ok(object.is_instance(numpy.array.bind(py))?.then_some(numpy))
    }
}
