//! The one module with unsafe code: memory of arrays, which is read where it lies, and the system's word of a fork.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_void};
use std::marker::PhantomData;
use std::sync::Once;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};

// ---- forks

extern "C" fn in_child() {
    rollgate::process::forked();
}

/// Has every child of a fork know that it is one: Python's own forks, and those of C, which run no hooks of Python's.
pub(crate) fn watch_forks() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        // SAFETY: the handler adds to an atomic number and calls nothing, so it may run in the child of a program with
        // threads. It stays where it is: an extension module is never unloaded. Without memory for the handler nothing is
        // registered; the engine then works as before, in processes that do not fork.
        let _ = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

// ---- NumPy

/// Items of one width in one dimension: NumPy's fixed-width texts and bytes.
pub(crate) struct Rows<'py> {
    at: *const u8,
    pub(crate) count: usize,
    stride: isize,
    width: usize,
    /// Keeps the memory: an array that is referred to is neither freed nor resized.
    _owner: Bound<'py, PyAny>,
}

impl<'py> Rows<'py> {
    /// The memory of an array, with its type as NumPy writes it (`<U16`, `|S8`). The caller has seen that it is NumPy's own.
    pub(crate) fn of(array: &Bound<'py, PyAny>) -> PyResult<(Self, String)> {
        let interface = array.getattr("__array_interface__")?;
        let kind: String = interface.get_item("typestr")?.extract()?;
        let shape = interface.get_item("shape")?.cast_into::<PyTuple>()?;
        if shape.len() != 1 {
            return Err(PyValueError::new_err(format!("keys have one dimension, found {}", shape.len())));
        }
        let count: usize = shape.get_item(0)?.extract()?;
        let width: usize = array.getattr("itemsize")?.extract()?;
        let address: usize = interface.get_item("data")?.get_item(0)?.extract()?;
        let strides = interface.get_item("strides")?;
        let stride = match strides.is_none() {
            true => isize::try_from(width).map_err(|_| PyValueError::new_err("too wide"))?,
            false => strides.get_item(0)?.extract()?,
        };
        let at = std::ptr::with_exposed_provenance(address);
        Ok((Self { at, count, stride, width, _owner: array.clone() }, kind))
    }

    /// One item's bytes, with NumPy's padding.
    pub(crate) fn row(&self, index: usize) -> &[u8] {
        if index >= self.count || self.width == 0 {
            return &[];
        }
        // SAFETY: NumPy promises `count` items of `width` bytes, `stride` bytes apart, at this address, for as long as the
        // array lives, which `_owner` sees to. The index is below the count.
        unsafe {
            let at = self.at.offset(self.stride * index as isize);
            std::slice::from_raw_parts(at, self.width)
        }
    }
}

// ---- Arrow's C data interface

/// <https://arrow.apache.org/docs/format/CDataInterface.html>; what is not read here has no type.
#[repr(C)]
struct ArrowSchema {
    format: *const c_char,
    name: *const c_char,
    metadata: *const c_char,
    flags: i64,
    n_children: i64,
    children: *mut *mut Self,
    dictionary: *mut Self,
    release: *const c_void,
    private_data: *mut c_void,
}

#[repr(C)]
struct ArrowArray {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *const *const c_void,
    children: *mut *mut Self,
    dictionary: *mut Self,
    release: *const c_void,
    private_data: *mut c_void,
}

/// How an array of texts or bytes lies in memory.
#[derive(Clone, Copy)]
enum Layout {
    /// Offsets of 32 bits, and the bytes.
    Offsets32,
    /// Offsets of 64 bits, and the bytes.
    Offsets64,
    /// Views of 16 bytes: short ones hold their bytes.
    Views,
}

/// Texts or bytes of an Arrow array, where they lie.
pub(crate) struct Texts<'a> {
    layout: Layout,
    pub(crate) count: usize,
    offset: usize,
    validity: *const u8,
    index: *const u8,
    buffers: *const *const c_void,
    /// The array belongs to its capsule.
    _array: PhantomData<&'a ArrowArray>,
}

