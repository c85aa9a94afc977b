//! Statements over many rows at once: row by row, the driver's hops between
//! threads would cost twenty times the work itself.
//!
//! A statement has [`MAX_ROWS`] rows or a power of two below: so few different
//! ones that each is prepared once and then kept, see `file::writer_options`.

use std::collections::HashSet;
use std::iter;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use sqlx::encode::Encode;
use sqlx::error::BoxDynError;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::types::Type;
use sqlx::{Arguments, AssertSqlSafe, Row, Sqlite, SqliteConnection, query_with};

use super::super::StoreError;
use super::fault::during;
use super::row;

/// Most rows of one statement. More would save little, the hops are few by
/// then, and each kept statement takes a kilobyte a row.
pub(super) const MAX_ROWS: usize = 256;

/// The values of one row.
pub(super) struct Values<'a> {
    arguments: &'a mut Result<SqliteArguments, BoxDynError>,
    /// The words of the statement so far.
    words: &'a mut HashSet<Arc<str>>,
}

/// `before`, then the rows as `VALUES`, then `after`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ManyRows {
    pub(super) operation: &'static str,
    pub(super) before: &'static str,
    pub(super) columns: usize,
    pub(super) after: &'static str,
}

impl ManyRows {
    /// Runs it for all rows, in as many statements as that takes.
    pub(super) async fn execute<T: Sync>(
        self,
        connection: &mut SqliteConnection,
        rows: &[T],
        bind: impl Fn(&mut Values<'_>, &T) + Send,
    ) -> Result<(), StoreError> {
        for chunk in chunks(rows) {
            self.statement(chunk, &bind)?
                .execute(&mut *connection)
                .await
                .map_err(during(self.operation))?;
        }
        Ok(())
    }

    /// Runs it for all rows and hands what comes back to `take`.
    pub(super) async fn fetch<T: Sync>(
        self,
        connection: &mut SqliteConnection,
        rows: &[T],
        bind: impl Fn(&mut Values<'_>, &T) + Send,
        mut take: impl FnMut(&SqliteRow) -> Result<(), sqlx::Error> + Send,
    ) -> Result<(), StoreError> {
        for chunk in chunks(rows) {
            let found = self
                .statement(chunk, &bind)?
                .fetch_all(&mut *connection)
                .await
                .map_err(during(self.operation))?;
            found
                .iter()
                .try_for_each(&mut take)
                .map_err(during(self.operation))?;
        }
        Ok(())
    }

    /// The same for a query of one row and value, a JSON array whose elements
    /// go to `take`. The driver wakes the task that waits for each row, which
    /// costs more than what a dozen values take as text.
    pub(super) async fn fetch_elements<T: Sync, E: DeserializeOwned>(
        self,
        connection: &mut SqliteConnection,
        rows: &[T],
        bind: impl Fn(&mut Values<'_>, &T) + Send,
        mut take: impl FnMut(E) -> Result<(), sqlx::Error> + Send,
    ) -> Result<(), StoreError> {
        for chunk in chunks(rows) {
            let found = self
                .statement(chunk, &bind)?
                .fetch_one(&mut *connection)
                .await
                .map_err(during(self.operation))?;
            elements(&found)
                .and_then(|elements| elements.into_iter().try_for_each(&mut take))
                .map_err(during(self.operation))?;
        }
        Ok(())
    }

    fn statement<T>(
        self,
        rows: &[T],
        bind: &impl Fn(&mut Values<'_>, &T),
    ) -> Result<Query<'static, Sqlite, SqliteArguments>, StoreError> {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(rows.len() * self.columns, 0);
        let mut arguments = Ok(arguments);
        let mut words = HashSet::new();
        for row in rows {
            let mut values = Values {
                arguments: &mut arguments,
                words: &mut words,
            };
            bind(&mut values, row);
        }
        let failed = |error| during(self.operation)(sqlx::Error::Encode(error));
        let arguments = arguments.map_err(failed)?;
        debug_assert_eq!(
            arguments.len(),
            rows.len() * self.columns,
            "{}: not as many values as columns",
            self.operation
        );
        // Of our own texts and question marks alone.
        let text = AssertSqlSafe(self.text(rows.len()));
        Ok(query_with(text, arguments))
    }

    fn text(self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns].join(","));
        let rows = vec![row; rows].join(",");
        [self.before, "values ", &rows, self.after].concat()
    }
}

impl Values<'_> {
    /// The value of the next column.
    pub(super) fn push_bind<'t, T>(&mut self, value: T) -> &mut Self
    where
        T: Encode<'t, Sqlite> + Type<Sqlite>,
    {
        if let Ok(arguments) = self.arguments
            && let Err(error) = arguments.add(value)
        {
            *self.arguments = Err(error);
        }
        self
    }

