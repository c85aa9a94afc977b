-- Why: who was told of one certificate of a chain was taken to be told of all
-- of them, and what a certificate is called depended on who said it.

pragma user_version = 17;

-- The thresholds of expiry that certificates of an installation's chain have
-- crossed and its owner was written to about; '' is nobody's.
create temp table told as select * from notices;
drop table notices;
create table notices (
    certificate_id  integer not null references certificates (id), -- the installation's
    member_id       integer not null references certificates (id), -- of its chain, or it
    owner           text    not null,
    finding         text    not null, -- 'expiring' or 'expired'
    severity        text    not null,
    at              integer not null,
    primary key (certificate_id, member_id, owner, finding, severity)
) without rowid;
create index notices_by_member on notices (member_id);

-- Whose certificate it was had not been written down.
insert into notices (certificate_id, member_id, owner, finding, severity, at)
select certificate_id, certificate_id, owner, finding, severity, at from temp.told;
drop table temp.told;

insert into sqlite_stat1 (tbl, idx, stat) values
    ('notices', 'notices',           '10000 2 2 1 1 1'),
    ('notices', 'notices_by_member', '10000 3');

-- As before, but that no certificate is called by an empty name.
drop view event_rows;
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
    coalesce(nullif(c.subject_cn, ''), nullif(json_extract(c.san, '$[0]'), ''),
             nullif(c.subject_dn, '')) as subject,
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
