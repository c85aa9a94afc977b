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
