-- Why: the first inventory. It lays down what things are the same across
-- scans; what the first scan does not store can't be had back.
--
-- Times are microseconds since 1970-01-01T00:00:00Z, enums are words, lists
-- are JSON arrays of texts. An address is a BLOB that sorts numerically, IPv4
-- first: one byte 4 or 6, then its 4 or 16 octets.
--
-- People open the file with the SQLite of their distribution, which refuses it
-- whole if the schema holds what is too new for it: nothing here is younger
-- than SQLite 3.34 (so no STRICT tables, no ORDER BY inside of aggregates).
--
-- `user_version` repeats the number of the newest migration, so that a look
-- at the first 100 bytes of a file tells whether this program may open it.

pragma application_id = 1129535312; -- 'CSWP'
pragma user_version = 1;

create table scans (
    -- A number is never used twice: people and scripts refer to it.
    id            integer primary key autoincrement,
    started_at    integer not null,
    finished_at   integer, -- null while it runs; for ever if it was killed
    state         text    not null, -- 'running' till the next writer, if killed
    targets       integer not null,
    outcomes      text    not null, -- JSON: every outcome's word and its count
    zone          text    not null,
    note          text,
    settings      text    not null, -- JSON
    seed          integer not null, -- 64 bits, read as signed
    plan          blob    not null, -- SHA-256 of targets and settings
    tool_version  text    not null
);

-- Once each, by the SHA-256 of the bytes received. All but the bytes can be
-- read from them again, by a better parser too; `der` is last so that reading
-- the rest of a row does not read it.
create table certificates (
    id                   integer primary key,
    sha256               blob    not null unique,
    sha1                 blob    not null,
    spki_sha256          blob,
    version              integer,
    serial               blob,
    subject_cn           text,
    subject_dn           text,
    issuer_cn            text,
    issuer_dn            text,
    issuer_folded        text, -- for search: lower case, without backslashes
    not_before           integer,
    not_after            integer,
    key_type             text    not null, -- 'unparsed' where it can't be read
    key_bits             integer,
    curve                text,
    signature_algorithm  text,
    is_ca                integer, -- null without basic constraints
    self_signed          integer, -- null where it can't be checked
    san                  text,
    key_usage            text, -- null without the extension
    eku                  text, -- null without the extension
    parse_fault          text, -- why nothing could be read at all
    faults               text,
    first_scan           integer not null references scans (id),
    der                  blob    not null
);

create index certificates_by_sha1      on certificates (sha1);
create index certificates_by_key       on certificates (spki_sha256);
create index certificates_by_serial    on certificates (serial);
create index certificates_by_not_after on certificates (not_after);

-- The names a certificate is looked up by: common name and alternative names,
-- lower case, NUL written `\0` (SQLite's GLOB would stop at it).
create table certificate_names (
    name            text    not null,
    certificate_id  integer not null references certificates (id),
    primary key (name, certificate_id)
) without rowid;

-- What servers sent, in the order sent, leaf included: the same certificates
-- in another order are another chain.
create table chains (
    id      integer primary key,
    sha256  blob not null unique -- over the members' SHA-256s in order
);

create table chain_members (
    chain_id        integer not null references chains (id),
    position        integer not null, -- 0 is the leaf
    certificate_id  integer not null references certificates (id),
    primary key (chain_id, position)
) without rowid;

create index chain_members_by_certificate on chain_members (certificate_id, chain_id);

-- Whatever spoke once. Identity first; below it the latest look.
create table endpoints (
    id          integer primary key,
    zone        text    not null,
    address     blob    not null,
    port        integer not null,
    transport   text    not null,
    dialect     text    not null,
    ip          text    not null, -- the address, for people
    first_seen  integer not null,
    outcome     text    not null,
    detail      text    not null,
    banner      blob,
    attempts    text    not null,
    ptr         text,
    checked_at  integer not null,
    scan_id     integer not null references scans (id),
    unique (zone, address, port, transport, dialect)
);

create index endpoints_by_address on endpoints (address, port);

-- What a certificate is the answer to.
create table questions (
    id           integer primary key,
    endpoint_id  integer not null references endpoints (id),
    server_name  text    not null, -- '' where none was sent
    key_type     text    not null, -- of the answer
    unique (endpoint_id, server_name, key_type)
);

create index questions_by_server_name on questions (server_name) where server_name <> '';

-- How a question stands. Every scan rewrites this row; the tables around it
-- change only when the network does.
create table looks (
    question_id    integer primary key references questions (id),
    asked_at       integer not null,
    outcome        text    not null,
    scan_id        integer not null references scans (id),
    -- The latest answer, and the session it came by.
    answered_at    integer not null,
    answered_scan  integer not null references scans (id),
    tls_version    text    not null,
    cipher_suite   text    not null,
    key_exchange   text,
    alpn           text, -- bytes outside printable ASCII escaped
    client_auth    text,
    truncated      text, -- the trouble that followed the leaf
    ocsp_staple    blob
);

-- A certificate at a question, as intervals. While one is the question's
-- answer, `last_seen`, `last_scan` and the session are null: its look tells
-- them. Whatever ends it writes them down.
create table installations (
    id              integer primary key,
    question_id     integer not null references questions (id),
    certificate_id  integer not null references certificates (id),
    chain_id        integer not null references chains (id),
    state           text    not null, -- current, missing, gone
    previous_id     integer references certificates (id),
    first_seen      integer not null,
    last_seen       integer,
    first_scan      integer not null references scans (id),
    last_scan       integer references scans (id),
    ended_scan      integer references scans (id), -- that saw something else
    tls_version     text,
    cipher_suite    text,
    key_exchange    text,
    alpn            text,
    client_auth     text
);

create unique index installations_answering  on installations (question_id) where last_seen is null;
create index installations_by_question    on installations (question_id, certificate_id);
create index installations_by_certificate on installations (certificate_id, state);
create index installations_by_first_scan  on installations (first_scan);
create index installations_by_ended_scan  on installations (ended_scan) where ended_scan is not null;

-- The ledger: the latest outcome of every address ever targeted, as runs of
-- equal ones. A run lies within one /24 (IPv6: /64); runs never overlap.
create table coverage (
    zone             text    not null,
    network_address  blob    not null, -- first address of the /24 or /64
    port             integer not null,
    first_address    blob    not null,
    last_address     blob    not null,
    network          text    not null, -- CIDR, for people
    addresses        integer not null, -- how many, at most 2^63 - 1
    outcome          text    not null,
    detail           text    not null,
    scan_id          integer not null references scans (id),
    at               integer not null,
    primary key (zone, network_address, port, first_address)
) without rowid;

-- The same for targets that are names.
create table name_coverage (
    zone     text    not null,
    name     text    not null,
    port     integer not null,
    outcome  text    not null,
    detail   text    not null,
    scan_id  integer not null references scans (id),
    at       integer not null,
    primary key (zone, name, port)
) without rowid;
