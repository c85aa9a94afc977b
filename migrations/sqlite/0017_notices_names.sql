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
