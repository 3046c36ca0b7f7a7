-- migrate:up lock_timeout=5s
-- When no function of the previous release runs any more: a team's plan is its history's, slots are reservations.

set local role slipway_door;
insert into team_plans (team_id, effective_from, plan, reason)
  select t.id, t.created_at, t.plan, 'created while plans got a history' from teams t
   where not exists (select from team_plans h where h.team_id = t.id);
reset role;

create or replace function app.plan_of(p_team uuid) returns text
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  return (select h.plan from team_plans h
           where h.team_id = p_team and h.effective_from <= now() and (h.effective_to is null or h.effective_to > now())
           order by h.effective_from desc limit 1);
end $$;

alter table teams drop column plan;
drop table quotas;

-- The functions that knew one partitioned table; the second one let the application drop any month of it.
drop function app.make_partitions(integer);
drop function app.drop_partitions(integer);
