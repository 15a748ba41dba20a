//! Reads the server's JSON into the shapes of the wire.
//!
//! serde_json's own way from text to a shape writes, for every shape, the code for a list in its place and for a
//! sentence about each thing that can be wrong; a visitor would load both, and nobody here reads either. So the text
//! becomes a plain [`Value`] first, and this turns it into shapes: objects only, and one error without words.

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};
use std::fmt::{self, Display};

/// The text is no JSON, or not of this shape.
#[derive(Debug, PartialEq)]
pub(super) struct Unreadable;

impl Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unreadable")
    }
}

impl std::error::Error for Unreadable {}

impl de::Error for Unreadable {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// A shape from a text.
pub(super) fn from_text<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    T::deserialize(Json(&value(text)?))
}

/// Not inlined: one copy for all shapes.
#[inline(never)]
fn value(text: &str) -> Result<Value, Unreadable> {
    serde_json::from_str(text).map_err(|_| Unreadable)
}

#[derive(Clone, Copy)]
struct Json<'de>(&'de Value);

impl<'de> Json<'de> {
    fn number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let number = self.0.as_number().ok_or(Unreadable)?;
        match (number.as_u64(), number.as_i64()) {
            (Some(whole), _) => visitor.visit_u64(whole),
            (None, Some(whole)) => visitor.visit_i64(whole),
            (None, None) => Err(Unreadable),
        }
    }
}

/// Methods that read a whole number.
macro_rules! numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
            self.number(visitor)
        })*
    };
}

impl<'de> de::Deserializer<'de> for Json<'de> {
    type Error = Unreadable;

    /// For what says by itself what it is: other JSON, and values that carry their kind.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
                Some(float) => visitor.visit_f64(float),
                None => self.number(visitor),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visitor.visit_seq(Items(items.iter())),
            Value::Object(entries) => visitor.visit_map(Entries::of(entries)),
        }
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_bool(self.0.as_bool().ok_or(Unreadable)?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_borrowed_str(self.0.as_str().ok_or(Unreadable)?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_seq(Items(self.0.as_array().ok_or(Unreadable)?.iter()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_map(Entries::of(self.0.as_object().ok_or(Unreadable)?))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_map(visitor)
    }

    /// A word of a list of words; the wire has no other kind.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_enum(self.0.as_str().ok_or(Unreadable)?.into_deserializer())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
    }
}

struct Items<'de>(std::slice::Iter<'de, Value>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Unreadable;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unreadable> {
        self.0.next().map(|item| seed.deserialize(Json(item))).transpose()
    }
}

struct Entries<'de> {
    rest: serde_json::map::Iter<'de>,
    value: &'de Value,
}

impl<'de> Entries<'de> {
    fn of(entries: &'de Map<String, Value>) -> Self {
        Self { rest: entries.iter(), value: &Value::Null }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Unreadable;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unreadable> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = value;
        let key: StrDeserializer<'_, Unreadable> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unreadable> {
        seed.deserialize(Json(self.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_domain::Effect;
    use countersign_domain::card::{CardValue, Segment};
    use countersign_wire::policies::PolicyRow;
    use countersign_wire::problem::{Code, Problem};

    #[test]
    fn shapes_are_read_as_they_were_written() {
        let mut problem = Problem::new(Code::RequestEnded, "It ended.");
        problem.errors = vec![countersign_wire::problem::FieldError { field: "a".into(), message: "b".into() }];
        assert_eq!(from_text(&serde_json::to_string(&problem).unwrap()), Ok(problem));
        let value = CardValue::List {
            items: vec![
                CardValue::Null,
                CardValue::Bool { value: true },
                CardValue::Text {
                    segments: vec![Segment::LineBreak, Segment::Text { text: "x".into() }],
                    characters: 2,
                },
            ],
        };
        assert_eq!(from_text(&serde_json::to_string(&value).unwrap()), Ok(value));
    }

    /// Its body stands in it without a name of its own, which serde reads another way.
    #[test]
    fn a_policy_is_read_with_its_body() {
        let text = r#"{"id":"00000000-0000-0000-0000-000000000001","version":2,"active":true,"name":"x","from_file":false,
            "action":"deny","tools":["a"],"priority":-3,"updated_at":"2026-11-23T10:40:00.000Z"}"#;
        let row: PolicyRow = from_text(text).unwrap();
        assert_eq!((row.body.priority, row.version), (-3, 2));
        assert_eq!(row, serde_json::from_str(text).unwrap());
    }

    #[test]
    fn other_json_stays_what_it_is() {
        let text = r#"{"a":[1,-2,0.5,1e300,null,true,"x"],"b":{"c":{}}}"#;
        assert_eq!(from_text::<Value>(text).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn what_has_another_shape_is_not_read() {
        assert_eq!(from_text::<u8>("300"), Err(Unreadable));
        assert_eq!(from_text::<u8>("1.5"), Err(Unreadable));
        assert_eq!(from_text::<Vec<u8>>("{}"), Err(Unreadable));
        assert_eq!(from_text::<Effect>("\"no_such_effect\""), Err(Unreadable));
        assert_eq!(from_text::<Problem>("[]"), Err(Unreadable));
        assert_eq!(from_text::<Option<u8>>("nul"), Err(Unreadable));
    }
}
