-- Why: what happened around a scan (an outage, a network that began to filter
-- it, a clock that jumped) explains its results long after its log is gone.

pragma user_version = 16;

-- A sentence each, in the order in which runs of the scan ended: a JSON array.
alter table scans add column incidents text not null default '[]';

-- Targets that had no turn and are so many that the ledger does not list them.
alter table scans add column unlisted integer not null default 0;
