//! Surveys → what each endpoint takes, the latest word on each thing asked.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Row, SqliteConnection};

use super::super::StoreError;
use super::moment::Moment;
use super::row;
use super::statement::ManyRows;
use crate::domain::{ScanId, Survey, Timestamp};

const FIND: ManyRows = ManyRows {
    operation: "looking up surveys",
    before: "with wanted (endpoint_id) as (",
    columns: 1,
    after: ") select s.endpoint_id, s.asked, s.answer, s.at, s.scan_id \
            from wanted w cross join surveys s on s.endpoint_id = w.endpoint_id",
};

const STORE: ManyRows = ManyRows {
    operation: "storing surveys",
    before: "insert into surveys (endpoint_id, asked, answer, at, scan_id) ",
    columns: 5,
    after: " on conflict (endpoint_id, asked) do update set answer = excluded.answer, \
            at = excluded.at, scan_id = excluded.scan_id",
};

/// What is asked where it is no version; 0004_surveys.sql knows it too.
const HYBRID_GROUP: &str = "hybrid-group";

/// A survey of an endpoint, by its row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surveyed<'a> {
    pub(super) endpoint: i64,
    pub(super) survey: &'a Survey,
    pub(super) at: Timestamp,
}

/// The latest answer to one thing asked.
struct Answer {
    word: String,
    moment: Moment,
    changed: bool,
}

/// An endpoint's row, and what it was asked.
type Asked = (i64, String);

/// Writes down what the surveys, sorted by time, say where it is the latest
/// word.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    surveys: &[Surveyed<'_>],
    scan: ScanId,
) -> Result<(), StoreError> {
    let mut answers = find(connection, surveys).await?;
    for surveyed in surveys {
        let at = surveyed.at;
        let moment = Moment { at, scan };
        for (asked, word) in words(surveyed.survey) {
            let asked = (surveyed.endpoint, asked);
            let known = answers.get(&asked);
            if known.is_none_or(|known| moment.supersedes(known.moment)) {
                let changed = true;
                let answer = Answer {
                    word,
                    moment,
                    changed,
                };
                answers.insert(asked, answer);
            }
        }
    }
    let changed: Vec<_> = answers
        .iter()
        .filter(|(_, answer)| answer.changed)
        .collect();
    STORE
        .execute(
            connection,
            &changed,
            |values, ((endpoint, asked), answer)| {
                values
                    .push_bind(*endpoint)
                    .push_bind(asked.clone())
                    .push_bind(answer.word.clone())
                    .push_bind(answer.moment.at.micros())
                    .push_bind(answer.moment.scan.number());
            },
        )
        .await
}

async fn find(
    connection: &mut SqliteConnection,
    surveys: &[Surveyed<'_>],
) -> Result<BTreeMap<Asked, Answer>, StoreError> {
    let wanted: BTreeSet<_> = surveys.iter().map(|surveyed| surveyed.endpoint).collect();
    let wanted: Vec<_> = wanted.into_iter().collect();
    let mut answers = BTreeMap::new();
    FIND.fetch(
        connection,
        &wanted,
        |values, endpoint| {
            values.push_bind(*endpoint);
        },
        |row| {
            let answer = Answer {
                word: row.try_get(2)?,
                moment: row::moment(row, 3, 4)?,
                changed: false,
            };
            answers.insert((row.try_get(0)?, row.try_get(1)?), answer);
            Ok(())
        },
    )
    .await?;
    Ok(answers)
}

/// What was asked, and the answer.
fn words(survey: &Survey) -> impl Iterator<Item = (String, String)> {
    let versions = survey.versions.iter();
    let versions =
        versions.map(|(version, acceptance)| (version.to_string(), acceptance.as_str().to_owned()));
    let group = survey.hybrid_group;
    versions.chain(group.map(|group| (HYBRID_GROUP.to_owned(), group.to_string())))
}
