-- Why: of a chain's root that nobody sent the notice had its hash within the
-- word of the finding, and another once a server sent it: it was told twice.

pragma user_version = 22;

create temp table told as
select n.certificate_id,
       iif(n.finding like '% of %',
           unhex(substr(n.finding, instr(n.finding, ' of ') + 4)), m.sha256) as member_sha256,
       n.owner,
       iif(n.finding like '% of %',
           substr(n.finding, 1, instr(n.finding, ' of ') - 1), n.finding) as finding,
       n.severity, min(n.at) as at
  from notices n join certificates m on m.id = n.member_id
 group by 1, 2, 3, 4, 5;
drop table notices;

-- The thresholds of expiry that certificates of an installation's chain have
-- crossed and its owner was written to about; '' is nobody's.
create table notices (
    certificate_id integer not null references certificates (id), -- the installation's
    member_sha256  blob    not null, -- of its chain, or it; a root may be in no table
    owner          text    not null,
    finding        text    not null, -- 'expiring' or 'expired'
    severity       text    not null,
    at             integer not null,
    primary key (certificate_id, member_sha256, owner, finding, severity)
) without rowid;
insert into notices select * from temp.told;
drop table temp.told;

delete from sqlite_stat1 where tbl = 'notices';
insert into sqlite_stat1 (tbl, idx, stat) values
    ('notices', 'notices', '10000 2 2 1 1 1');
