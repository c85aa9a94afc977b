-- Why: a scan that ended early says why, and who ran it, and can be gone on with.

pragma user_version = 9;

-- Null where every target had its outcome, and where nobody saw the end: a
-- word (signal, window, duration, network-down) or, of a failure, its message.
alter table scans add column ended_by text;

-- Who ran it: user, machine and process.
alter table scans add column operator text;

-- SHA-256 of what decides which targets are asked what: a scan goes on with the
-- latest one of the same identity. Null: too old to be gone on with.
alter table scans add column identity blob;

-- How many blocks of its plan are done, and the outcomes of their targets: a
-- JSON object like `outcomes`.
alter table scans add column blocks_done     integer not null default 0;
alter table scans add column blocks_outcomes text    not null default '{}';

-- What became of the targets of the block after those, page by page as it was
-- stored. When the block is done, the ledger tells it, and its pages go.
create table journal (
    scan_id  integer not null references scans (id),
    block    integer not null,
    page     integer not null,
    entries  text    not null, -- JSON
    primary key (scan_id, block, page)
);
