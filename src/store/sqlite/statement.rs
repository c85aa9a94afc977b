//! Statements over many rows at once: row by row, the driver's hops between
//! threads would cost twenty times the work itself.

use sqlx::query_builder::Separated;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::super::StoreError;
use super::fault::during;

/// Most rows of one statement: beyond that it only takes memory.
const MAX_ROWS: usize = 1000;
/// SQLITE_MAX_VARIABLE_NUMBER (sqlite.org/limits.html).
const MAX_BINDS: usize = 32_766;

/// The values of one row.
pub(super) type Values<'a> = Separated<'a, Sqlite, &'static str>;

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
        for chunk in rows.chunks(self.rows_per_statement()) {
            self.statement(chunk, &bind)
                .build()
                .persistent(false)
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
        for chunk in rows.chunks(self.rows_per_statement()) {
            let found = self
                .statement(chunk, &bind)
                .build()
                .persistent(false)
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

    fn rows_per_statement(self) -> usize {
        (MAX_BINDS / self.columns.max(1)).clamp(1, MAX_ROWS)
    }

    fn statement<T>(self, rows: &[T], bind: &impl Fn(&mut Values<'_>, &T)) -> QueryBuilder<Sqlite> {
        let mut builder = QueryBuilder::new(self.before);
        builder.push_values(rows, |mut values, row| bind(&mut values, row));
        builder.push(self.after);
        builder
    }
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