    /// A word that many rows have: they share its bytes.
    pub(super) fn push_word(&mut self, word: &str) -> &mut Self {
        let known = self.words.get(word).cloned();
        let shared = known.unwrap_or_else(|| {
            let shared: Arc<str> = word.into();
            self.words.insert(Arc::clone(&shared));
            shared
        });
        self.push_bind(shared)
    }

    /// The same, where there may be none.
    pub(super) fn push_optional_word(&mut self, word: Option<&str>) -> &mut Self {
        match word {
            Some(word) => self.push_word(word),
            None => self.push_bind(None::<i64>),
        }
    }
}

/// What the array in a row holds.
fn elements<E: DeserializeOwned>(row: &SqliteRow) -> Result<Vec<E>, sqlx::Error> {
    let array: &str = row.try_get(0)?;
    serde_json::from_str(array).map_err(row::impossible)
}

/// All rows in parts as long as statements are.
fn chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    iter::from_fn(move || {
        let most = rows.len().min(MAX_ROWS);
        let length = 1 << most.checked_ilog2()?;
        let (chunk, rest) = rows.split_at_checked(length)?;
        rows = rest;
        Some(chunk)
    })
}

/// The first number free for a new row.
pub(super) async fn next_id(
    connection: &mut SqliteConnection,
    operation: &'static str,
    highest: &'static str,
) -> Result<i64, StoreError> {
    let highest: Option<i64> = sqlx::query_scalar(highest)
        .fetch_one(connection)
        .await
        .map_err(during(operation))?;
    Ok(highest.unwrap_or(0) + 1)
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;

    #[test]
    fn rows_go_into_few_different_statements_and_none_is_left_out() {
        for count in 0..=3 * MAX_ROWS {
            let rows: Vec<_> = (0..count).collect();
            let chunks: Vec<_> = chunks(&rows).collect();
            assert_eq!(chunks.concat(), rows);
            for chunk in chunks {
                assert!(chunk.len().is_power_of_two() && chunk.len() <= MAX_ROWS);
            }
        }
    }

    /// The elements that come back for each text and its octets.
    async fn echoed(texts: &[String]) -> Vec<(String, String)> {
        let echo = ManyRows {
            operation: "echoing",
            before: "select json_group_array(json_array(column1, hex(column2))) from (",
            columns: 2,
            after: ") where column1 <> 'absent'",
        };
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let mut echoed = Vec::new();
        echo.fetch_elements(
            &mut connection,
            texts,
            |values, text| {
                let octets = text.as_bytes().to_vec();
                values.push_bind(text.clone()).push_bind(octets);
            },
            |element| {
                echoed.push(element);
                Ok(())
            },
        )
        .await
        .unwrap();
        echoed
    }

    #[tokio::test]
    async fn elements_come_back_as_they_are_whatever_they_hold() {
        let hostile = (0..=0x1_0000).filter_map(char::from_u32).step_by(7);
        let mut texts: Vec<_> = hostile.map(|it| format!("a{it}b")).collect();
        texts.extend((0..128).filter_map(char::from_u32).map(String::from));
        let echoed = echoed(&texts).await;
        assert_eq!(echoed.len(), texts.len());
        for (text, (echo, octets)) in texts.iter().zip(echoed) {
            assert_eq!(*text, echo);
            assert_eq!(row::octets(&octets).unwrap(), text.as_bytes());
        }
    }

    #[tokio::test]
    async fn where_nothing_is_found_there_are_no_elements() {
        assert_eq!(echoed(&["absent".to_owned()]).await, []);
    }
}
