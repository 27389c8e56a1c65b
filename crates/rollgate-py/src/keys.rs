//! Targeting keys and attributes as Python passes them.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyNone, PyString, PyTuple};
use rollgate::wire::{OwnedAttribute, OwnedContext};

use crate::json::kind;

/// A key's bytes: those of a `bytes`, or the UTF-8 of a `str`, without a copy.
///
/// A `str` with a lone surrogate has no UTF-8: that is a `UnicodeEncodeError`.
#[inline]
pub(crate) fn bytes<'a>(key: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    // By its type itself first: that is a comparison, where asking what a type is derived from is a call.
    match key.cast_exact::<PyString>() {
        Ok(text) => text.to_str().map(str::as_bytes),
        Err(_) => other(key),
    }
}

#[cold]
fn other<'a>(key: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if let Ok(text) = key.cast::<PyString>() {
        return text.to_str().map(str::as_bytes);
    }
    match key.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.as_bytes()),
        Err(_) => Err(PyTypeError::new_err(format!("a key is a str or bytes, found {}", kind(key)))),
    }
}

/// A name, as an argument.
pub(crate) fn name<'a>(argument: &str, name: &'a Bound<'_, PyAny>) -> PyResult<&'a str> {
    match name.cast::<PyString>() {
        Ok(text) => text.to_str(),
        Err(_) => Err(PyTypeError::new_err(format!("{argument} is a str, found {}", kind(name)))),
    }
}

/// The context of a dict of attributes.
pub(crate) fn context(attributes: Option<&Bound<'_, PyDict>>) -> PyResult<OwnedContext> {
    let mut context = OwnedContext::default();
    for (name, value) in attributes.into_iter().flatten() {
        let name = name.cast::<PyString>().map_err(|_| {
            PyTypeError::new_err(format!("an attribute's name is a str, found {}", kind(&name)))
        })?;
        let name = name.to_str()?;
        if let Some(value) = attribute(name, &value)? {
            context.push(name, value);
        }
    }
    Ok(context)
}

/// An attribute; `None` is none.
fn attribute(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<OwnedAttribute>> {
    if value.is_instance_of::<PyNone>() {
        return Ok(None);
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let mut texts = Vec::new();
        for item in value.try_iter()? {
            texts.extend(text(name, &item?)?);
        }
        return Ok(Some(OwnedAttribute::List(texts)));
    }
    Ok(Some(if let Ok(value) = value.cast::<PyBool>() {
        OwnedAttribute::Bool(value.is_true())
    } else if let Ok(text) = value.cast::<PyString>() {
        OwnedAttribute::Text(text.to_str()?.to_owned())
    } else if value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>() {
        OwnedAttribute::Number(value.extract()?)
    } else {
        return Err(wrong(name, value));
    }))
}

/// An item of a list, as text: conditions on lists compare texts.
fn text(name: &str, item: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    if let Ok(text) = item.cast::<PyString>() {
        Ok(Some(text.to_str()?.to_owned()))
    } else if item.is_instance_of::<PyNone>() {
        Ok(None)
    } else if let Ok(value) = item.cast::<PyBool>() {
        Ok(Some(value.is_true().to_string()))
    } else if item.is_instance_of::<PyFloat>() || item.is_instance_of::<PyInt>() {
        Ok(Some(crate::json::from_python(item)?.to_string()))
    } else {
        Err(wrong(name, item))
    }
}

fn wrong(name: &str, value: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!(
        "attribute {name:?}: expected a str, int, float, bool, a list of them, or None, found {}",
        kind(value)
    ))
}
