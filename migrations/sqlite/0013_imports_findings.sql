-- Why: certificates that no network shows have findings too, and who asks in
-- SQL sees what the reports say of them.

pragma user_version = 13;

-- What was said of an import, as `judgements` has it for installations.
create table import_judgements (
    certificate_id  integer primary key references imports (certificate_id) on delete cascade,
    trust           text not null,
    trust_reason    text not null,
    trusted_by      text not null, -- JSON
    root_dn         text,
    severity        text,
    owner           text,
    tags            text not null, -- JSON
    findings        text not null, -- JSON
    accepted        text not null  -- JSON
);

insert into sqlite_stat1 (tbl, idx, stat) values ('import_judgements', null, '1000');

drop view v_findings;

-- As before, and the imports after the installations.
create view v_findings as
with places as (
    select
        j.trust, j.trust_reason, j.owner, j.tags, j.findings, j.accepted,
        e.zone, iif(q.server_name = '', e.ip, q.server_name) as host, e.ip, e.port,
        nullif(q.server_name, '') as sni, nullif(e.dialect, 'tls') as starttls,
        i.certificate_id, i.state
    from judgements j
    join installations i on i.id = j.installation_id
    join questions q     on q.id = i.question_id
    join endpoints e     on e.id = q.endpoint_id
    union all
    select
        j.trust, j.trust_reason, j.owner, j.tags, j.findings, j.accepted,
        null, null, null, null, null, null, j.certificate_id, 'current'
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
    select p.*, counted.value, 0 as is_accepted from places p, json_each(p.findings) counted
    union all
    select p.*, excused.value, 1 from places p, json_each(p.accepted) excused) f
join certificates c on c.id = f.certificate_id;
