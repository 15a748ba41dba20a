//! JSON whose objects are objects: serde would take a list for one too, its fields in the order that they have here.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value};

/// A value in which fields have names.
pub struct Named(pub Value);

impl<'de> Deserializer<'de> for Named {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Named));
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Value::Object(entries) => {
                let mut entries = MapDeserializer::new(entries.into_iter().map(|(key, value)| (key, Named(value))));
                let value = visitor.visit_map(&mut entries)?;
                entries.end()?;
                Ok(value)
            }
            plain => plain.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(_) => Err(Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Named {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        name: String,
        #[serde(default)]
        inner: Option<Inner>,
        #[serde(default)]
        many: Vec<Inner>,
        #[serde(default)]
        pair: Option<(u8, bool)>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        count: u8,
    }

    fn read(value: Value) -> Result<Outer, String> {
        Outer::deserialize(Named(value)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_is_no_object_wherever_it_stands() {
        let whole = json!({"name": "a", "inner": {"count": 1}, "many": [{"count": 2}], "pair": [3, true]});
        let outer = Outer {
            name: "a".to_owned(),
            inner: Some(Inner { count: 1 }),
            many: vec![Inner { count: 2 }],
            pair: Some((3, true)),
        };
        assert_eq!(read(whole), Ok(outer));
        for list in [json!(["a"]), json!({"name": "a", "inner": [1]}), json!({"name": "a", "many": [[2]]})] {
            let why = read(list).unwrap_err();
            assert!(why.starts_with("invalid type: sequence, expected struct "), "{why}");
        }
        assert!(read(json!({"name": "a", "inner": null, "pair": null})).is_ok());
        assert!(read(json!({"name": "a", "pair": [3, true, 4]})).is_err());
    }
}
