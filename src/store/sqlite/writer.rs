use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};

use super::super::{
    Batch, Checkpoint, Crossing, FileMode, Import, Imported, NewScan, PastScan, Pruned, ScanEnd,
    Sink, StoreError,
};
use super::fault::during;
use super::interned::Interned;
use super::lock::{WriterLock, beside};
use super::looks::{self, chains_of, sorted_looks, surveyed};
use super::occupancy::Occupancy;
use super::questions::{Saying, Wordings};
use super::reserve::Reserve;
use super::{
    coverage, declined, dialects, endpoints, file, holders, imports, inspection, journal, led,
    moves, names, notices, prune, questions, scans, surveys, unreached,
};
use crate::domain::{Fingerprint, ScanId, ScanState, Timestamp, clock};

/// The writer of an inventory in a SQLite file. There is one at a time.
#[derive(Debug)]
pub struct SqliteSink {
    connection: SqliteConnection,
    interned: Interned,
    occupancy: Occupancy,
    path: PathBuf,
    /// While a scan runs.
    reserve: Option<Reserve>,
    _lock: WriterLock,
}

/// Whether the inventory was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It was.
    Existing,
    /// It was made just now.
    Created,
}

/// Every write takes the database's write lock first: a transaction that
/// reads and then writes could otherwise fail half-way.
const BEGIN: &str = "begin immediate";

