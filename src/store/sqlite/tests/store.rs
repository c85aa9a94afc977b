//! The inventory that the tests write and read.

use super::*;
use crate::report::{EndpointRow, QuestionRow, ScanRow};

/// An inventory in a directory of its own, open for writing.
pub(super) struct Store {
    pub(super) directory: TempDir,
    pub(super) sink: SqliteSink,
}

impl Store {
    pub(super) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let (sink, opened) = SqliteSink::open_or_create(&path).await.unwrap();
        assert_eq!(opened, Opened::Created);
        Self { directory, sink }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.directory.path().join("test.db")
    }

    pub(super) async fn begin(&mut self) -> ScanId {
        self.sink.begin(new_scan()).await.unwrap()
    }

    /// A whole scan that sees this.
    pub(super) async fn scan(&mut self, batch: Batch) -> ScanId {
        let scan = self.begin().await;
        self.sink.write(scan, &batch).await.unwrap();
        self.finish(scan).await;
        scan
    }

    pub(super) async fn finish(&mut self, scan: ScanId) {
        let end = ended(ScanState::Complete);
        self.sink.finish(scan, end).await.unwrap();
    }

    /// From now on the disk has no room for another page, until the connection
    /// is made anew.
    pub(super) async fn fill_disk(&mut self) {
        let pages: i64 = sqlx::query_scalar("pragma page_count")
            .fetch_one(self.sink.connection())
            .await
            .unwrap();
        let limit = format!("pragma max_page_count = {pages}");
        sqlx::query(AssertSqlSafe(limit))
            .execute(self.sink.connection())
            .await
            .unwrap();
    }

    pub(super) async fn inventory(&self) -> SqliteInventory {
        SqliteInventory::open(&self.path()).await.unwrap()
    }

    pub(super) async fn installations(&self, filter: &Filter) -> Vec<Installation> {
        let mut rows = Vec::new();
        let mut visit = |row| {
            rows.push(row);
            ControlFlow::Continue(())
        };
        let inventory = self.inventory().await;
        inventory
            .installations(filter, Detail::FactsAndDer, &mut visit)
            .await
            .unwrap();
        rows
    }

    pub(super) async fn endpoint(&self, address: &str, number: u16) -> EndpointRow {
        let found = self.inventory().await;
        let found = found.endpoint(ip(address), port(number)).await.unwrap();
        let [row] = <[_; 1]>::try_from(found).unwrap();
        row
    }

    pub(super) async fn questions(&self, address: &str, number: u16) -> Vec<QuestionRow> {
        let endpoint = self.endpoint(address, number).await;
        self.inventory().await.questions(&endpoint).await.unwrap()
    }

    pub(super) async fn scans(&self) -> Vec<ScanRow> {
        let mut rows = Vec::new();
        let mut visit = |row| {
            rows.push(row);
            ControlFlow::Continue(())
        };
        self.inventory().await.scans(&mut visit).await.unwrap();
        rows
    }

    /// Installations in every state.
    pub(super) async fn history(&self) -> Vec<Installation> {
        self.installations(&every_state()).await
    }

    /// A connection of our own, to look behind the seams.
    pub(super) async fn raw(&self) -> SqliteConnection {
        sqlx::sqlite::SqliteConnectOptions::new()
            .filename(self.path())
            .connect()
            .await
            .unwrap()
    }

    /// How many endpoints and intervals are marked as ones of which there is
    /// more to be said; there is no more to be said of any other.
    pub(super) async fn marked(&self) -> (i64, i64) {
        let mut raw = self.raw().await;
        let unmarked: i64 = sqlx::query_scalar(
            "select (select count(*) from endpoints e where not has_more \
                        and (1 < (select count(*) from questions q where q.endpoint_id = e.id) \
                             or exists (select 1 from surveys s where s.endpoint_id = e.id))) \
                  + (select count(*) from installations i where not has_others \
                        and exists (select 1 from installations other \
                                     where other.question_id = i.question_id \
                                       and other.id <> i.id))",
        )
        .fetch_one(&mut raw)
        .await
        .unwrap();
        assert_eq!(unmarked, 0);
        let marked = "select (select sum(has_more) from endpoints), \
                             (select sum(has_others) from installations)";
        let row = sqlx::query(marked).fetch_one(&mut raw).await.unwrap();
        raw.close().await.unwrap();
        (row.get(0), row.get(1))
    }

    /// Every value of every row of a table, byte for byte.
    pub(super) async fn dump(&self, table: &str) -> Vec<String> {
        let mut raw = self.raw().await;
        let columns = sqlx::query(AssertSqlSafe(format!("pragma table_info({table})")))
            .fetch_all(&mut raw)
            .await
            .unwrap();
        let values: Vec<String> = columns
            .iter()
            .map(|column| column.get::<String, _>(1))
            .map(|name| format!("typeof({name}) || ':' || hex({name})"))
            .collect();
        let query = format!(
            "select {} as value from {table} order by value",
            values.join(" || ',' || ")
        );
        let rows = sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_all(&mut raw)
            .await
            .unwrap();
        raw.close().await.unwrap();
        rows
    }

    pub(super) async fn dump_all(&self) -> Vec<(&'static str, Vec<String>)> {
        let mut dumps = Vec::new();
        for table in TABLES {
            dumps.push((*table, self.dump(table).await));
        }
        dumps
    }
}

const TABLES: &[&str] = &[
    "scans",
    "certificates",
    "certificate_names",
    "chains",
    "chain_members",
    "endpoints",
    "questions",
    "looks",
    "installations",
    "failures",
    "surveys",
    "declined_names",
    "coverage",
    "name_coverage",
    "imports",
    "notices",
];
