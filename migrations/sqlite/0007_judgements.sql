-- Why: the inventory is judged at the end of each complete scan, and what was
-- said last is there for people who ask in SQL. A judgement is one row, and
-- only rewritten when it says something else: storage and writes grow with
-- change, not with scans. `judged` says when all of them were looked at last.

pragma user_version = 7;

-- One row, once anything was judged.
create table judged (
    id            integer primary key check (id = 1),
    at            integer not null,
    tool_version  text    not null,
    trust_stores  text    not null -- JSON: name, count and hash of each
);

-- What was said of an installation that is current or missing.
create table judgements (
    installation_id  integer primary key references installations (id) on delete cascade,
    trust            text not null,
    trust_reason     text not null,
    trusted_by       text not null, -- JSON
    root_dn          text,
    severity         text, -- null where nothing was found
    owner            text,
    tags             text not null, -- JSON
    -- JSON: rule, severity, detail, certificate (SHA-256, hexadecimal), and of
    -- those accepted also owner, reason and until.
    findings         text not null,
    accepted         text not null
);

create index judgements_by_severity on judgements (severity);

-- The certificates that may certify others, to find what some servers forget
-- to send.
create index certificates_of_authorities on certificates (id)
    where is_ca = 1 or (version < 3 and self_signed = 1);

-- What took a certificate's place, anywhere.
create index installations_by_previous on installations (previous_id, state)
    where previous_id is not null;

insert into sqlite_stat1 (tbl, idx, stat) values
    ('judgements',    'judgements_by_severity',      '1200000 200000'),
    ('certificates',  'certificates_of_authorities', '1000 1'),
    ('installations', 'installations_by_previous',   '800000 2 1');

-- A row for each finding, those accepted included.
create view v_findings as
select
    e.zone,
    iif(q.server_name = '', e.ip, q.server_name) as host,
    e.ip, e.port,
    nullif(q.server_name, '')  as sni,
    nullif(e.dialect, 'tls')   as starttls,
    lower(hex(c.sha256))       as sha256,
    json_extract(f.value, '$.rule')        as finding,
    json_extract(f.value, '$.severity')    as severity,
    json_extract(f.value, '$.detail')      as detail,
    json_extract(f.value, '$.certificate') as certificate_sha256,
    f.accepted,
    json_extract(f.value, '$.owner')       as accepted_by,
    json_extract(f.value, '$.reason')      as accepted_reason,
    json_extract(f.value, '$.until')       as accepted_until,
    f.trust, f.trust_reason, f.owner, f.tags, i.state,
    strftime('%Y-%m-%dT%H:%M:%SZ', (select at from judged) / 1000000, 'unixepoch') as judged_at
from (
    select j.installation_id, j.trust, j.trust_reason, j.owner, j.tags,
           0 as accepted, counted.value
      from judgements j, json_each(j.findings) counted
     union all
    select j.installation_id, j.trust, j.trust_reason, j.owner, j.tags,
           1, excused.value
      from judgements j, json_each(j.accepted) excused) f
join installations i on i.id = f.installation_id
join questions q     on q.id = i.question_id
join endpoints e     on e.id = q.endpoint_id
join certificates c  on c.id = i.certificate_id;
