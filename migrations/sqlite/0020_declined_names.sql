-- Why: where a server declines a target's name as unknown, it is asked without
-- one, and what it shows then said nothing of the name that it is not for.

pragma user_version = 20;

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

insert into sqlite_stat1 (tbl, idx, stat) values
    ('declined_names', 'declined_names', '10000 2 1 1');
