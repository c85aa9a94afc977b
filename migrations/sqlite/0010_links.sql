-- Why: who signed whom in a chain is found with public keys, and costs more
-- than all else that is said of it. It changes only with the trust stores, the
-- authorities that were seen and the program's rules; so it is kept from the
-- judgement at the end of a scan for the next ones. It is a cache: a judgement
-- is the same without it.

pragma user_version = 10;

-- One row: what all of `links` rest on beside the chain itself.
create table links_basis (
    id     integer primary key check (id = 1),
    basis  blob not null -- SHA-256 of stores, authorities and version
);

create table links (
    chain_id  integer primary key references chains (id) on delete cascade,
    links     text not null -- JSON, as the program of that basis writes it
);

insert into sqlite_stat1 (tbl, idx, stat) values ('links', null, '900000');
