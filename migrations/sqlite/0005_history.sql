-- Why: what changed, and absence only on evidence. An interval is the span in
-- which a certificate was current at a question, and what went missing before
-- it ended. How it began, since when it is missing and how it ended are
-- written down with it, so that events need no rows of their own, and any
-- earlier day can be told.

pragma user_version = 5;

drop view v_installations;
drop view v_certificates;
drop view certificate_uses;
drop view installation_rows;

-- How many looks brought an answer: by it is told how many looks passed since
-- a certificate was last among them.
alter table looks add column answers  integer not null default 1;
-- Grows with answers nobody knew, falls with those that were: whether there
-- is another certificate at every look.
alter table looks add column restless integer not null default 0;
-- The latest scan that meant to ask, and failed for our own reasons.
alter table looks add column tried_scan integer references scans (id);

-- Looks without an answer, since the last answer or since the certificates
-- went missing; no row where there are none.
create table failures (
    question_id  integer primary key references questions (id),
    looks        integer not null,
    scans        integer not null, -- that they belong to
    at           integer not null, -- the latest of them
    scan_id      integer not null references scans (id)
);

-- new, renewed, replaced, changed, moved, alternating, returned; null where
-- that is no event: a certificate that is another at every look.
alter table installations add column began        text;
alter table installations add column missing_at   integer;
alter table installations add column missing_scan integer references scans (id);
alter table installations add column ended_at     integer;
-- replaced: another interval took its place; moved: the name leads elsewhere;
-- gone: it was missing for long enough.
alter table installations add column ended_as     text;
-- The question it had moved from.
alter table installations add column moved_from   integer references questions (id);
-- The number of the answer that it was last, where it is not the latest.
alter table installations add column last_answer  integer;
-- The most looks that it was away for and came back.
alter table installations add column longest_away integer not null default 0;
-- Whether an answer may still continue it or come back to it.
alter table installations add column watched      integer not null default 1;

update installations
   set ended_at = (select min(later.first_seen) from installations later
                    where later.question_id = installations.question_id
                      and later.id > installations.id),
       ended_as = 'replaced', last_answer = 0, watched = 0
 where last_seen is not null;

update installations
   set began = case
       when previous_id is null and not exists (
            select 1 from installations earlier
             where earlier.question_id = installations.question_id
               and earlier.id < installations.id) then 'new'
       when certificate_id = (
            select earlier.certificate_id from installations earlier
             where earlier.question_id = installations.question_id
               and earlier.id < installations.id
             order by earlier.id desc limit 1) then 'changed'
       when exists (
            select 1 from installations earlier
             where earlier.question_id = installations.question_id
               and earlier.certificate_id = installations.certificate_id
               and earlier.id < installations.id) then 'returned'
       -- The same subject, usages and names, of more than four half of them.
       when exists (
            select 1 from certificates old, certificates new
             where old.id = installations.previous_id
               and new.id = installations.certificate_id
               and old.subject_dn = new.subject_dn
               and (old.subject_dn <> '' or json_array_length(old.san) > 0)
               and old.key_usage is new.key_usage
               and old.eku is new.eku
               and (select count(*) from json_each(old.san)
                     where value in (select value from json_each(new.san)))
                   * iif(json_array_length(old.san) > 4, 2, 1)
                   >= coalesce(json_array_length(old.san), 0)) then 'renewed'
       else 'replaced' end;

create index installations_watched         on installations (question_id) where watched = 1;
create index installations_by_missing_scan on installations (missing_scan)
    where missing_scan is not null;
create index installations_by_origin       on installations (moved_from)
    where moved_from is not null;

insert into sqlite_stat1 (tbl, idx, stat) values
    ('installations', 'installations_watched',         '1300000 1'),
    ('installations', 'installations_by_missing_scan', '100000 1000'),
    ('installations', 'installations_by_origin',       '10000 1'),
    ('failures',      null,                            '20000');

