-- Why: one place that says what a row of a report is. The `*_rows` views hold
-- the values as the program reads them; the `v_*` views write them as reports
-- do (times RFC 3339, hashes in hexadecimal, lists as JSON arrays, booleans
-- 1 and 0) and are what users may rely on. SQLite writes no year after 9999
-- (no certificate can, RFC 5280 section 4.1.2.5.2): such a time is null in a
-- `v_*` view, the rest of its row is there.

pragma user_version = 2;

-- A certificate at a question: its newest interval, first seen when its first
-- one was.
create view installation_rows as
select
    i.id, q.endpoint_id, i.certificate_id, i.chain_id,
    e.zone, e.address, e.ip, e.port, e.dialect, e.ptr,
    q.server_name, q.key_type as question_key_type,
    iif(i.last_seen is null, l.tls_version,  i.tls_version)  as tls_version,
    iif(i.last_seen is null, l.cipher_suite, i.cipher_suite) as cipher_suite,
    iif(i.last_seen is null, l.key_exchange, i.key_exchange) as key_exchange,
    iif(i.last_seen is null, l.alpn,         i.alpn)         as alpn,
    iif(i.last_seen is null, l.client_auth,  i.client_auth)  as client_auth,
    (select json_group_array(tls_version)
       from (select distinct their.tls_version
               from questions asked
               join looks their on their.question_id = asked.id
              where asked.endpoint_id = q.endpoint_id
              order by their.tls_version)) as protocols,
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
    i.state,
    (select previous.sha256 from certificates previous
      where previous.id = i.previous_id) as previous_sha256,
    (select min(interval.first_seen) from installations interval
      where interval.question_id = i.question_id
        and interval.certificate_id = i.certificate_id) as first_seen,
    coalesce(i.last_seen, l.answered_at)   as last_seen,
    l.asked_at                             as last_checked,
    coalesce(i.last_scan, l.answered_scan) as scan_id,
    c.sha256, c.sha1, c.spki_sha256, c.subject_cn, c.subject_dn, c.issuer_cn,
    c.issuer_dn, c.issuer_folded, c.serial, c.not_before, c.not_after, c.san,
    c.key_type, c.key_bits, c.signature_algorithm, c.key_usage, c.eku,
    c.self_signed, c.is_ca, c.parse_fault, c.der
from endpoints e
join questions q     on q.endpoint_id = e.id
join looks l         on l.question_id = q.id
join installations i on i.question_id = q.id
join certificates c  on c.id = i.certificate_id
where not exists (
    select 1 from installations later
     where later.question_id = i.question_id
       and later.certificate_id = i.certificate_id
       and later.id > i.id);

-- How many questions each certificate answers now.
create view certificate_uses as
select certificate_id, count(*) as installations
  from installations
 where state = 'current'
 group by certificate_id;

-- What the ledger says of a network (or a name) and port, by outcome.
create view coverage_rows as
select zone, 0 as is_name, network_address, network, port, outcome, detail,
       -- total() is a float and can't overflow, the cast stops at 2^63 - 1
       cast(total(addresses) as integer) as targets,
       min(at) as oldest_look, max(at) as latest_look
  from coverage
 group by zone, network_address, port, outcome, detail
union all
select zone, 1, null, name, port, outcome, detail, 1, at, at
  from name_coverage;

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
    (select count(*) from installations i
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
    r.scan_id
from installation_rows r
join v_certificates c on c.certificate_id = r.certificate_id
left join certificate_uses u on u.certificate_id = r.certificate_id;

create view v_coverage as
select zone, network, port, outcome, detail, targets,
       strftime('%Y-%m-%dT%H:%M:%SZ', oldest_look / 1000000, 'unixepoch') as oldest_look,
       strftime('%Y-%m-%dT%H:%M:%SZ', latest_look / 1000000, 'unixepoch') as latest_look
  from coverage_rows;