// SAFETY: Arrow's arrays are immutable, and the capsule that keeps this one is held by the caller for 'a.
unsafe impl Send for Texts<'_> {}
// SAFETY: as above; reading changes nothing.
unsafe impl Sync for Texts<'_> {}

const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";

impl<'a> Texts<'a> {
    /// The texts of what `__arrow_c_array__` gave; `None` where they are of a type that is not read here.
    pub(crate) fn of(
        schema: &'a Bound<'_, PyCapsule>,
        array: &'a Bound<'_, PyCapsule>,
    ) -> PyResult<Option<Self>> {
        let schema = schema.pointer_checked(Some(SCHEMA))?.cast::<ArrowSchema>();
        let array = array.pointer_checked(Some(ARRAY))?.cast::<ArrowArray>();
        // SAFETY: a capsule of this name points to such a struct, which lives as long as the capsule.
        let (schema, array) = unsafe { (schema.as_ref(), array.as_ref()) };
        if schema.release.is_null() || array.release.is_null() {
            return Err(PyValueError::new_err("the array has been released"));
        }
        if schema.format.is_null() || !schema.dictionary.is_null() {
            return Ok(None);
        }
        // SAFETY: a text that ends in NUL, and is not null.
        let format = unsafe { CStr::from_ptr(schema.format) };
        let layout = match format.to_bytes() {
            b"u" | b"z" => Layout::Offsets32,
            b"U" | b"Z" => Layout::Offsets64,
            b"vu" | b"vz" => Layout::Views,
            _ => return Ok(None),
        };
        let size = |size: i64| usize::try_from(size).map_err(|_| PyTypeError::new_err("a negative length"));
        let (count, offset) = (size(array.length)?, size(array.offset)?);
        if array.buffers.is_null() || array.n_buffers < 2 {
            return Err(PyTypeError::new_err("an Arrow array of texts has two buffers or more"));
        }
        // SAFETY: there are `n_buffers` pointers, of which two are read.
        let (validity, index) = unsafe { (*array.buffers, *array.buffers.add(1)) };
        let (validity, index) = (validity.cast::<u8>(), index.cast::<u8>());
        if index.is_null() && count > 0 {
            return Err(PyTypeError::new_err("an Arrow array without offsets"));
        }
        Ok(Some(Self { layout, count, offset, validity, index, buffers: array.buffers, _array: PhantomData }))
    }

    /// One text's bytes; none where it is null.
    pub(crate) fn text(&self, place: usize) -> &[u8] {
        if place >= self.count {
            return &[];
        }
        let at = self.offset + place;
        // SAFETY: the place is below the count, and the format promises for each place up to `offset + count`: a bit of
        // validity where there is such a buffer, two offsets that lie inside the data, or a view that does.
        unsafe {
            if !self.validity.is_null() && *self.validity.add(at / 8) >> (at % 8) & 1 == 0 {
                return &[];
            }
            match self.layout {
                Layout::Offsets32 => {
                    let offsets = self.index.cast::<i32>();
                    let from = offsets.add(at).read_unaligned() as usize;
                    self.data(2, from, offsets.add(at + 1).read_unaligned() as usize - from)
                }
                Layout::Offsets64 => {
                    let offsets = self.index.cast::<i64>();
                    let from = offsets.add(at).read_unaligned() as usize;
                    self.data(2, from, offsets.add(at + 1).read_unaligned() as usize - from)
                }
                Layout::Views => {
                    let view = self.index.add(16 * at);
                    let field = |place: usize| view.add(place).cast::<i32>().read_unaligned() as usize;
                    match field(0) {
                        short @ 0..=12 => std::slice::from_raw_parts(view.add(4), short),
                        length => self.data(2 + field(8), field(12), length),
                    }
                }
            }
        }
    }

    /// # Safety
    /// The buffer has these bytes.
    unsafe fn data(&self, buffer: usize, from: usize, length: usize) -> &[u8] {
        if length == 0 {
            // An array of empty texts may have no data at all.
            return &[];
        }
        // SAFETY: as the caller promises.
        unsafe { std::slice::from_raw_parts((*self.buffers.add(buffer)).cast::<u8>().add(from), length) }
    }
}