-- Every interval with all that reports say of it, as it is known now. Those
-- who show a moment add its state and its looks.
create view interval_rows as
select
    i.id, i.question_id, q.endpoint_id, i.certificate_id, i.chain_id,
    e.zone, e.address, e.ip, e.port, e.dialect, e.ptr,
    q.server_name, q.key_type as question_key_type,
    iif(i.last_seen is null, l.tls_version,  i.tls_version)  as tls_version,
    iif(i.last_seen is null, l.cipher_suite, i.cipher_suite) as cipher_suite,
    iif(i.last_seen is null, l.key_exchange, i.key_exchange) as key_exchange,
    iif(i.last_seen is null, l.alpn,         i.alpn)         as alpn,
    iif(i.last_seen is null, l.client_auth,  i.client_auth)  as client_auth,
    iif(i.last_seen is null, l.client_auth_issuers,
        i.client_auth_issuers) as client_auth_issuers,
    e.protocols, e.hybrid_group,
    (select json_group_array(sha256)
       from (select lower(hex(member.sha256)) as sha256
               from chain_members m
               join certificates member on member.id = m.certificate_id
              where m.chain_id = i.chain_id and m.position > 0
              order by m.position)) as chain_sha256,
    (select min(member.not_after)
       from chain_members m
       join certificates member on member.id = m.certificate_id
      where m.chain_id = i.chain_id) as chain_not_after,
    (select previous.sha256 from certificates previous
      where previous.id = i.previous_id) as previous_sha256,
    (select min(interval.first_seen) from installations interval
      where interval.question_id = i.question_id
        and interval.certificate_id = i.certificate_id) as first_seen,
    i.first_seen as began_at, i.missing_at, i.ended_at,
    i.state                                as latest_state,
    coalesce(i.last_seen, l.answered_at)   as latest_seen,
    l.asked_at                             as latest_checked,
    coalesce(i.last_scan, l.answered_scan) as latest_scan,
    i.last_seen is null                    as is_latest_answer,
    c.sha256, c.sha1, c.spki_sha256, c.subject_cn, c.subject_dn, c.issuer_cn,
    c.issuer_dn, c.issuer_folded, c.serial, c.not_before, c.not_after, c.san,
    c.key_type, c.key_bits, c.signature_algorithm, c.key_usage, c.eku,
    c.self_signed, c.is_ca, c.parse_fault, c.der
from endpoint_rows e
join questions q     on q.endpoint_id = e.id
join looks l         on l.question_id = q.id
join installations i on i.question_id = q.id
join certificates c  on c.id = i.certificate_id;

-- A certificate at a question now: its interval that has not ended, of several
-- the latest answer, else the newest.
create view installation_rows as
select r.*, r.latest_state as state, r.latest_seen as last_seen,
       r.latest_checked as last_checked, r.latest_scan as scan_id
  from interval_rows r
 where not exists (
    select 1 from installations other
     where other.question_id = r.question_id
       and other.certificate_id = r.certificate_id
       and other.id <> r.id
       and (other.ended_at is null, other.last_seen is null, other.id)
         > (r.ended_at is null, r.is_latest_answer, r.id));

-- How many questions each certificate answers now.
create view certificate_uses as
select certificate_id, count(distinct question_id) as installations
  from installations
 where state = 'current'
 group by certificate_id;

-- Every event: how an interval began, that it went missing, that it is gone.
create view event_rows as
select
    i.id || '-' || p.part as event_id,
    iif(p.part = 'began', i.began, p.part) as kind,
    case p.part when 'began'   then i.first_seen
                when 'missing' then i.missing_at
                else i.ended_at end as at,
    case p.part when 'began'   then i.first_scan
                when 'missing' then i.missing_scan
                else i.ended_scan end as scan_id,
    i.id as installation_id, i.certificate_id, i.chain_id, i.state,
    e.zone, e.address, e.ip, e.port, e.dialect, e.ptr, q.server_name,
    c.sha256, c.sha1, c.spki_sha256,
    coalesce(c.subject_cn, json_extract(c.san, '$[0]'), c.subject_dn) as subject,
    c.issuer_dn, c.issuer_folded, c.serial, c.not_after,
    previous.sha256 as previous_sha256,
    origin.ip       as moved_from
