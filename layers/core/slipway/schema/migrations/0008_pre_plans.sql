-- migrate:up lock_timeout=5s
-- Plans, entitlements, quotas: which plan a team has, what that allows, how much of it is used.
--
-- Every figure is a row with the time from which it holds; changing one tomorrow leaves yesterday's as it was. A limit is
-- found in this order: the team's own override, its plan, and without either it is unlimited.
--
-- A quota is decided by one statement on one row of quota_usage, whose lock makes parallel requests take turns. Work
-- reserves before it begins and commits what it really used; what is never committed is given back when its lease ends.

-- ── Plans ───────────────────────────────────────────────────────────────────────────────────────────────────────

-- `self_hosted`: offered on installs that run their own, not beside those that are sold. `rank` orders them.
alter table plans add column self_hosted boolean not null default false;
alter table plans add column rank smallint not null default 0;
-- How many teams with this plan one person may own; NULL: any number.
alter table plans add column teams_per_person integer check (teams_per_person > 0);
update plans set self_hosted = true where name = 'unlimited';
insert into plans (name, title, rank) values
  ('free', 'Free', 1), ('starter', 'Starter', 2), ('pro', 'Pro', 3), ('enterprise', 'Enterprise', 4);
-- Each team has free figures of its own: without an end to teams there would be none to those.
update plans set teams_per_person = 3 where name = 'free';

-- `period`: 'day' and 'month' (UTC) are counted and begin again; 'standing' is what there is at this moment; 'each' bounds
-- one thing (a run, a file). `hard`: it stops there; otherwise it is counted on, to be told and billed.
alter table plan_limits add column period text not null default 'each' check (period in ('day', 'month', 'standing', 'each'));
alter table plan_limits add column hard boolean not null default true;
alter table plan_limits add column effective_from timestamptz not null default '2026-01-01T00:00:00Z';
alter table plan_limits add column effective_to timestamptz check (effective_to >= effective_from);
alter table plan_limits drop constraint plan_limits_pkey;
alter table plan_limits add primary key (plan, meter, effective_from) include (effective_to, value, period, hard);
alter table plan_limits alter column period drop default;
update plan_limits set period = 'standing' where meter = 'runs_concurrent';

-- In minor units of the currency. No row: by contract.
create table plan_prices (
  plan           text not null references plans,
  currency       text not null check (currency ~ '^[A-Z]{3}$'),
  interval       text not null check (interval in ('month', 'year')),
  amount         bigint not null check (amount >= 0),
  effective_from timestamptz not null default '2026-01-01T00:00:00Z',
  effective_to   timestamptz check (effective_to >= effective_from),
  primary key (plan, currency, interval, effective_from)
);

-- One row: what this install is. Written by the deploy (`slipway up` on one machine) from the setting SLIPWAY_PLANS, so
-- that no request depends on which function's environment it meets.
create table platform (
  only_row     boolean primary key default true check (only_row),
  default_plan text not null references plans -- of new teams, and what requests without a team are measured by
);
insert into platform (default_plan) values ('unlimited');

-- ── What a team has ─────────────────────────────────────────────────────────────────────────────────────────────

-- The history. The plan of a moment is the latest row that holds then: one with an end lies over the one below it.
create table team_plans (
  team_id        uuid not null references teams on delete cascade,
  effective_from timestamptz not null,
  effective_to   timestamptz check (effective_to >= effective_from),
  plan           text not null references plans,
  set_by         uuid, -- NULL: the platform, or a command on the machine
  reason         text not null,
  primary key (team_id, effective_from) include (effective_to, plan)
);

-- Another figure than the plan's, for one team; value NULL is unlimited.
create table team_overrides (
  team_id        uuid not null references teams on delete cascade,
  meter          text not null,
  effective_from timestamptz not null,
  effective_to   timestamptz check (effective_to >= effective_from),
  value          bigint check (value >= 0),
  set_by         uuid,
  reason         text not null,
  primary key (team_id, meter, effective_from) include (effective_to, value)
);

-- ── What a team uses ────────────────────────────────────────────────────────────────────────────────────────────

-- `reserved` is the sum of the held reservations. Standing meters have the one period that began in 1970.
create table quota_usage (
  team_id      uuid not null references teams on delete cascade,
  meter        text not null,
  period_start date not null,
  used         bigint not null default 0 check (used >= 0),
  reserved     bigint not null default 0 check (reserved >= 0),
  primary key (team_id, meter, period_start)
) with (fillfactor = 50);