impl SqliteSink {
    /// Opens the inventory at `path` for writing.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let path = inspection::inspect_to_write(path).await?;
        let lock = WriterLock::take(&path, clock::now())?;
        Self::connect(path, lock).await
    }

    /// Opens the inventory at `path` for writing, or creates it.
    pub async fn open_or_create(path: &Path) -> Result<(Self, Opened), StoreError> {
        match Self::open(path).await {
            Ok(sink) => return Ok((sink, Opened::Existing)),
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        let path = file::place(path)?;
        let lock = WriterLock::take(&path, clock::now())?;
        let opened = match inspection::inspect_to_write(&path).await {
            Ok(_) => Opened::Existing,
            Err(StoreError::NotFound { .. }) => {
                file::create(&path).await?;
                Opened::Created
            }
            Err(error) => return Err(error),
        };
        Ok((Self::connect(path, lock).await?, opened))
    }

    /// The absolute path of its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stores certificates from files; importing one again only moves its
    /// latest import. When this returns, it outlasts a power failure.
    pub async fn import(&mut self, import: Import) -> Result<Imported, StoreError> {
        self.durably("importing certificates", |connection| {
            Box::pin(async move { imports::record(connection, &import).await })
        })
        .await
    }

    /// The crossings that nobody was told of yet, each once, in their order.
    pub async fn untold(&mut self, crossings: &[Crossing]) -> Result<Vec<Crossing>, StoreError> {
        notices::untold(&mut self.connection, crossings).await
    }

    /// Remembers that they were told at `at`. When this returns, it outlasts
    /// a power failure.
    pub async fn remember_told(
        &mut self,
        crossings: Vec<Crossing>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.durably("remembering notices", |connection| {
            Box::pin(async move { notices::remember(connection, &crossings, at).await })
        })
        .await
    }

    /// What [`Self::prune`] would remove.
    pub async fn prunable(&mut self, before: Timestamp) -> Result<Pruned, StoreError> {
        let failed = during("pruning the inventory");
        let mut trial = self.begin_transaction("pruning the inventory").await?;
        let pruned = prune::prune(&mut trial, before).await?;
        trial.rollback().await.map_err(&failed)?;
        Ok(pruned)
    }

    /// Removes what was over before a moment, all of it or nothing, and what
    /// nobody refers to any more then; current and missing installations,
    /// imports and the latest scan stay. The room goes back to the file.
    pub async fn prune(&mut self, before: Timestamp) -> Result<Pruned, StoreError> {
        let operation = "pruning the inventory";
        // What is remembered may be gone.
        self.interned = Interned::default();
        let pruned = self.durably(operation, |connection| {
            Box::pin(async move { prune::prune(connection, before).await })
        });
        let pruned = pruned.await?;
        self.pragma("pragma incremental_vacuum", operation).await?;
        self.pragma("pragma optimize", operation).await?;
        Ok(pruned)
    }

    /// Lets those in whom `mode` says, and nobody else: to the inventory, to
    /// SQLite's log and index, and to the lock. What SQLite makes later has
    /// the mode of the inventory.
    pub fn share(&self, mode: FileMode) -> Result<(), StoreError> {
        for suffix in ["", "-wal", "-shm", ".lock"] {
            let path = beside(&self.path, suffix);
            match mode.apply(&path) {
                // The log and the index come with the first use.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                applied => applied
                    .map_err(|error| StoreError::file("setting the mode of", &path, error))?,
            }
        }
        Ok(())
    }

    /// The latest scan of an identity.
    pub async fn latest_scan(
        &mut self,
        identity: Fingerprint,
    ) -> Result<Option<PastScan>, StoreError> {
        scans::latest(&mut self.connection, identity).await
    }

    /// The scan of a number.
    pub async fn past_scan(&mut self, scan: ScanId) -> Result<Option<PastScan>, StoreError> {
        scans::past(&mut self.connection, scan).await
    }

    /// Closes the file in order. A sink that is only dropped loses nothing
    /// either, but may leave SQLite's own files beside it.
    pub async fn close(self) -> Result<(), StoreError> {
        let closed = self.connection.close().await;
        closed.map_err(during("closing the inventory"))
    }

    /// Its connection.
    #[cfg(test)]
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    async fn connect(path: PathBuf, lock: WriterLock) -> Result<Self, StoreError> {
        let connect = async {
            let mut connection = file::connect_writer(&path).await?;
            scans::end_killed(&mut connection).await?;
            Ok(connection)
        };
        let connected = connect.await;
        let connection = connected.map_err(|error| holders::named(error, &path))?;
        Ok(Self {
            connection,
            interned: Interned::default(),
            occupancy: Occupancy::default(),
            path,
            reserve: None,
            _lock: lock,
        })
    }

    async fn begin_scan(&mut self, record: NewScan) -> Result<ScanId, StoreError> {
        self.reserve = Some(Reserve::set_aside(&self.path)?);
        self.durably("beginning the scan", |connection| {
            Box::pin(scans::begin(connection, record))
        })
        .await
    }

    async fn resume_scan(
        &mut self,
        scan: ScanId,
        record: NewScan,
    ) -> Result<Checkpoint, StoreError> {
        self.reserve = Some(Reserve::set_aside(&self.path)?);
        self.durably("resuming the scan", |connection| {
            Box::pin(scans::resume(connection, scan, record))
        })
        .await
    }

    /// What completes a scan may take more room than is left: then it has
    /// failed, and that takes less.
    async fn finish_scan(&mut self, scan: ScanId, end: ScanEnd) -> Result<(), StoreError> {
        self.reserve = None;
        let finished = self.end_scan(scan, end.clone()).await;
        if let (ScanState::Complete, Err(full @ StoreError::DiskFull { .. })) =
            (end.state, &finished)
        {
            let end = ScanEnd {
                state: ScanState::Failed,
                ended_by: Some(full.to_string()),
                ..end
            };
            self.end_scan(scan, end).await?;
        }
        finished
    }

    async fn end_scan(&mut self, scan: ScanId, end: ScanEnd) -> Result<(), StoreError> {
        self.durably("finishing the scan", |connection| {
            Box::pin(async move {
                let state = end.state;
                scans::finish(connection, scan, end).await?;
                match state {
                    ScanState::Complete => {
                        moves::record(connection, scan).await?;
                        declined::leave(connection, scan).await
                    }
                    ScanState::Running
                    | ScanState::Stopped
                    | ScanState::Interrupted
                    | ScanState::Failed => Ok(()),
                }
            })
        })
        .await
    }

    async fn write_batch(&mut self, scan: ScanId, batch: &Batch) -> Result<(), StoreError> {
        let looks = sorted_looks(batch);
        let chains = chains_of(&looks);
        let operation = "storing a batch";
        let mut transaction = begin(&mut self.connection, &self.path, operation).await?;
        let connection = &mut *transaction;
        if scans::is_over(connection, scan).await? {
            return Ok(());
        }
        let interned = self
            .interned
            .intern(connection, &chains.members, batch, scan)
            .await?;
        let occupancy = &mut self.occupancy;
        let looked_at = batch.observations.iter().map(|seen| &seen.endpoint);
        occupancy.learn(connection, looked_at).await?;
        let known = endpoints::record(connection, &looks, occupancy, scan).await?;
        let mut sayings = Vec::with_capacity(looks.len());
        let mut wordings = Wordings::default();
        for ((look, chain), endpoint) in looks.iter().zip(&chains.of_looks).zip(&known) {
            if let Some(endpoint) = endpoint {
                let chain = chain.as_ref();
                let answer = looks::answer(look, chain, &chains, &interned, &mut wordings)?;
                sayings.push(Saying {
                    endpoint: *endpoint,
                    look,
                    answer,
                });
            }
        }
        questions::record(connection, sayings, scan).await?;
        dialects::record(connection, &looks, &known, occupancy, scan).await?;
        surveys::record(connection, &surveyed(&looks, &known), scan).await?;
        led::record(connection, &batch.leads, scan).await?;
        declined::record(connection, &looks, &known, &batch.leads, scan).await?;
        coverage::record(connection, &batch.coverage, scan).await?;
        unreached::record(connection, &batch.coverage, occupancy, scan).await?;
        names::record(connection, &batch.names, scan).await?;
        if let Some(milestone) = &batch.milestone {
            journal::record(connection, milestone, scan).await?;
        }
        transaction.commit().await.map_err(during(operation))?;
        self.interned.remember(interned);
        Ok(())
    }

    /// Runs one change, after which this and all before it outlast a power
    /// failure. Batches are spared the wait: what a failure takes of them is
    /// scanned again.
    async fn durably<T>(
        &mut self,
        operation: &'static str,
        change: impl for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.pragma("pragma synchronous = full", operation).await?;
        let changed = self.in_transaction(operation, change).await;
        self.pragma("pragma synchronous = normal", operation)
            .await?;
        changed
    }

    async fn in_transaction<T>(
        &mut self,
        operation: &'static str,
        change: impl for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut transaction = self.begin_transaction(operation).await?;
        let value = change(&mut transaction).await?;
        transaction.commit().await.map_err(during(operation))?;
        Ok(value)
    }

    pub(super) async fn begin_transaction(
        &mut self,
        operation: &'static str,
    ) -> Result<Transaction<'_, Sqlite>, StoreError> {
        begin(&mut self.connection, &self.path, operation).await
    }

    async fn pragma(
        &mut self,
        pragma: &'static str,
        operation: &'static str,
    ) -> Result<(), StoreError> {
        sqlx::query(pragma)
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(during(operation))
    }
}

