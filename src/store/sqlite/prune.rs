//! What is over and was not looked at for long → gone from the inventory.

use std::fmt::Write;

use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use super::super::{Pruned, StoreError};
use super::fault::during;
use crate::domain::Timestamp;

const OPERATION: &str = "pruning the inventory";

/// Gone intervals that ended before a moment. As long as any interval of a
/// certificate at a question stays, all of them do, since the first tells since
/// when it was there. That of the question's latest answer (`last_seen is null`)
/// goes only with the question: nothing is left of it, and nobody has asked it
/// since.
const INSTALLATIONS: &str = "delete from installations \
    where state = 'gone' and coalesce(ended_at, last_seen) < $1 \
    and (not exists (select 1 from installations other \
                      where other.question_id = installations.question_id \
                        and other.certificate_id = installations.certificate_id \
                        and (other.state <> 'gone' or other.last_seen is null \
                             or coalesce(other.ended_at, other.last_seen) >= $1)) \
         or question_id in (\
             select l.question_id from looks l \
              where l.question_id = installations.question_id and l.asked_at < $1 \
                and not exists (select 1 from installations other \
                                 where other.question_id = l.question_id \
                                   and (other.state <> 'gone' or other.ended_at >= $1))))";

/// What is not kept any more, and the highest number that an interval had: a
/// later one with it would be told of by the name of the other's events.
const REMEMBER: &str = "insert into pruned (id, before, installation_id) \
    values (1, $1, (select coalesce(max(id), 0) from installations)) \
    on conflict (id) do update set before = max(before, excluded.before), \
    installation_id = max(installation_id, excluded.installation_id)";

const COVERAGE: &str = "delete from coverage where at < $1 \
    and scan_id <> (select max(id) from scans)";

const NAME_COVERAGE: &str = "delete from name_coverage where at < $1 \
    and scan_id <> (select max(id) from scans)";

/// A name that nobody declined since, as the ledger of names. Where names alone
/// ask without one, they are kept as long as anything is looked for: without them
/// nobody would ask, and it would be current for ever.
const DECLINED_NAMES: &str = "delete from declined_names where at < $1 \
    and scan_id <> (select max(id) from scans) \
    and (is_shared = 1 or not exists (\
        select 1 from questions q join installations i on i.question_id = q.id \
         where q.endpoint_id = declined_names.endpoint_id and q.server_name = '' \
           and iif(i.ended_as = 'moved', i.vacated_at, i.ended_at) is null))";

/// Nobody goes on with a scan that old; the latest one may.
const JOURNAL: &str = "delete from journal where scan_id in (\
    select id from scans where started_at < $1 and id <> (select max(id) from scans))";

/// A table whose rows go when nobody refers to them any more.
struct Unreferenced {
    table: &'static str,
    /// What else must hold; `$1` is the moment.
    condition: &'static str,
    /// The tables that keep a row by referring to it, or all. Rows of the
    /// others are parts of it and go along.
    keepers: Keepers,
    /// Columns that only remember a row, and forget it when it goes.
    memories: &'static [(&'static str, &'static str)],
}

enum Keepers {
    These(&'static [&'static str]),
    All,
}

/// A column that refers to a table.
struct Reference {
    table: String,
    column: String,
}

/// The columns that refer to a table.
#[derive(Default)]
struct References {
    /// They keep its rows.
    keepers: Vec<Reference>,
    /// They are of parts of its rows.
    parts: Vec<Reference>,
    /// They are emptied.
    memories: Vec<Reference>,
}

const QUESTIONS: Unreferenced = Unreferenced {
    table: "questions",
    condition: "exists (select 1 from looks l where l.question_id = id and l.asked_at < $1)",
    keepers: Keepers::These(&["installations"]),
    memories: &[("installations", "moved_from")],
};

const ENDPOINTS: Unreferenced = Unreferenced {
    table: "endpoints",
    condition: "checked_at < $1",
    keepers: Keepers::These(&["questions"]),
    memories: &[],
};

const CHAINS: Unreferenced = Unreferenced {
    table: "chains",
    condition: "$1 is not null",
    keepers: Keepers::These(&["installations", "imports"]),
    memories: &[],
};

const CERTIFICATES: Unreferenced = Unreferenced {
    table: "certificates",
    condition: "$1 is not null",
    keepers: Keepers::These(&["installations", "chain_members", "imports"]),
    memories: &[],
};

