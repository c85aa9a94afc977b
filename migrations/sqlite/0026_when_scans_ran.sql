-- Why: the scans' rows hold their settings, which may be long lists of targets;
-- when they ran is read for every batch that finds something absent.

pragma user_version = 26;

create index scans_by_run on scans (run, started_at, resumed_at);
