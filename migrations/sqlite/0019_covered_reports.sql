-- Why: for each row of a report its look was found three times, its certificate
-- for nothing, and it was asked seven times whether there is more to be said,
-- where there hardly ever is.

pragma user_version = 19;

-- Other questions than the first, or surveys.
alter table endpoints     add column has_more   integer not null default 0;
-- Other intervals at its question. Once there were, it stays: then there is
-- more to ask, which is slower and says the same.
alter table installations add column has_others integer not null default 0;

update endpoints set has_more = 1
 where exists (select 1 from surveys s where s.endpoint_id = endpoints.id)
    or (select count(*) from questions q where q.endpoint_id = endpoints.id) > 1;
update installations set has_others = 1
 where exists (select 1 from installations other
                where other.question_id = installations.question_id
                  and other.id <> installations.id);

create trigger endpoints_have_more_questions after insert on questions
 when exists (select 1 from questions other
               where other.endpoint_id = new.endpoint_id and other.id <> new.id)
begin
    update endpoints set has_more = 1 where id = new.endpoint_id and has_more = 0;
end;
create trigger endpoints_have_surveys after insert on surveys
begin
    update endpoints set has_more = 1 where id = new.endpoint_id and has_more = 0;
end;
create trigger installations_have_others after insert on installations
 when exists (select 1 from installations other
               where other.question_id = new.question_id and other.id <> new.id)
begin
    update installations set has_others = 1
     where question_id = new.question_id and has_others = 0;
end;

-- A certificate's questions are counted without a look at its installations.
drop index installations_by_certificate;
create index installations_by_certificate
    on installations (certificate_id, state, question_id);
delete from sqlite_stat1 where idx = 'installations_by_certificate';
insert into sqlite_stat1 (tbl, idx, stat) values
    ('installations', 'installations_by_certificate', '2000000 3 2 1');

-- As before, but that surveys are asked for only where there are some.
drop view endpoint_rows;
create view endpoint_rows as
select
    e.*,
    (select json_group_array(version)
       from (select their.tls_version as version
               from questions q
               join looks their on their.question_id = q.id
               join installations answer
                 on answer.question_id = q.id and answer.last_seen is null
              where q.endpoint_id = e.id
                and (answer.state = 'current' or not exists (
                    select 1
                      from questions other
                      join installations present
                        on present.question_id = other.id and present.last_seen is null
                     where other.endpoint_id = e.id and present.state = 'current'))
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
    iif(e.has_more, (select s.answer from surveys s
                      where s.endpoint_id = e.id and s.asked = 'hybrid-group'),
        null) as hybrid_group
from endpoints e;

-- As before, and what its look says besides. A certificate is looked up only
-- for what is asked of it: there is always one, so a row is never lost.
drop view interval_rows;
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
    -- Known of the latest answer alone, and only where the flight of the
    -- handshake that would hold it reached its end.
    case when i.last_seen is not null   then null
         when l.ocsp_staple is not null then 1
         when l.truncated is null       then 0 end as stapled,
    l.restless,
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
    previous.sha256 as previous_sha256,
    (select min(interval.first_seen) from installations interval
      where interval.question_id = i.question_id
        and interval.certificate_id = i.certificate_id) as first_seen,
    i.first_seen as began_at, i.missing_at, i.ended_at,
    i.state                                as latest_state,
    coalesce(i.last_seen, l.answered_at)   as latest_seen,
    l.asked_at                             as latest_checked,
    coalesce(i.last_scan, l.answered_scan) as latest_scan,
    i.last_seen is null                    as is_latest_answer,
    i.has_others, e.has_more,
    c.sha256, c.sha1, c.spki_sha256, c.subject_cn, c.subject_dn, c.issuer_cn,
    c.issuer_dn, c.issuer_folded, c.serial, c.not_before, c.not_after, c.san,
    c.key_type, c.key_bits, c.signature_algorithm, c.key_usage, c.eku,
    c.self_signed, c.is_ca, c.parse_fault, c.der
from endpoint_rows e
join questions q         on q.endpoint_id = e.id
join looks l             on l.question_id = q.id
join installations i     on i.question_id = q.id
left join certificates c        on c.id = i.certificate_id
left join certificates previous on previous.id = i.previous_id;

-- As before, but that a question with one interval is not looked through.
drop view installation_rows;
create view installation_rows as
select r.*, r.latest_state as state, r.latest_seen as last_seen,
       r.latest_checked as last_checked, r.latest_scan as scan_id
  from interval_rows r
 where not r.has_others or not exists (
    select 1 from installations other
     where other.question_id = r.question_id
       and other.certificate_id = r.certificate_id
       and other.id <> r.id
       and (other.ended_at is null, other.last_seen is null, other.id)
         > (r.ended_at is null, r.is_latest_answer, r.id));
