-- Why: a certificate that moved was not looked for any more where it had been,
-- though there may be another machine with it, which was down for a while.

pragma user_version = 21;

-- Since when it is certain that it is not there; null while it is looked for.
alter table installations add column vacated_at integer;

update installations set vacated_at = ended_at where ended_as = 'moved';