-- `source` names the work (a run's id): the same one is reserved, committed and given back once.
create table quota_reservations (
  team_id      uuid not null references teams on delete cascade,
  source       text not null,
  meter        text not null,
  period_start date not null,
  amount       bigint not null check (amount >= 0),
  hard         boolean not null, -- then no more than `amount` is committed
  state        text not null default 'held' check (state in ('held', 'committed', 'released', 'expired')),
  expires_at   timestamptz not null,
  settled_at   timestamptz check ((settled_at is null) = (state = 'held')),
  primary key (team_id, source, meter)
);
create index quota_reservations_held on quota_reservations (team_id, expires_at) where state = 'held';
create index quota_reservations_overdue on quota_reservations (expires_at) where state = 'held';
create index quota_reservations_settled on quota_reservations (settled_at) where state <> 'held';

do $$
declare
  name text;
begin
  foreach name in array array['team_plans', 'team_overrides', 'quota_usage', 'quota_reservations'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy tenant on %I to slipway_app using (team_id = any ((select app.teams())::uuid[]))', name);
    execute format('create policy door on %I to slipway_door using (true)', name);
  end loop;
  -- A guest's runs and files count for the team.
  foreach name in array array['quota_usage', 'quota_reservations'] loop
    execute format('create policy guest on %I to slipway_app using (team_id in (select w.team_id from workspaces w
      where w.id = any ((select app.workspaces())::uuid[])))', name);
  end loop;
end $$;

grant select on plan_prices to slipway_app, slipway_reader;
grant select on platform to slipway_app, slipway_reader;
grant select on team_plans, team_overrides to slipway_app; -- written through doors only
grant select, insert, update on quota_usage, quota_reservations to slipway_app;
grant select on plans, plan_limits, platform to slipway_door;
grant select, insert, update on team_plans, team_overrides to slipway_door;
grant select, insert, update, delete on quota_usage, quota_reservations to slipway_door;
grant update (operator) on users to slipway_door;

-- ── Limits ──────────────────────────────────────────────────────────────────────────────────────────────────────
-- plpgsql, because a connection keeps its plans: an SQL function that cannot be inlined is planned anew in every query.

create or replace function app.default_plan() returns text language plpgsql stable as $$
begin
  return (select p.default_plan from public.platform p);
end $$;

-- The team's plan at this moment; NULL when there is no such team. Asked at every request: one index-only look.
create or replace function app.plan_of(p_team uuid) returns text
language plpgsql stable security definer set search_path = pg_catalog, public as $$
begin
  return coalesce(
    (select h.plan from team_plans h
      where h.team_id = p_team and h.effective_from <= now() and (h.effective_to is null or h.effective_to > now())
      order by h.effective_from desc limit 1),
    -- Made by the previous release while this one is deployed.
    (select t.plan from teams t where t.id = p_team));
end $$;

-- The limits of these meters, or of all that the plan names. `until`: when an override ends.
create function app.limits_of(p_team uuid, p_meters text[])
  returns table (meter text, value bigint, period text, hard boolean, source text, until timestamptz)
language plpgsql stable security definer rows 10 set search_path = pg_catalog, public as $$
declare
  own constant text := app.plan_of(p_team);
begin
  return query
  select m.name, case when o.found then o.value else l.value end, coalesce(l.period, 'standing'), coalesce(l.hard, true),
         case when o.found then 'override' else 'plan' end, o.effective_to
    from unnest(coalesce(p_meters, array(select distinct n.meter from plan_limits n where n.plan = own))) as m (name)
    left join lateral (
      select x.value, x.period, x.hard from plan_limits x
       where x.plan = own and x.meter = m.name and x.effective_from <= now() and (x.effective_to is null or x.effective_to > now())
       order by x.effective_from desc limit 1) l on true
    left join lateral (
      select true as found, x.value, x.effective_to from team_overrides x
       where x.team_id = p_team and x.meter = m.name and x.effective_from <= now()
         and (x.effective_to is null or x.effective_to > now())
       order by x.effective_from desc limit 1) o on true;
end $$;

-- One of them: override, else plan, else unlimited.
create function app.limit_of(p_team uuid, p_meter text, out value bigint, out period text, out hard boolean)
language plpgsql stable set search_path = pg_catalog, public as $$
begin
  select l.value, l.period, l.hard into value, period, hard from app.limits_of(p_team, array[p_meter]) l;
end $$;

-- A period begins and ends at midnight UTC. A standing meter has the one period that began in 1970 and never ends.
create function app.period_start(p_period text) returns date language sql stable parallel safe
  return case p_period when 'day' then (now() at time zone 'UTC')::date
                       when 'month' then date_trunc('month', now() at time zone 'UTC')::date
                       else date '1970-01-01' end;

create function app.period_end(p_period text) returns timestamptz language sql stable parallel safe
  return case p_period when 'day' then (date_trunc('day', now() at time zone 'UTC') + interval '1 day') at time zone 'UTC'
                       when 'month' then (date_trunc('month', now() at time zone 'UTC') + interval '1 month') at time zone 'UTC'
                       end;

-- ── Quotas ──────────────────────────────────────────────────────────────────────────────────────────────────────
-- Those that take return nothing, or one row: the meter that is used up, of which the caller tells the client. What was
-- taken of other meters before is undone with the transaction.

-- What was reserved and not committed in time becomes free again. Usage rows are locked in the order in which app.reserve
-- takes them, its own meters included, or two transactions could wait for each other.
create function app.give_back(p_team uuid, p_meters text[]) returns integer
language plpgsql set search_path = pg_catalog, public as $$
declare
  gone record;
  given integer := 0;
begin
  if not exists (select from quota_reservations r
                  where r.team_id = p_team and r.state = 'held' and r.expires_at <= clock_timestamp()) then return 0; end if;
  perform from quota_usage u
    where u.team_id = p_team and (u.meter = any (p_meters) or exists (
            select from quota_reservations r where r.team_id = p_team and r.meter = u.meter
               and r.period_start = u.period_start and r.state = 'held' and r.expires_at <= clock_timestamp()))
    order by u.meter, u.period_start for update;
  for gone in
    with over as (
      select r.source, r.meter from quota_reservations r
       where r.team_id = p_team and r.state = 'held' and r.expires_at <= clock_timestamp() for update skip locked
    ), expired as (
      update quota_reservations r set state = 'expired', settled_at = clock_timestamp() from over o
       where r.team_id = p_team and r.source = o.source and r.meter = o.meter
      returning r.meter, r.period_start, r.amount
    )
    select e.meter, e.period_start, sum(e.amount)::bigint as amount, count(*)::integer as n from expired e
     group by 1, 2 order by 1, 2
  loop
    update quota_usage u set reserved = u.reserved - gone.amount
     where u.team_id = p_team and u.meter = gone.meter and u.period_start = gone.period_start;
    given := given + gone.n;
  end loop;
  return given;
end $$;

-- Hold these amounts for a piece of work, in one go. The same source again changes nothing.
create function app.reserve(p_team uuid, p_source text, p_meters text[], p_amounts bigint[], p_seconds integer)
  returns table (meter text, value bigint, used bigint, amount bigint, period text, resets_at timestamptz)
language plpgsql rows 1 set search_path = pg_catalog, public as $$
#variable_conflict use_column
declare
  w record;
begin
  perform app.give_back(p_team, p_meters);
  for w in select l.*, a.amount, app.period_start(l.period) as begins from unnest(p_meters, p_amounts) as a (meter, amount)
             join app.limits_of(p_team, p_meters) l on l.meter = a.meter order by l.meter loop
    insert into quota_reservations (team_id, source, meter, period_start, amount, hard, expires_at)
    values (p_team, p_source, w.meter, w.begins, w.amount, w.hard, clock_timestamp() + make_interval(secs => p_seconds))
    on conflict do nothing;
    continue when not found;
    insert into quota_usage as u (team_id, meter, period_start, reserved)
    select p_team, w.meter, w.begins, w.amount where w.value is null or not w.hard or w.amount <= w.value
    on conflict (team_id, meter, period_start) do update set reserved = u.reserved + w.amount
       where w.value is null or not w.hard or u.used + u.reserved + w.amount <= w.value;
    if not found then
      return query select w.meter, w.value, coalesce(max(u.used + u.reserved), 0), w.amount, w.period, app.period_end(w.period)
        from quota_usage u where u.team_id = p_team and u.meter = w.meter and u.period_start = w.begins;
      return;
    end if;
  end loop;
end $$;

-- The work has ended: count what it used of each meter, give back the rest; a meter that is not named used nothing. Counts
-- in the period that it was reserved in. Late, after its lease, it still counts, as far as a hard limit has room.
create function app.settle(p_team uuid, p_source text, p_meters text[], p_actual bigint[]) returns void
language plpgsql set search_path = pg_catalog, public as $$
declare
  r record;
  room bigint;
begin
  for r in select q.meter, q.period_start, q.amount, q.state, q.hard,
                  case when q.hard then least(coalesce(a.actual, 0), q.amount) else coalesce(a.actual, 0) end as actual
             from quota_reservations q left join unnest(p_meters, p_actual) as a (meter, actual) on a.meter = q.meter
            where q.team_id = p_team and q.source = p_source and q.state in ('held', 'expired')
            order by q.meter for update of q loop
    if r.state = 'expired' and r.hard then
      perform from quota_usage u where u.team_id = p_team and u.meter = r.meter and u.period_start = r.period_start for update;
      select greatest(0, l.value - u.used - u.reserved) into room from quota_usage u, app.limit_of(p_team, r.meter) l
       where u.team_id = p_team and u.meter = r.meter and u.period_start = r.period_start;
      r.actual := least(r.actual, coalesce(room, r.actual));
    end if;
    update quota_reservations q
       set state = case when r.actual = 0 then 'released' else 'committed' end, settled_at = clock_timestamp()
     where q.team_id = p_team and q.source = p_source and q.meter = r.meter;
    update quota_usage u set used = u.used + r.actual, reserved = u.reserved - case r.state when 'held' then r.amount else 0 end
     where u.team_id = p_team and u.meter = r.meter and u.period_start = r.period_start;
  end loop;
end $$;

-- Count an amount at once; a negative one gives back, and never more than there is.
create function app.count_quota(p_team uuid, p_meter text, p_amount bigint)
  returns table (meter text, value bigint, used bigint, amount bigint, period text, resets_at timestamptz)
language plpgsql rows 1 set search_path = pg_catalog, public as $$
#variable_conflict use_column
declare
  l record;
begin
  select * into l from app.limit_of(p_team, p_meter);
  if p_amount < 0 then
    update quota_usage u set used = greatest(0, u.used + p_amount)
     where u.team_id = p_team and u.meter = p_meter and u.period_start = app.period_start(l.period);
    return;
  end if;
  insert into quota_usage as u (team_id, meter, period_start, used)
  select p_team, p_meter, app.period_start(l.period), p_amount where l.value is null or not l.hard or p_amount <= l.value
  on conflict (team_id, meter, period_start) do update set used = u.used + p_amount
     where l.value is null or not l.hard or u.used + u.reserved + p_amount <= l.value;
  if not found then
    return query select p_meter, l.value, coalesce(max(u.used + u.reserved), 0), p_amount, l.period, app.period_end(l.period)
      from quota_usage u where u.team_id = p_team and u.meter = p_meter and u.period_start = app.period_start(l.period);
  end if;
end $$;

-- ── Standing meters whose rows are the count ────────────────────────────────────────────────────────────────────
-- Triggers, because rows also go by cascade (with a workspace, with a user), which no function of ours sees. Whoever
-- inserted asks afterwards whether it was one too many: the counter's lock makes parallel inserts take turns.

create function app.count_projects() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if tg_op = 'INSERT' then
    insert into quota_usage as u (team_id, meter, period_start, used)
    select c.team_id, 'projects', date '1970-01-01', count(*) from changed c group by 1 order by 1
    on conflict (team_id, meter, period_start) do update set used = u.used + excluded.used;
  else
    update quota_usage u set used = greatest(0, u.used - c.n)
      from (select g.team_id, count(*) as n from changed g group by 1) c
     where u.team_id = c.team_id and u.meter = 'projects' and u.period_start = date '1970-01-01';
  end if;
  return null;
end $$;
create trigger count_made after insert on projects referencing new table as changed
  for each statement execute function app.count_projects();
create trigger count_gone after delete on projects referencing old table as changed
  for each statement execute function app.count_projects();

-- A seat is a person, in however many workspaces they are a guest.
create function app.count_seats() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  team constant uuid := case when tg_op = 'DELETE' then old.team_id else new.team_id end;
begin
  if tg_op = 'INSERT' then
    insert into quota_usage as u (team_id, meter, period_start) values (team, 'seats', date '1970-01-01')
    on conflict (team_id, meter, period_start) do nothing;
  end if;
  -- The lock first: the count must see what others committed while this waited for it.
  perform from quota_usage u where u.team_id = team and u.meter = 'seats' and u.period_start = date '1970-01-01' for update;
  update quota_usage u
     set used = (select count(*) from (select m.user_id from team_members m where m.team_id = team
                                       union select g.user_id from workspace_members g where g.team_id = team) people)
   where u.team_id = team and u.meter = 'seats' and u.period_start = date '1970-01-01';
  return null;
end $$;
create trigger count_seats after insert or delete on team_members for each row execute function app.count_seats();
create trigger count_seats after insert or delete on workspace_members for each row execute function app.count_seats();

-- Keys that are neither revoked nor, when another one is made or revoked, expired.
create function app.count_api_keys() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  team constant uuid := case when tg_op = 'DELETE' then old.team_id else new.team_id end;
begin
  if tg_op = 'INSERT' then
    insert into quota_usage as u (team_id, meter, period_start) values (team, 'api_keys', date '1970-01-01')
    on conflict (team_id, meter, period_start) do nothing;
  end if;
  perform from quota_usage u where u.team_id = team and u.meter = 'api_keys' and u.period_start = date '1970-01-01' for update;
  update quota_usage u
     set used = (select count(*) from api_keys k where k.team_id = team and k.revoked_at is null
                    and (k.expires_at is null or k.expires_at > now()))
   where u.team_id = team and u.meter = 'api_keys' and u.period_start = date '1970-01-01';
  return null;
end $$;
create trigger count_api_keys after insert or delete or update of revoked_at on api_keys
  for each row execute function app.count_api_keys();

-- Nothing, or the meter if there is more of it than the team may have.
create function app.over_quota(p_team uuid, p_meter text)
  returns table (meter text, value bigint, used bigint, amount bigint, period text, resets_at timestamptz)
language sql stable rows 1 set search_path = pg_catalog, public
  begin atomic
    select u.meter, l.value, u.used - 1, 1::bigint, l.period, null::timestamptz
      from public.quota_usage u, app.limit_of(p_team, p_meter) l
     where u.team_id = p_team and u.meter = p_meter and u.period_start = date '1970-01-01' and l.hard and u.used > l.value;
  end;

-- ── Doors ───────────────────────────────────────────────────────────────────────────────────────────────────────

-- The caller's first or next team, on the plan that this install gives.
create or replace function app.create_team(p_id uuid, p_name text) returns void
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  own constant text := app.default_plan();
  allowed constant bigint := (select p.teams_per_person from plans p where p.name = own);
  used bigint;
begin
  if allowed is not null then
    perform from users u where u.id = app.user_id() for no key update; -- two at once are counted one after the other
    used := (select count(*) from team_members m
              where m.user_id = app.user_id() and m.role = 'owner'
                -- One that was made while this one waited has no plan yet at the moment at which this one began.
                and coalesce(app.plan_of(m.team_id), own) = own);
    if used >= allowed then
      raise exception using errcode = 'SL402', message = 'too many teams',
        detail = json_build_object('plan', own, 'allowed', allowed, 'used', used)::text;
    end if;
  end if;
  insert into teams (id, name) values (p_id, p_name);
  insert into team_plans (team_id, effective_from, plan, set_by, reason)
  values (p_id, now(), app.default_plan(), app.user_id(), 'the team was created');
  insert into team_members (team_id, user_id, role) values (p_id, app.user_id(), 'owner');
  perform set_config('app.team_ids', (app.teams() || p_id)::text, true);
end $$;

-- From then on the team has that plan. False: no such team or plan. For the commands on the machine and the deploy.
create function app.set_plan(p_team uuid, p_plan text, p_from timestamptz, p_reason text, p_by uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  begins constant timestamptz := greatest(p_from, now());
begin
  if not exists (select from teams t where t.id = p_team) or not exists (select from plans p where p.name = p_plan) then
    return false;
  end if;
  update team_plans h set effective_to = begins
   where h.team_id = p_team and h.effective_from < begins and (h.effective_to is null or h.effective_to > begins);
  insert into team_plans as h (team_id, effective_from, plan, set_by, reason) values (p_team, begins, p_plan, p_by, p_reason)
  on conflict (team_id, effective_from) do update
     set plan = excluded.plan, set_by = excluded.set_by, reason = excluded.reason, effective_to = null;
  return true;
end $$;

-- False: no such team, or no plan knows the meter.
create function app.set_limit(p_team uuid, p_meter text, p_value bigint, p_until timestamptz, p_reason text, p_by uuid)
  returns boolean language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if not exists (select from teams t where t.id = p_team) or not exists (select from plan_limits l where l.meter = p_meter) then
    return false;
  end if;
  perform app.clear_limit(p_team, p_meter);
  insert into team_overrides as o (team_id, meter, effective_from, effective_to, value, set_by, reason)
  values (p_team, p_meter, now(), p_until, p_value, p_by, p_reason)
  on conflict (team_id, meter, effective_from) do update
     set effective_to = excluded.effective_to, value = excluded.value, set_by = excluded.set_by, reason = excluded.reason;
  return true;
end $$;

create function app.clear_limit(p_team uuid, p_meter text) returns void
language sql security definer set search_path = pg_catalog, public as $$
  update team_overrides o set effective_to = now()
   where o.team_id = p_team and o.meter = p_meter and o.effective_from <= now()
     and (o.effective_to is null or o.effective_to > now())
$$;

-- False: nobody has this address.
create function app.set_operator(p_email text, p_operator boolean) returns boolean
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  update users u set operator = p_operator where u.email = lower(p_email);
  return found;
end $$;

create function app.operators() returns table (id uuid, email text, name text)
language sql security definer set search_path = pg_catalog, public as $$
  select u.id, u.email, u.name from users u where u.operator order by u.email
$$;

-- Operators in a request. Each asks again who it is, after the route has.

create function app.require_operator() returns void language plpgsql stable as $$
begin
  if not app.is_operator() then
    raise insufficient_privilege using message = 'This is for operators.';
  end if;
end $$;

-- From here on the transaction sees one team as its members do. False: there is none.
create function app.operate(p_team uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  perform app.require_operator();
  if not exists (select from teams t where t.id = p_team) then return false; end if;
  perform set_config('app.team_ids', array[p_team]::text, true);
  return true;
end $$;

create function app.operator_set_plan(p_team uuid, p_plan text, p_from timestamptz, p_reason text) returns boolean
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  perform app.require_operator();
  return app.set_plan(p_team, p_plan, p_from, p_reason, app.user_id());
end $$;

create function app.operator_set_limit(p_team uuid, p_meter text, p_value bigint, p_until timestamptz, p_reason text)
  returns boolean language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  perform app.require_operator();
  return app.set_limit(p_team, p_meter, p_value, p_until, p_reason, app.user_id());
end $$;

create function app.operator_clear_limit(p_team uuid, p_meter text) returns void
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  perform app.require_operator();
  perform app.clear_limit(p_team, p_meter);
end $$;

-- By id, or by a part of the team's name or of an owner's address, newest first.
create function app.operator_teams(p_id uuid, p_text text, p_before uuid, p_limit integer)
  returns table (id uuid, name text, plan text, created_at timestamptz, members bigint, owners text[])
language plpgsql security definer set search_path = pg_catalog, public as $$
#variable_conflict use_column
begin
  perform app.require_operator();
  return query
  select t.id, t.name, app.plan_of(t.id), t.created_at,
         (select count(*) from team_members m where m.team_id = t.id),
         array(select u.email from team_members m join users u on u.id = m.user_id
                where m.team_id = t.id and m.role = 'owner' order by u.email)
    from teams t
   where t.id < p_before
     and (t.id = p_id or (p_id is null and (strpos(lower(t.name), lower(p_text)) > 0 or exists (
            select from team_members m join users u on u.id = m.user_id
             where m.team_id = t.id and m.role = 'owner' and strpos(u.email, lower(p_text)) > 0))))
   order by t.id desc limit p_limit;
end $$;

-- Every minute: reservations whose work died, of all teams.
create function app.give_back_overdue(p_limit integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  team uuid;
  given integer := 0;
begin
  for team in select distinct r.team_id from (select q.team_id from quota_reservations q
                where q.state = 'held' and q.expires_at <= now() order by q.expires_at limit p_limit) r order by 1 loop
    given := given + app.give_back(team, '{}');
  end loop;
  return given;
end $$;

-- Every hour: a settled reservation is remembered for two days, a period's use for thirteen months.
create function app.expire_quotas() returns void
language sql security definer set search_path = pg_catalog, public as $$
  delete from quota_reservations where state <> 'held' and settled_at < now() - interval '2 days';
  delete from quota_usage u where u.period_start < (now() - interval '13 months')::date and u.period_start > date '1970-01-01'
     and u.reserved = 0;
$$;

grant create on schema app to slipway_door;
do $$
declare
  name text;
begin
  foreach name in array array['limits_of(uuid, text[])', 'count_projects()', 'count_seats()', 'count_api_keys()',
      'set_plan(uuid, text, timestamptz, text, uuid)', 'set_limit(uuid, text, bigint, timestamptz, text, uuid)',
      'clear_limit(uuid, text)', 'set_operator(text, boolean)', 'operators()', 'require_operator()', 'operate(uuid)',
      'operator_set_plan(uuid, text, timestamptz, text)', 'operator_set_limit(uuid, text, bigint, timestamptz, text)',
      'operator_clear_limit(uuid, text)', 'operator_teams(uuid, text, uuid, integer)', 'give_back_overdue(integer)',
      'expire_quotas()'] loop
    execute format('alter function app.%s owner to slipway_door', name);
  end loop;
end $$;
revoke create on schema app from slipway_door;
revoke execute on all functions in schema app from public;
grant execute on function app.plan_of(uuid), app.limits_of(uuid, text[]), app.limit_of(uuid, text), app.period_start(text),
  app.period_end(text), app.give_back(uuid, text[]), app.reserve(uuid, text, text[], bigint[], integer),
  app.settle(uuid, text, text[], bigint[]), app.count_quota(uuid, text, bigint), app.over_quota(uuid, text),
  app.operate(uuid), app.operator_set_plan(uuid, text, timestamptz, text),
  app.operator_set_limit(uuid, text, bigint, timestamptz, text), app.operator_clear_limit(uuid, text),
  app.operator_teams(uuid, text, uuid, integer), app.give_back_overdue(integer), app.expire_quotas() to slipway_app;
grant execute on function app.give_back(uuid, text[]) to slipway_door;
-- The commands on the machine and the deploy, which connect as the owner.
grant execute on function app.set_plan(uuid, text, timestamptz, text, uuid), app.clear_limit(uuid, text),
  app.set_limit(uuid, text, bigint, timestamptz, text, uuid), app.set_operator(text, boolean), app.operators() to slipway_owner;

-- ── What there is already ───────────────────────────────────────────────────────────────────────────────────────
-- Row-level security binds the owner too, hence the door's eyes, which see contents for this one statement.

grant select on blobs to slipway_door;
create policy backfill on blobs for select to slipway_door using (true);
set local role slipway_door;
insert into team_plans (team_id, effective_from, plan, reason) select t.id, t.created_at, t.plan, 'before plans had a history' from teams t;
insert into quota_usage (team_id, meter, period_start, used)
  select team_id, 'projects', date '1970-01-01', count(*) from projects group by 1
  union all select team_id, 'storage_bytes', date '1970-01-01', sum(size)::bigint from blobs group by 1
  union all select team_id, 'api_keys', date '1970-01-01', count(*) from api_keys where revoked_at is null group by 1
  union all select team_id, 'seats', date '1970-01-01', count(*)
    from (select team_id, user_id from team_members union select team_id, user_id from workspace_members) people group by 1;
insert into quota_usage (team_id, meter, period_start, reserved)
  select team_id, 'runs_concurrent', date '1970-01-01', count(*) from runs where finished_at is null group by 1;
insert into quota_reservations (team_id, source, meter, period_start, amount, hard, expires_at)
  select team_id, id::text, 'runs_concurrent', date '1970-01-01', 1, true, now() + interval '1 day' from runs
   where finished_at is null;
reset role;
drop policy backfill on blobs;
revoke select on blobs from slipway_door;

-- ── Figures ─────────────────────────────────────────────────────────────────────────────────────────────────────
-- To change one: give the old row an effective_to, insert the new one with the same moment as effective_from.

insert into plan_prices (plan, currency, interval, amount) values
  ('free', 'USD', 'month', 0), ('starter', 'USD', 'month', 4900), ('pro', 'USD', 'month', 14900);

insert into plan_limits (plan, meter, period, hard, value)
  select p.plan, m.meter, m.period, m.hard or p.plan = 'free', -- who pays is told and billed, not stopped
         case p.plan when 'free' then m.free when 'starter' then m.starter when 'pro' then m.pro end
    from (values ('free'), ('starter'), ('pro'), ('enterprise'), ('unlimited')) as p (plan),
  (values
    -- A class of thirty that tries every few minutes stays far below a day's figure; a loop that went wrong does not.
    ('runs_per_day',    'day',      true,        200,        2000,        20000),
    -- 10, 100 and 500 hours of a worker: what a run costs most.
    ('run_seconds',     'month',    false,     36000,      360000,      1800000),
    ('agent_minutes',   'month',    false,     10000,       50000,       250000),
    -- Free is enough to try it; a developer's month of daily use is some five million.
    ('ai_tokens',       'month',    false,    200000,     5000000,     25000000),
    ('preview_minutes', 'month',    false,      1000,       10000,        50000),
    -- Contents are kept once per team, with every version: 1, 20 and 200 GiB.
    ('storage_bytes',   'standing', true, 1073741824, 21474836480, 214748364800),
    ('seats',           'standing', true,          3,          10,           50),
    ('projects',        'standing', true,         10,         100,         1000),
    ('api_keys',        'standing', true,          5,          25,          100)
  ) as m (meter, period, hard, free, starter, pro);

-- Slots of the worker fleet at one moment: even a contract has an end of it. A run's own bounds are the worker's, which has
-- one size; only its time is sold.
insert into plan_limits (plan, meter, period, value)
  select p.plan, m.meter, m.period,
         case p.plan when 'free' then m.free when 'starter' then m.starter when 'pro' then m.pro else m.enterprise end
    from (values ('free'), ('starter'), ('pro'), ('enterprise')) as p (plan),
  (values
    ('runs_concurrent',  'standing',         2,         5,        20,       100),
    ('run_wall_seconds', 'each',            60,       300,       600,       600),
    ('run_cpu_seconds',  'each',            60,       300,       300,       300),
    ('run_memory_bytes', 'each',     536870912, 536870912, 536870912, 536870912),
    ('run_processes',    'each',            64,        64,        64,        64),
    ('run_open_files',   'each',           256,       256,       256,       256),
    ('run_disk_bytes',   'each',     268435456, 268435456, 268435456, 268435456),
    ('run_output_bytes', 'each',       1048576,  10485760,  10485760,  10485760),
    ('file_bytes',       'each',       4194304,   4194304,   4194304,   4194304), -- what one request can carry
    ('project_files',    'each',          1000,     10000,     10000,     10000)
  ) as m (meter, period, free, starter, pro, enterprise);

-- Requests: `burst` at once, then so many a minute. An editor saves and reads in bursts, hence the generous reads; a team's
-- figure stops fifty members from being fifty times one. `login` counts by address, before there is anybody: a class behind
-- one router logs in within a minute, and guessing passwords stays slow.
insert into plan_rates (plan, subject, class, burst, per_minute)
  select p.plan, m.subject, m.class, m.burst * p.factor, m.per_minute * p.factor
    from (values ('free', 1), ('starter', 2), ('pro', 5), ('enterprise', 20)) as p (plan, factor),
  (values
    ('user', 'read',    120,  600), ('key', 'read',    60,  300), ('team', 'read',    600, 3000),
    ('user', 'write',    60,  120), ('key', 'write',   30,   60), ('team', 'write',   300,  600),
    ('user', 'message',  60,  300), ('key', 'message', 30,  150), ('team', 'message', 600, 3000),
    ('user', 'run',       5,   20), ('key', 'run',      5,   20), ('team', 'run',      10,   40),
    -- Each may send a letter to somebody who did not ask for it.
    ('user', 'invite',   10,    1), ('key', 'invite',   10,    1), ('team', 'invite',   20,    2)
  ) as m (subject, class, burst, per_minute)
  -- Asked of somebody who is logged in: no plan makes guessing faster.
  union all select p.plan, 'user', 'password', 20, 5 from (values ('free'), ('starter'), ('pro'), ('enterprise')) as p (plan)
  union all select p.plan, 'address', 'login', 30, 30 from (values ('free'), ('starter'), ('pro'), ('enterprise')) as p (plan);
