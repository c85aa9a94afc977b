-- Why: a scan that ended early says why, and who ran it.

pragma user_version = 9;

-- Null where every target had its outcome, and where nobody saw the end: a
-- word (signal, window, duration, network-down) or, of a failure, its message.
alter table scans add column ended_by text;

-- Who ran it: user, machine and process.
alter table scans add column operator text;
