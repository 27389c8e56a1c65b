//! Anything that serde can write as a tree without places: a [`Config`](super::Config), a JSON object.

use std::collections::BTreeSet;
use std::fmt;

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::from_tree::TreeError;
use super::tree::{Location, Node, Scalar, Value};
use super::written::float;
use crate::limits::PLAN_DEPTH_MAX;

impl ser::Error for TreeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl Node {
    /// The tree of a value; its places are all line 0.
    ///
    /// # Errors
    /// Bytes, keys that are no scalars, a key that is there twice, and values more than
    /// [`PLAN_DEPTH_MAX`] deep have no form as a plan.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, TreeError> {
        value.serialize(Tree { depth: 0 })
    }

    fn new(value: Value) -> Self {
        Self { value, at: Location::default() }
    }

    fn scalar(scalar: Scalar) -> Result<Self, TreeError> {
        Ok(Self::new(Value::Scalar(scalar)))
    }
}

/// Writes one value at a depth.
#[derive(Clone, Copy)]
struct Tree {
    depth: usize,
}

impl Tree {
    fn deeper(self) -> Result<Self, TreeError> {
        match self.depth < PLAN_DEPTH_MAX {
            true => Ok(Self { depth: self.depth + 1 }),
            false => Err(TreeError(format!("values lie more than {PLAN_DEPTH_MAX} deep"))),
        }
    }

    fn map(self, variant: Option<&'static str>) -> Result<Entries, TreeError> {
        let inner = self.deeper()?;
        Ok(Entries { tree: inner, entries: Vec::new(), seen: BTreeSet::new(), key: None, variant })
    }
}

/// A list that is being written.
struct Items {
    tree: Tree,
    items: Vec<Node>,
}

/// A map that is being written; a variant lies in a map of its own.
struct Entries {
    tree: Tree,
    entries: Vec<(String, Location, Node)>,
    seen: BTreeSet<String>,
    key: Option<String>,
    variant: Option<&'static str>,
}

impl Entries {
    fn push(&mut self, key: String, node: Node) -> Result<(), TreeError> {
        if !self.seen.insert(key.clone()) {
            return Err(TreeError(format!("key `{key}` is there twice")));
        }
        self.entries.push((key, Location::default(), node));
        Ok(())
    }

    fn done(self) -> Node {
        let inner = Node::new(Value::Map(self.entries));
        match self.variant {
            Some(name) => variant(name, inner),
            None => inner,
        }
    }
}

fn variant(name: &str, inner: Node) -> Node {
    Node::new(Value::Map(vec![(name.to_owned(), Location::default(), inner)]))
}

macro_rules! numbers {
    ($($method:ident $type:ty)*) => {$(
        fn $method(self, value: $type) -> Result<Node, TreeError> {
            Node::scalar(Scalar::Number(value.to_string()))
        }
    )*};
}

impl Serializer for Tree {
    type Ok = Node;
    type Error = TreeError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Impossible<Node, TreeError>;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    numbers! {
        serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64
    }

    fn serialize_bool(self, value: bool) -> Result<Node, TreeError> {
        Node::scalar(Scalar::Bool(value))
    }
    fn serialize_f32(self, value: f32) -> Result<Node, TreeError> {
        self.serialize_f64(f64::from(value))
    }
    fn serialize_f64(self, value: f64) -> Result<Node, TreeError> {
        Node::scalar(Scalar::Number(float(value)))
    }
    fn serialize_char(self, value: char) -> Result<Node, TreeError> {
        Node::scalar(Scalar::Text(value.to_string()))
    }
    fn serialize_str(self, value: &str) -> Result<Node, TreeError> {
        Node::scalar(Scalar::Text(value.to_owned()))
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<Node, TreeError> {
        Err(TreeError("bytes are not part of the format; write a text".into()))
    }
    fn serialize_none(self) -> Result<Node, TreeError> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Node, TreeError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Node, TreeError> {
        Node::scalar(Scalar::Null)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Node, TreeError> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<Node, TreeError> {
        self.serialize_str(name)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Node, TreeError> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<Node, TreeError> {
        Ok(variant(name, value.serialize(self.deeper()?)?))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Items, TreeError> {
        Ok(Items { tree: self.deeper()?, items: Vec::new() })
    }
    fn serialize_tuple(self, _: usize) -> Result<Items, TreeError> {
        self.serialize_seq(None)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, TreeError> {
        self.serialize_seq(None)
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, TreeError> {
        Err(TreeError(format!("`{name}` has no form as a plan")))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Entries, TreeError> {
        self.map(None)
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, TreeError> {
        self.map(None)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Entries, TreeError> {
        self.map(Some(name))
    }
}

macro_rules! lists {
    ($($trait:ident $method:ident)*) => {$(
        impl ser::$trait for Items {
            type Ok = Node;
            type Error = TreeError;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TreeError> {
                self.items.push(value.serialize(self.tree)?);
                Ok(())
            }
            fn end(self) -> Result<Node, TreeError> {
                Ok(Node::new(Value::List(self.items)))
            }
        }
    )*};
}

lists! { SerializeSeq serialize_element SerializeTuple serialize_element SerializeTupleStruct serialize_field }

impl ser::SerializeMap for Entries {
    type Ok = Node;
    type Error = TreeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), TreeError> {
        self.key = match key.serialize(self.tree)?.value {
            Value::Scalar(Scalar::Text(text) | Scalar::Number(text)) => Some(text),
            Value::Scalar(Scalar::Bool(value)) => Some(value.to_string()),
            _ => return Err(TreeError("a key is a text".into())),
        };
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TreeError> {
        let key = self.key.take().unwrap_or_default();
        let node = value.serialize(self.tree)?;
        self.push(key, node)
    }
    fn end(self) -> Result<Node, TreeError> {
        Ok(self.done())
    }
}

macro_rules! structs {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Entries {
            type Ok = Node;
            type Error = TreeError;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), TreeError> {
                let node = value.serialize(self.tree)?;
                self.push(key.to_owned(), node)
            }
            fn end(self) -> Result<Node, TreeError> {
                Ok(self.done())
            }
        }
    )*};
}

structs! { SerializeStruct SerializeStructVariant }

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_json_object_becomes_a_tree_with_its_numbers_as_text() {
        let node = Node::of(&json!({ "a": [1, 0.5, 1.0, -3, true, null, "x"], "b": { "c": {} } })).unwrap();
        let Some(Value::List(items)) = node.field("a").map(|node| &node.value) else { panic!("{node:?}") };
        let shown: Vec<String> = items.iter().map(Node::describe).collect();
        assert_eq!(shown, ["`1`", "`0.5`", "`1.0`", "`-3`", "`true`", "nothing", "`x`"]);
        assert_eq!(node.field("b").and_then(|b| b.field("c")).map(Node::describe).as_deref(), Some("a map"));
    }

    #[test]
    fn what_has_no_form_as_a_plan_is_refused() {
        let mut deep = json!(1);
        for _ in 0..=PLAN_DEPTH_MAX {
            deep = json!([deep]);
        }
        assert!(Node::of(&deep).unwrap_err().to_string().contains("deep"));
        let twice = super::super::Named(vec![("A".to_owned(), 1_u8), ("A".to_owned(), 2)]);
        assert!(Node::of(&twice).unwrap_err().to_string().contains("twice"));
        assert!(Node::of(&std::collections::HashMap::from([(vec![1_u8], 1)])).is_err());
    }
}
