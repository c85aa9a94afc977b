//! A filter → pages of dossiers, all of one moment: installations that were
//! seen, and after them imports.

use futures_util::TryStreamExt;
use sqlx::{QueryBuilder, Sqlite, SqlitePool};
use tokio::sync::mpsc;

use super::super::{Detail, Dossier, Filter, PAGE, StoreError};
use super::fault::during;
use super::shared::Shared;
use super::{dossiers, past, report, select};
use crate::report::Source;

/// Streams what a filter lets through, until nobody takes any more. What is
/// counted and compared of it is of a little later.
pub(super) async fn stream(
    pool: &SqlitePool,
    filter: &Filter,
    detail: Detail,
    pages: mpsc::Sender<Vec<Dossier>>,
) -> Result<(), StoreError> {
    let failed = during("reading installations");
    let mut moment = pool.begin().await.map_err(&failed)?;
    let mut asked = pool.acquire().await.map_err(&failed)?;
    let mut shared = Shared::new(detail, filter.known_at);
    for source in [Source::Scan, Source::Import] {
        let mut query = query(source, filter);
        let query = query.build().persistent(false);
        let mut rows = query.fetch(&mut *moment);
        let mut is_last = false;
        while !is_last {
            let mut page = Vec::with_capacity(PAGE);
            while page.len() < PAGE
                && let Some(row) = rows.try_next().await.map_err(&failed)?
            {
                page.push(row);
            }
            is_last = page.len() < PAGE;
            let parts = dossiers::parts(&mut asked, source, &page, &mut shared).await?;
            for told in parts {
                let page = dossiers::page(&mut asked, told, &mut shared).await?;
                if !page.is_empty() && pages.send(page).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

fn query(source: Source, filter: &Filter) -> QueryBuilder<Sqlite> {
    match source {
        Source::Scan => installations(filter),
        Source::Import => {
            let mut query = report::select_imports(filter.known_at);
            select::imports(&mut query, filter);
            query.push(report::IMPORT_ORDER);
            query
        }
    }
}

fn installations(filter: &Filter) -> QueryBuilder<Sqlite> {
    let mut query = match filter.known_at {
        None => report::select_installations(),
        Some(at) => past::select_installations(at),
    };
    select::installations(&mut query, filter);
    query.push(report::INSTALLATION_ORDER);
    query
}