from installations i
cross join (select 'began' as part union all select 'missing' union all select 'gone') p
join questions q     on q.id = i.question_id
join endpoints e     on e.id = q.endpoint_id
join certificates c  on c.id = i.certificate_id
-- What an interval took the place of is part of its beginning alone.
left join certificates previous on previous.id = i.previous_id and p.part = 'began'
left join questions asked       on asked.id = i.moved_from and p.part = 'began'
left join endpoints origin      on origin.id = asked.endpoint_id
where i.began is not null
  and (p.part = 'began'
       or (p.part = 'missing' and i.missing_scan is not null)
       or (p.part = 'gone' and i.ended_as = 'gone'));

create view v_certificates as
select
    c.subject_cn, c.subject_dn, c.issuer_cn, c.issuer_dn,
    -- AF:0B:01, lower case
    (with recursive octet (place) as (
        select 1 where length(c.serial) > 0
        union all
        select place + 1 from octet where place < length(c.serial))
     select group_concat(lower(hex(substr(c.serial, place, 1))), ':')
       from octet) as serial,
    strftime('%Y-%m-%dT%H:%M:%SZ', c.not_before / 1000000, 'unixepoch') as not_before,
    strftime('%Y-%m-%dT%H:%M:%SZ', c.not_after  / 1000000, 'unixepoch') as not_after,
    -- whole days, rounded down
    ((c.not_after - c.not_before)
      - (((c.not_after - c.not_before) % 86400000000) + 86400000000) % 86400000000)
      / 86400000000 as validity_days,
    coalesce(c.san, '[]') as san,
    c.key_type, c.key_bits, c.signature_algorithm,
    coalesce(c.key_usage, '[]') as key_usage,
    coalesce(c.eku, '[]') as eku,
    c.self_signed,
    iif(c.parse_fault is null, coalesce(c.is_ca, 0), null) as is_ca,
    lower(hex(c.sha256)) as sha256,
    lower(hex(c.sha1)) as sha1,
    iif(c.spki_sha256 is null, null, lower(hex(c.spki_sha256))) as spki_sha256,
    (select count(distinct i.question_id) from installations i
      where i.certificate_id = c.id and i.state = 'current') as installations,
    c.parse_fault, coalesce(c.faults, '[]') as faults,
    c.id as certificate_id, c.first_scan
from certificates c;

create view v_installations as
select
    r.zone,
    iif(r.server_name = '', r.ip, r.server_name) as host,
    r.ip, r.port,
    nullif(r.server_name, '') as sni,
    nullif(r.dialect, 'tls') as starttls,
    r.ptr, r.tls_version, r.protocols, r.cipher_suite, r.key_exchange,
    r.client_auth, r.alpn,
    c.subject_cn, c.subject_dn, c.issuer_cn, c.issuer_dn, c.serial,
    c.not_before, c.not_after, c.validity_days, c.san, c.key_type, c.key_bits,
    c.signature_algorithm, c.key_usage, c.eku, c.self_signed, c.is_ca,
    c.sha256, c.sha1, c.spki_sha256,
    r.chain_sha256,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.chain_not_after / 1000000, 'unixepoch') as chain_not_after,
    coalesce(u.installations, 0) as installations,
    r.state,
    iif(r.previous_sha256 is null, null, lower(hex(r.previous_sha256))) as previous_sha256,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.first_seen   / 1000000, 'unixepoch') as first_seen,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.last_seen    / 1000000, 'unixepoch') as last_seen,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.last_checked / 1000000, 'unixepoch') as last_checked,
    'scan' as source,
    r.scan_id,
    coalesce(r.client_auth_issuers, '[]') as client_auth_issuers,
    r.hybrid_group
from installation_rows r
join v_certificates c on c.certificate_id = r.certificate_id
left join certificate_uses u on u.certificate_id = r.certificate_id;

-- What changed on the network; what changes in rules, trust stores or with
-- time is none of it.
create view v_events as
select
    r.event_id, r.kind, 'network' as cause,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.at / 1000000, 'unixepoch') as at,
    r.scan_id, r.zone,
    iif(r.server_name = '', r.ip, r.server_name) as host,
    r.ip, r.port,
    nullif(r.server_name, '') as sni,
    nullif(r.dialect, 'tls') as starttls,
    r.subject, r.issuer_dn,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.not_after / 1000000, 'unixepoch') as not_after,
    lower(hex(r.sha256)) as sha256,
    iif(r.previous_sha256 is null, null, lower(hex(r.previous_sha256))) as previous_sha256,
    r.moved_from
from event_rows r;
