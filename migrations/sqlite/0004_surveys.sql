-- Why: an endpoint is asked more than once in a scan. It is surveyed version
-- by version, which says more of its protocols than the sessions that came
-- about; it is asked again for one key type alone, and how its row came about
-- must tell which; a request for a client certificate names authorities; and
-- of a chain that broke off it must be known that it did, so that the whole
-- one goes on in its place.

pragma user_version = 4;

drop view v_installations;
drop view installation_rows;

-- What an endpoint answered when it was offered one thing alone: the latest
-- word on each. `asked` is a version, and the answer 'accepted' or 'refused';
-- or it is 'hybrid-group', and the answer the group agreed to, or 'refused'.
create table surveys (
    endpoint_id  integer not null references endpoints (id),
    asked        text    not null,
    answer       text    not null,
    at           integer not null,
    scan_id      integer not null references scans (id),
    primary key (endpoint_id, asked)
) without rowid;

-- The key type that the look shown was restricted to; null: the server chose.
alter table endpoints add column asked_for text;

-- The authorities that a request for a client certificate named: RFC 4514.
alter table looks         add column client_auth_issuers text;
alter table installations add column client_auth_issuers text;

-- Whether only the beginning of the chain is known: the flight broke off.
alter table installations add column chain_is_partial integer not null default 0;

-- Where there was one answer so far, its trouble is the chain's.
update installations set chain_is_partial = 1
 where last_seen is null
   and exists (select 1 from looks l
                where l.question_id = installations.question_id
                  and l.truncated is not null
                  and l.answered_at = installations.first_seen
                  and l.answered_scan = installations.first_scan);

insert into sqlite_stat1 (tbl, idx, stat) values ('surveys', 'surveys', '5000000 5 1');

-- An endpoint, with all that it is known to accept: versions of its latest
-- answers, unless a later survey saw them refused, and those that surveys saw
-- accepted.
create view endpoint_rows as
select
    e.*,
    (select json_group_array(version)
       from (select their.tls_version as version
               from questions q
               join looks their on their.question_id = q.id
              where q.endpoint_id = e.id
                and not exists (
                    select 1 from surveys later
                     where later.endpoint_id = e.id
                       and later.asked = their.tls_version
                       and later.answer = 'refused'
                       and (later.scan_id > their.answered_scan
                            or (later.scan_id = their.answered_scan
                                and later.at > their.answered_at)))
              union
             select s.asked
               from surveys s
              where s.endpoint_id = e.id and s.answer = 'accepted'
              order by version)) as protocols,
    (select json_group_array(version)
       from (select s.asked as version
               from surveys s
              where s.endpoint_id = e.id
                and s.answer = 'refused'
                and s.asked <> 'hybrid-group'
                and not exists (
                    select 1
                      from questions q
                      join looks their on their.question_id = q.id
                     where q.endpoint_id = e.id
                       and their.tls_version = s.asked
                       and (their.answered_scan > s.scan_id
                            or (their.answered_scan = s.scan_id
                                and their.answered_at >= s.at)))
              order by s.asked)) as protocols_refused,
    (select s.answer from surveys s
      where s.endpoint_id = e.id and s.asked = 'hybrid-group') as hybrid_group
from endpoints e;

-- As in 0002, with the endpoint's columns from its view, and two new ones.
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
from endpoint_rows e
join questions q     on q.endpoint_id = e.id
join looks l         on l.question_id = q.id
join installations i on i.question_id = q.id
join certificates c  on c.id = i.certificate_id
where not exists (
    select 1 from installations later
     where later.question_id = i.question_id
       and later.certificate_id = i.certificate_id
       and later.id > i.id);

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
