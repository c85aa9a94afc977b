-- Why: what the inventory says of earlier days must not depend on what was
-- asked, pruned or resumed since.

pragma user_version = 14;

-- One row, once anything was pruned.
create table pruned (
    id               integer primary key check (id = 1),
    before           integer not null, -- what had ended by then is not kept
    installation_id  integer not null  -- no later interval has its number
);

-- Pruning took the intervals of places that others had moved from, and left
-- their questions, at which no answer could be stored any more.
update installations set moved_from = null
 where not exists (select 1 from installations there
                    where there.question_id = installations.moved_from);
delete from failures
 where not exists (select 1 from installations i where i.question_id = failures.question_id);
delete from looks
 where not exists (select 1 from installations i where i.question_id = looks.question_id);
delete from questions
 where not exists (select 1 from installations i where i.question_id = questions.id);

-- A scan that is gone on with keeps its number, and others may have run in
-- between: in which order scans last began to run, and when, if not at first.
alter table scans add column run        integer;
alter table scans add column resumed_at integer;
update scans set run = id;

-- The latest scan that a target led here by the name asked for, whether or not
-- it came to ask. Of earlier scans it is known where the name was a target and
-- the address was looked at for it.
alter table looks rename column tried_scan to led_scan;
update looks set led_scan = (
    select t.scan_id
      from questions q
      join endpoints e     on e.id = q.endpoint_id
      join name_coverage t on t.zone = e.zone and t.name = q.server_name and t.port = e.port
     where q.id = looks.question_id
       and t.scan_id in (looks.scan_id, looks.led_scan));

-- Versions that a look had offered in vain before the one that brought the
-- answer, with a space between. Null: not written down then.
alter table looks         add column declined text;
alter table installations add column declined text;

-- An endpoint, with all that it is known to accept: versions of its latest
-- answers, unless a later survey saw them refused, and those that surveys saw
-- accepted. An answer that is missing or gone counts only where none is
-- current: what is said of an endpoint then is the last that was known.
drop view endpoint_rows;
create view endpoint_rows as
select
    e.*,
    (select json_group_array(version)
       from (select their.tls_version as version
               from questions q
               join looks their on their.question_id = q.id
               join installations answer
                 on answer.question_id = q.id and answer.last_seen is null
              where q.endpoint_id = e.id
                and (answer.state = 'current' or not exists (
                    select 1
                      from questions other
                      join installations present
                        on present.question_id = other.id and present.last_seen is null
                     where other.endpoint_id = e.id and present.state = 'current'))
                and not exists (
                    select 1 from surveys later
                     where later.endpoint_id = e.id
                       and later.asked = their.tls_version
                       and later.answer = 'refused'
                       and (later.scan_id > their.answered_scan
                            or (later.scan_id = their.answered_scan
                                and later.at > their.answered_at)))
              union
             select s.asked
               from surveys s
              where s.endpoint_id = e.id and s.answer = 'accepted'
              order by version)) as protocols,
    (select json_group_array(version)
       from (select s.asked as version
               from surveys s
              where s.endpoint_id = e.id
                and s.answer = 'refused'
                and s.asked <> 'hybrid-group'
                and not exists (
                    select 1
                      from questions q
                      join looks their on their.question_id = q.id
                     where q.endpoint_id = e.id
                       and their.tls_version = s.asked
                       and (their.answered_scan > s.scan_id
                            or (their.answered_scan = s.scan_id
                                and their.answered_at >= s.at)))
              order by s.asked)) as protocols_refused,
    (select s.answer from surveys s
      where s.endpoint_id = e.id and s.asked = 'hybrid-group') as hybrid_group
from endpoints e;
