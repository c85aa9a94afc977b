-- Why: what was shown without a name in place of a target's stayed current for
-- ever once that name led elsewhere, since nobody asks for it then.

-- A name that asks without one beside its own, which the server knows, has a
-- row too; it was never declined, so that left_at is first_at.

pragma user_version = 23;

-- 1: a target without a name has asked there too; what is shown without one is
-- not the names' alone.
alter table declined_names add column is_shared integer not null default 0;

-- Who had asked before, nobody knows.
update declined_names set is_shared = 1;
