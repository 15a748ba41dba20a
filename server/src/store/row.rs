//! Reading columns: ids, times, words and JSON out of the text and integers that both databases share.

use super::StoreError;
use countersign_domain::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::str::FromStr;

/// Typed reads of an [`AnyRow`]'s columns by name.
pub trait Columns {
    /// A text.
    fn text(&self, column: &str) -> Result<String, StoreError>;
    /// A text or null.
    fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError>;
    /// An integer.
    fn int(&self, column: &str) -> Result<i64, StoreError>;
    /// An integer or null.
    fn maybe_int(&self, column: &str) -> Result<Option<i64>, StoreError>;
    /// Bytes.
    fn blob(&self, column: &str) -> Result<Vec<u8>, StoreError>;
    /// Bytes or null.
    fn maybe_blob(&self, column: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// A truth, stored as 0 or 1.
    fn truth(&self, column: &str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    /// A time.
    fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp::from_millis)
    }

    /// A time or null.
    fn maybe_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.maybe_int(column)?.map(Timestamp::from_millis))
    }

    /// An id.
    fn id<T: FromStr>(&self, column: &str) -> Result<T, StoreError> {
        parse(column, &self.text(column)?)
    }

    /// An id or null.
    fn maybe_id<T: FromStr>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.maybe_text(column)?.map(|text| parse(column, &text)).transpose()
    }

    /// One of an enum's words.
    fn word<T>(&self, column: &str, from_word: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let word = self.text(column)?;
        from_word(&word).ok_or_else(|| StoreError::Row(format!("{column} is {word:?}")))
    }

    /// JSON.
    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        from_json(column, &self.text(column)?)
    }

    /// JSON or null.
    fn maybe_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.maybe_text(column)?.map(|text| from_json(column, &text)).transpose()
    }
}

fn parse<T: FromStr>(column: &str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Row(format!("{column} is no id")))
}

fn from_json<T: DeserializeOwned>(column: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Row(format!("{column}: {error}")))
}

/// A value as JSON text for a column.
///
/// # Errors
/// When it can't be written as JSON, which our own types always can.
pub fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Row(error.to_string()))
}

impl Columns for AnyRow {
    fn text(&self, column: &str) -> Result<String, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn int(&self, column: &str) -> Result<i64, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn maybe_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn blob(&self, column: &str) -> Result<Vec<u8>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn maybe_blob(&self, column: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.try_get(column)?)
    }
}
