-- Why: what is said of an installation is mostly what is said of all others
-- with its certificate. Each thing said has one row now, and an installation
-- the number of it: a judgement of a large network writes little, and one that
-- says the same again nothing.

pragma user_version = 15;

drop view v_findings;

-- All that is said of an installation, once for all of which it is said.
create table verdicts (
    id            integer primary key,
    -- Of the rest of the row, by the program; null in rows of an earlier
    -- version: they are found by nobody, and go with the next judgement.
    sha256        blob unique,
    trust         text not null,
    trust_reason  text not null,
    trusted_by    text not null, -- JSON
    root_dn       text,
    severity      text, -- null where nothing was found
    owner         text,
    tags          text not null, -- JSON
    -- JSON: rule, severity, detail, certificate (SHA-256, hexadecimal), and of
    -- those accepted also owner, reason and until.
    findings      text not null,
    accepted      text not null
);

insert into verdicts (id, trust, trust_reason, trusted_by, root_dn, severity, owner, tags,
                      findings, accepted)
select installation_id, trust, trust_reason, trusted_by, root_dn, severity, owner, tags,
       findings, accepted
  from judgements;

drop table judgements;

-- What was said of an installation that is current or missing. The verdict is
-- no foreign key: every judgement removes those that nothing refers to, and
-- an index for that alone would cost more than it does.
create table judgements (
    installation_id  integer primary key references installations (id) on delete cascade,
    verdict_id       integer not null
);

insert into judgements select id, id from verdicts;

-- The same of imports.
insert into verdicts (id, trust, trust_reason, trusted_by, root_dn, severity, owner, tags,
                      findings, accepted)
select top.id + j.certificate_id, trust, trust_reason, trusted_by, root_dn, severity, owner,
       tags, findings, accepted
  from import_judgements j, (select coalesce(max(installation_id), 0) as id from judgements) top;

create table judged_imports (
    certificate_id  integer primary key references imports (certificate_id) on delete cascade,
    verdict_id      integer not null
);

insert into judged_imports
select j.certificate_id, top.id + j.certificate_id
  from import_judgements j, (select coalesce(max(installation_id), 0) as id from judgements) top;

drop table import_judgements;
alter table judged_imports rename to import_judgements;

delete from sqlite_stat1 where tbl = 'judgements';
insert into sqlite_stat1 (tbl, idx, stat) values
    ('judgements',        null,                   '1200000'),
    ('import_judgements', null,                   '1000'),
    ('verdicts', 'sqlite_autoindex_verdicts_1',   '200000 1');

-- As before: a row for each finding, those accepted included.
create view v_findings as
with places as (
    select
        j.verdict_id,
        e.zone, iif(q.server_name = '', e.ip, q.server_name) as host, e.ip, e.port,
        nullif(q.server_name, '') as sni, nullif(e.dialect, 'tls') as starttls,
        i.certificate_id, i.state
    from judgements j
    join installations i on i.id = j.installation_id
    join questions q     on q.id = i.question_id
    join endpoints e     on e.id = q.endpoint_id
    union all
    select
        j.verdict_id, null, null, null, null, null, null, j.certificate_id, 'current'
    from import_judgements j)
select
    f.zone, f.host, f.ip, f.port, f.sni, f.starttls,
    lower(hex(c.sha256)) as sha256,
    json_extract(f.value, '$.rule')        as finding,
    json_extract(f.value, '$.severity')    as severity,
    json_extract(f.value, '$.detail')      as detail,
    json_extract(f.value, '$.certificate') as certificate_sha256,
    f.is_accepted as accepted,
    json_extract(f.value, '$.owner')       as accepted_by,
    json_extract(f.value, '$.reason')      as accepted_reason,
    json_extract(f.value, '$.until')       as accepted_until,
    f.trust, f.trust_reason, f.owner, f.tags, f.state,
    strftime('%Y-%m-%dT%H:%M:%SZ', (select at from judged) / 1000000, 'unixepoch') as judged_at
from (
    select p.*, v.trust, v.trust_reason, v.owner, v.tags, counted.value, 0 as is_accepted
      from places p join verdicts v on v.id = p.verdict_id, json_each(v.findings) counted
    union all
    select p.*, v.trust, v.trust_reason, v.owner, v.tags, excused.value, 1
      from places p join verdicts v on v.id = p.verdict_id, json_each(v.accepted) excused) f
join certificates c on c.id = f.certificate_id;
