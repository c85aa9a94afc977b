-- Why: a server that answers a hello with TLS 1.3 in it by an older version does
-- not speak TLS 1.3. That could not be told from one that nobody offered it.

pragma user_version = 25;

-- What the hello offered that the latest answer came to, where it left the server
-- the choice of its key; null also where that was not written down.
alter table looks add column offered text;
