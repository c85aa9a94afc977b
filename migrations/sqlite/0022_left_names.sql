-- Why: a name that a server declined was forgotten when a later scan asked for
-- it in another family of addresses, or not at all; and one that led elsewhere
-- and came back was taken to have been declined all the while.

pragma user_version = 22;

-- The first scan since `scan_id` that was led elsewhere and not here, among the
-- addresses of the same family; or that was told that there is no such name.
alter table declined_names add column left_scan integer references scans (id);
alter table declined_names add column left_at   integer;

create index declined_names_by_name on declined_names (name);

insert into sqlite_stat1 (tbl, idx, stat) values
    ('declined_names', 'declined_names_by_name', '10000 2');