/// Begins a transaction of a writer, who connects anew first if the driver
/// takes one for open that is over: after some failures, a full disk among
/// them, SQLite rolls back by itself (sqlite.org/lang_transaction.html).
async fn begin<'c>(
    connection: &'c mut SqliteConnection,
    path: &Path,
    operation: &'static str,
) -> Result<Transaction<'c, Sqlite>, StoreError> {
    let failed = during(operation);
    // What was dropped is rolled back before this.
    connection.ping().await.map_err(&failed)?;
    if connection.is_in_transaction() {
        *connection = file::connect_again(path).await.map_err(&failed)?;
    }
    let begun = connection.begin_with(BEGIN).await.map_err(&failed);
    begun.map_err(|error| holders::named(error, path))
}

impl Sink for SqliteSink {
    fn begin(&mut self, scan: NewScan) -> BoxFuture<'_, Result<ScanId, StoreError>> {
        Box::pin(self.begin_scan(scan))
    }

    fn resume(
        &mut self,
        scan: ScanId,
        record: NewScan,
    ) -> BoxFuture<'_, Result<Checkpoint, StoreError>> {
        Box::pin(self.resume_scan(scan, record))
    }

    fn write<'a>(
        &'a mut self,
        scan: ScanId,
        batch: &'a Batch,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.write_batch(scan, batch))
    }

    fn finish(&mut self, scan: ScanId, end: ScanEnd) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.finish_scan(scan, end))
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin((*self).close())
    }
}
