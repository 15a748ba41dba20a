//! Arguments as bytes that can be signed: strict JSON in, RFC 8785 (JCS) out.
//!
//! Two readers of the same text must never see two meanings, so duplicate keys, integers that a double cannot hold
//! exactly and over-deep nesting are refused rather than repaired.

use serde::Serialize;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// The greatest integer that every JSON reader holds exactly (RFC 7493, section 2.2).
pub const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// Why a JSON text is not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CanonicalError {
    /// Not JSON, too deep, a duplicate key or an integer out of range; the sentence says which and where.
    #[error("{0}")]
    NotCanonical(String),
}

/// The canonical form of a JSON value: what is stored, signed, shown and sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Canonical(Vec<u8>);

impl fmt::Debug for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canonical({} bytes)", self.0.len())
    }
}

impl Canonical {
    /// Reads a JSON text strictly.
    ///
    /// # Errors
    /// Names what is not canonical: a duplicate key, an integer beyond 2^53-1, nesting over 128, bad syntax.
    pub fn read(text: &[u8]) -> Result<(Value, Self), CanonicalError> {
        let Strict(value) = serde_json::from_slice(text).map_err(|error| refusal(&error))?;
        let canonical = Self::of(&value)?;
        Ok((value, canonical))
    }

    /// The canonical form of a value that was read strictly.
    ///
    /// # Errors
    /// When the value holds what JCS cannot write.
    pub fn of(value: &impl Serialize) -> Result<Self, CanonicalError> {
        serde_json_canonicalizer::to_vec(value).map(Self).map_err(|error| refusal(&error))
    }

    /// Takes bytes that were stored as canonical; they are compared by digest before use, not parsed again.
    #[must_use]
    pub const fn stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, UTF-8.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The value behind the bytes.
    ///
    /// # Errors
    /// When stored bytes are no JSON, which means that the store was tampered with.
    pub fn value(&self) -> Result<Value, CanonicalError> {
        serde_json::from_slice::<Strict>(&self.0).map(|Strict(value)| value).map_err(|error| refusal(&error))
    }
}

fn refusal(error: &serde_json::Error) -> CanonicalError {
    CanonicalError::NotCanonical(error.to_string())
}

/// A JSON value read without forgiveness. Use it as the type of a field to make a whole body strict.
#[derive(Clone, Debug, PartialEq)]
pub struct Strict(pub Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StrictSeed.deserialize(deserializer).map(Self)
    }
}

struct StrictSeed;

impl<'de> DeserializeSeed<'de> for StrictSeed {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn out_of_range<E: de::Error>(number: impl fmt::Display) -> E {
    E::custom(format!("integer {number} is beyond 2^53-1 and would not survive as a JSON number; send it as a string"))
}

impl<'de> Visitor<'de> for StrictSeed {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        if value < -MAX_SAFE_INTEGER {
            return Err(out_of_range(value));
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        if value > MAX_SAFE_INTEGER.unsigned_abs() {
            return Err(out_of_range(value));
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        // An integer too long for 64 bits arrives here as a double; so does `1e300`, which is refused with it,
        // because a reader with arbitrary precision would see another number.
        #[allow(clippy::cast_precision_loss)]
        let limit = MAX_SAFE_INTEGER as f64;
        if value.fract() == 0.0 && value.abs() > limit {
            return Err(out_of_range(value));
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(StrictSeed)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(de::Error::custom(format!("the key {key:?} stands twice in one object")));
            }
            let value = entries.next_value_seed(StrictSeed)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<String, String> {
        Canonical::read(text.as_bytes())
            .map(|(_, canonical)| String::from_utf8(canonical.bytes().to_vec()).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn keys_are_sorted_and_space_is_dropped() {
        assert_eq!(read(r#"{ "b": 1, "a": [true, null, 1.50] }"#).unwrap(), r#"{"a":[true,null,1.5],"b":1}"#);
    }

    #[test]
    fn keys_sort_by_utf16_as_rfc_8785_asks() {
        assert_eq!(read("{\"\u{fb33}\":1,\"\u{1f600}\":2}").unwrap(), "{\"\u{1f600}\":2,\"\u{fb33}\":1}");
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_at_any_depth() {
        assert!(read(r#"{"a":1,"a":2}"#).unwrap_err().contains("stands twice"));
        assert!(read(r#"[{"x":{"a":1,"\u0061":2}}]"#).unwrap_err().contains("stands twice"));
    }

    #[test]
    fn integers_that_a_double_cannot_hold_are_refused() {
        assert!(read("9007199254740991").is_ok());
        for bad in ["9007199254740992", "-9007199254740992", "18446744073709551615", "123456789012345678901234567890"] {
            assert!(read(bad).unwrap_err().contains("2^53-1"), "{bad}");
        }
    }

    #[test]
    fn ten_thousand_levels_are_refused_without_a_crash() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert!(read(&deep).unwrap_err().contains("recursion limit"));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-MAX_SAFE_INTEGER..=MAX_SAFE_INTEGER).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn canonical_bytes_read_back_to_the_same_value_and_bytes(value in json()) {
            let first = Canonical::of(&value).unwrap();
            let (again, second) = Canonical::read(first.bytes()).unwrap();
            prop_assert_eq!(&again, &value);
            prop_assert_eq!(first, second);
        }
    }
}
