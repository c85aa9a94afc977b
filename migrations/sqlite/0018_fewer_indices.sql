-- Why: every host that is new to the inventory was entered into two indices
-- that say nothing that others do not.

pragma user_version = 18;

-- Zones are few: SQLite skips from one to the next in the key of endpoints,
-- which goes on with the address and the port.
drop index endpoints_by_address;

-- A question has a handful of intervals, and installations_by_question finds
-- them all.
drop index installations_watched;

delete from sqlite_stat1 where idx in ('endpoints_by_address', 'installations_watched');
