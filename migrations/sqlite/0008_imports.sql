-- Why: certificates that no network shows (clients', those of machines behind
-- other machines) are watched too once their files are imported; and who was
-- told of an expiry need not be told again every night.

pragma user_version = 8;

drop view v_installations;
drop view v_certificates;

-- An imported certificate was seen by no scan: `first_scan` may be null now.
-- SQLite has no ALTER TABLE for this; leaving out a NOT NULL changes no row,
-- and is done as sqlite.org/lang_altertable.html#otheralter says.
pragma writable_schema = on;
update sqlite_schema
   set sql = replace(sql, 'first_scan           integer not null references',
                          'first_scan           integer references')
 where type = 'table' and name = 'certificates';
pragma writable_schema = reset;

-- Certificates read from files, once each. Their chain has them alone.
create table imports (
    certificate_id  integer primary key references certificates (id),
    chain_id        integer not null references chains (id),
    label           text, -- what the operator calls it
    first_seen      integer not null, -- when it was first imported
    last_seen       integer not null  -- when it was last
);

-- The thresholds of expiry that an installation of a certificate has crossed
-- and its owner was written to about; '' is nobody's.
create table notices (
    certificate_id  integer not null references certificates (id),
    owner           text    not null,
    finding         text    not null, -- 'expiring' or 'expired'
    severity        text    not null,
    at              integer not null,
    primary key (certificate_id, owner, finding, severity)
) without rowid;

insert into sqlite_stat1 (tbl, idx, stat) values
    ('imports', null,      '1000'),
    ('notices', 'notices', '10000 2 1 1 1');

-- Imports as `installation_rows` has installations.
create view import_rows as
select
    null as id, null as endpoint_id, i.certificate_id, i.chain_id,
    null as zone, null as address, null as ip, null as port,
    null as dialect, null as ptr, null as server_name,
    null as tls_version, null as protocols, null as cipher_suite,
    null as key_exchange, null as client_auth, null as alpn,
    '[]' as chain_sha256, c.not_after as chain_not_after,
    'current' as state, null as previous_sha256,
    i.first_seen, i.last_seen, i.last_seen as last_checked, null as scan_id,
    null as client_auth_issuers, null as hybrid_group, i.label,
    c.sha256, c.sha1, c.spki_sha256, c.subject_cn, c.subject_dn, c.issuer_cn,
    c.issuer_dn, c.issuer_folded, c.serial, c.not_before, c.not_after, c.san,
    c.key_type, c.key_bits, c.signature_algorithm, c.key_usage, c.eku,
    c.self_signed, c.is_ca, c.parse_fault, c.der
from imports i
join certificates c on c.id = i.certificate_id;

-- As before, an import being one more installation.
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
      where i.certificate_id = c.id and i.state = 'current')
      + exists (select 1 from imports m where m.certificate_id = c.id) as installations,
    c.parse_fault, coalesce(c.faults, '[]') as faults,
    c.id as certificate_id, c.first_scan
from certificates c;

-- As before, and the imports after them.
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
    coalesce(u.installations, 0)
      + exists (select 1 from imports m where m.certificate_id = r.certificate_id)
      as installations,
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
left join certificate_uses u on u.certificate_id = r.certificate_id
union all
select
    null, '', null, null, null, null, null, null, '[]', null, null, null, null,
    c.subject_cn, c.subject_dn, c.issuer_cn, c.issuer_dn, c.serial,
    c.not_before, c.not_after, c.validity_days, c.san, c.key_type, c.key_bits,
    c.signature_algorithm, c.key_usage, c.eku, c.self_signed, c.is_ca,
    c.sha256, c.sha1, c.spki_sha256,
    r.chain_sha256, c.not_after, c.installations, r.state, null,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.first_seen   / 1000000, 'unixepoch'),
    strftime('%Y-%m-%dT%H:%M:%SZ', r.last_seen    / 1000000, 'unixepoch'),
    strftime('%Y-%m-%dT%H:%M:%SZ', r.last_checked / 1000000, 'unixepoch'),
    'import', null, '[]', null
from import_rows r
join v_certificates c on c.certificate_id = r.certificate_id;
