-- Why: the certificates of a question shared one count of failed looks, so that
-- looks which said nothing of one brought it nearer to being missing.

pragma user_version = 24;

-- Whether others were looked for as well since the latest answer.
create temp table counted as
select i.id as installation_id, f.looks, f.scans, f.at, f.scan_id,
       exists (
           select 1 from installations other
            where other.question_id = i.question_id
              and other.id <> i.id
              and (other.ended_at is null
                   or (other.ended_as = 'moved' and other.vacated_at is null)
                   or other.ended_at > l.answered_at
                   or other.ended_scan > l.answered_scan)) as is_shared
  from failures f
  join looks l         on l.question_id = f.question_id
  join installations i on i.question_id = f.question_id
 where i.watched = 1
   and (i.ended_at is null or (i.ended_as = 'moved' and i.vacated_at is null));
drop table failures;

-- Looks that failed to bring an interval's certificate, since its question's
-- last answer or since it went missing; no row where there are none.
create table failures (
    installation_id  integer primary key references installations (id) on delete cascade,
    looks            integer not null,
    scans            integer not null, -- that they belong to
    at               integer not null, -- the latest of them
    scan_id          integer not null references scans (id)
);

-- Of a count that was shared nobody can tell whose it is: it begins anew, so
-- that nothing goes missing earlier than it would have.
insert into failures (installation_id, looks, scans, at, scan_id)
select installation_id, iif(is_shared, 0, looks), iif(is_shared, 0, scans), at, scan_id
  from temp.counted;
drop table temp.counted;

insert into sqlite_stat1 (tbl, idx, stat) values ('failures', null, '20000');
