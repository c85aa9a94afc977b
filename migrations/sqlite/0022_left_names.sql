-- Why: a name that a server declined was forgotten when a later scan asked for
-- it in another family of addresses, or not at all; and one that led elsewhere
-- and came back was taken to have been declined all the while.

pragma user_version = 22;

alter table declined_names rename to declined_before;

-- Names of targets that the server they led to does not know
-- (unrecognized_name, RFC 6066 section 3), and shows no certificate for since;
-- each time that they led there by itself.
create table declined_names (
    endpoint_id  integer not null references endpoints (id),
    name         text    not null,
    first_at     integer not null, -- since when
    at           integer not null, -- the latest time
    scan_id      integer not null references scans (id), -- the latest that was led here
    left_at      integer, -- when a complete scan was led elsewhere; null: it leads here
    primary key (endpoint_id, name, first_at)
) without rowid;

-- What a later scan found to lead elsewhere was not told of any more.
insert into declined_names
    select d.endpoint_id, d.name, d.first_at, d.at, d.scan_id, c.at
      from declined_before d join endpoints e on e.id = d.endpoint_id
      left join name_coverage c on c.zone = e.zone and c.name = d.name
           and c.port = e.port and c.scan_id > d.scan_id
           and (c.outcome = 'certificate' or c.detail = 'nxdomain');

drop table declined_before;

insert into sqlite_stat1 (tbl, idx, stat) values
    ('declined_names', 'declined_names', '10000 2 1 1');
