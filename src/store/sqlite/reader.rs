use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqlitePoolOptions, SqliteRow};
use sqlx::{Sqlite, SqlitePool};
use tokio::sync::mpsc;

use super::super::StoreError;
use super::cursor::{Columns, Cursor, on_thread};
use super::fault::{during, failed_in};
use super::kept::Kept;
use super::query::Query;
use super::reading::Reading;
use super::{file, inspection};

/// A reader of the inventory in a SQLite file. Any number may read while one
/// process writes.
///
/// It never changes what the inventory holds. SQLite's own `-wal` and `-shm`
/// appear beside the file while it is open; [`Self::close`] takes them away.
/// Who may not write the file or its directory reads it too, and puts nothing
/// there.
#[derive(Clone, Debug)]
pub struct SqliteInventory {
    pub(super) path: PathBuf,
    pub(super) pool: SqlitePool,
    pub(super) reading: Reading,
    kept: Kept,
}

/// Pages that wait to be visited.
pub(super) const PAGES_WAITING: usize = 1;

/// Questions asked at the same time: more would only wait for the disk.
const MAX_CONNECTIONS: u32 = 4;

impl SqliteInventory {
    /// Opens the inventory at `path` for reading.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let path = inspection::locate(path)?;
        let found = inspection::inspect(&path).await?;
        let known = file::known_version();
        if found < known {
            return Err(StoreError::OlderVersion { path, found, known });
        }
        let reading = Reading::of(&path)?;
        let pool = SqlitePoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .connect_with(reading.options(&path))
            .await
            .map_err(during("opening the inventory"))?;
        Ok(Self {
            path,
            pool,
            reading,
            kept: Kept::default(),
        })
    }

    /// The same, of one moment: installations, endpoints, looks at them and what
    /// was renewed, however often they are asked for, are as they stood when the
    /// first of them was. Until it is closed the writer's log can't be cut back.
    #[must_use]
    pub fn at_one_moment(self) -> Self {
        Self {
            kept: Kept::from_the_first_on(),
            ..self
        }
    }

    /// Closes the file in order. A reader that is only dropped may leave
    /// SQLite's own files beside it, until the next one closes.
    pub async fn close(self) {
        self.kept.end();
        self.pool.close().await;
    }

    /// Streams the rows of a query, each read by `read`.
    pub(super) async fn stream<T>(
        &self,
        operation: &'static str,
        query: Query,
        read: impl Fn(&SqliteRow) -> Result<T, sqlx::Error> + Send,
        visit: &mut (dyn FnMut(T) -> ControlFlow<()> + Send),
    ) -> Result<(), StoreError> {
        let streamed = self.stream_rows(operation, query, read, visit).await;
        self.reading.judge(streamed)
    }

    async fn stream_rows<T>(
        &self,
        operation: &'static str,
        query: Query,
        read: impl Fn(&SqliteRow) -> Result<T, sqlx::Error> + Send,
        visit: &mut (dyn FnMut(T) -> ControlFlow<()> + Send),
    ) -> Result<(), StoreError> {
        let failed = during(operation);
        let query = query.build().map_err(&failed)?;
        let mut rows = query.fetch(&self.pool);
        while let Some(row) = rows.try_next().await.map_err(&failed)? {
            if visit(read(&row).map_err(&failed)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Streams the rows of a query that has very many: they are read on a
    /// thread of their own.
    pub(super) async fn visit_pages<T: Send + 'static>(
        &self,
        operation: &'static str,
        query: Query,
        read: impl Fn(Columns<'_>) -> rusqlite::Result<T> + Send + 'static,
        visit: &mut (dyn FnMut(T) -> ControlFlow<()> + Send),
    ) -> Result<(), StoreError> {
        let (send, mut pages) = mpsc::channel(PAGES_WAITING);
        let streamed = self.on_cursor(move |cursor| cursor.pages(&query, read, &send));
        let visited = async move {
            while let Some(page) = pages.recv().await {
                if page.into_iter().try_for_each(&mut *visit).is_break() {
                    break;
                }
            }
        };
        let (streamed, ()) = tokio::join!(streamed, visited);
        self.reading
            .judge(streamed.map(drop).map_err(failed_in(operation)))
    }

    /// The same as a list.
    pub(super) async fn list_pages<T: Send + 'static>(
        &self,
        operation: &'static str,
        query: Query,
        read: impl Fn(Columns<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Vec<T>, StoreError> {
        let mut list = Vec::new();
        let mut visit = |item| {
            list.push(item);
            ControlFlow::Continue(())
        };
        self.visit_pages(operation, query, read, &mut visit).await?;
        Ok(list)
    }

    /// What `read` makes of a connection of its own, on a thread where it may
    /// wait for rows. The connection is another one each time, unless all is to
    /// be of one moment.
    pub(super) async fn on_cursor<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Cursor) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let (reading, path) = (self.reading.clone(), self.path.clone());
        let kept = self.kept.clone();
        let read = on_thread(move || {
            let cursor = match kept.take() {
                Some(cursor) => cursor,
                None => Cursor::open(&reading, &path)?,
            };
            let done = read(&cursor);
            kept.put(cursor);
            done
        });
        read.await
    }

    pub(super) async fn connection(
        &self,
        operation: &'static str,
    ) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.pool.acquire().await.map_err(during(operation))
    }

    pub(super) async fn list<T: Send>(
        &self,
        operation: &'static str,
        query: Query,
        read: impl Fn(&SqliteRow) -> Result<T, sqlx::Error> + Send,
    ) -> Result<Vec<T>, StoreError> {
        let mut list = Vec::new();
        let mut visit = |item| {
            list.push(item);
            ControlFlow::Continue(())
        };
        self.stream(operation, query, read, &mut visit).await?;
        Ok(list)
    }
}