const SCANS: Unreferenced = Unreferenced {
    table: "scans",
    condition: "started_at < $1 and id <> (select max(id) from scans)",
    keepers: Keepers::All,
    memories: &[],
};

/// Removes it, in the transaction of the caller.
pub(super) async fn prune(
    connection: &mut SqliteConnection,
    before: Timestamp,
) -> Result<Pruned, StoreError> {
    change(connection, REMEMBER, before).await?;
    let installations = change(connection, INSTALLATIONS, before).await?;
    let questions = QUESTIONS.delete(connection, before).await?;
    let endpoints = ENDPOINTS.delete(connection, before).await?;
    let chains = CHAINS.delete(connection, before).await?;
    let certificates = CERTIFICATES.delete(connection, before).await?;
    let coverage = change(connection, COVERAGE, before).await?;
    let names = change(connection, NAME_COVERAGE, before).await?;
    change(connection, DECLINED_NAMES, before).await?;
    change(connection, JOURNAL, before).await?;
    Ok(Pruned {
        installations,
        questions,
        endpoints,
        chains,
        certificates,
        coverage: coverage + names,
        scans: SCANS.delete(connection, before).await?,
    })
}

impl Unreferenced {
    /// Removes its rows with their parts, and tells how many.
    ///
    /// Who refers to them is read from the schema itself, so that a table
    /// that a later migration adds is never forgotten.
    async fn delete(
        &self,
        connection: &mut SqliteConnection,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        let (table, condition) = (self.table, self.condition);
        let references = self.references(connection).await?;
        let mut select = format!("select id from {table} where {condition}");
        for Reference { table, column } in references.keepers {
            // Writing to a String can't fail.
            let _ = write!(
                select,
                " and id not in (select \"{column}\" from \"{table}\" \
                 where \"{column}\" is not null)"
            );
        }
        let doomed = "drop table if exists temp.doomed";
        execute(connection, doomed).await?;
        execute(
            connection,
            "create temp table doomed (id integer primary key)",
        )
        .await?;
        let insert = format!("insert into temp.doomed {select}");
        change(connection, insert, before).await?;
        for Reference { table, column } in references.parts {
            let part = format!(
                "delete from \"{table}\" where \"{column}\" in (select id from temp.doomed)"
            );
            execute(connection, part).await?;
        }
        for Reference { table, column } in references.memories {
            let memory = format!(
                "update \"{table}\" set \"{column}\" = null \
                 where \"{column}\" in (select id from temp.doomed)"
            );
            execute(connection, memory).await?;
        }
        let rows = format!("delete from {table} where id in (select id from temp.doomed)");
        let count = execute(connection, rows).await?;
        execute(connection, doomed).await?;
        Ok(count)
    }

    /// The columns that refer to it.
    async fn references(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<References, StoreError> {
        let query = "select t.name, f.\"from\" from sqlite_master t \
            join pragma_foreign_key_list(t.name) f \
            where t.type = 'table' and f.\"table\" = $1";
        let rows = sqlx::query(query)
            .bind(self.table)
            .fetch_all(connection)
            .await
            .map_err(during(OPERATION))?;
        let mut references = References::default();
        for row in rows {
            let reference = Reference {
                table: row.try_get(0).map_err(during(OPERATION))?,
                column: row.try_get(1).map_err(during(OPERATION))?,
            };
            let place = (reference.table.as_str(), reference.column.as_str());
            let role = match self.keepers {
                _ if self.memories.contains(&place) => &mut references.memories,
                Keepers::These(these) if !these.contains(&place.0) => &mut references.parts,
                Keepers::These(_) | Keepers::All => &mut references.keepers,
            };
            role.push(reference);
        }
        Ok(references)
    }
}

/// A statement with the moment in it, and how many rows it concerned.
async fn change(
    connection: &mut SqliteConnection,
    statement: impl Into<String>,
    before: Timestamp,
) -> Result<u64, StoreError> {
    let done = sqlx::query(AssertSqlSafe(statement.into()))
        .persistent(false)
        .bind(before.micros())
        .execute(connection)
        .await
        .map_err(during(OPERATION))?;
    Ok(done.rows_affected())
}

async fn execute(
    connection: &mut SqliteConnection,
    statement: impl Into<String>,
) -> Result<u64, StoreError> {
    let done = sqlx::query(AssertSqlSafe(statement.into()))
        .persistent(false)
        .execute(connection)
        .await
        .map_err(during(OPERATION))?;
    Ok(done.rows_affected())
}
