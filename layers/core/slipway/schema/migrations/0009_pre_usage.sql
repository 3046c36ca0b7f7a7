-- migrate:up lock_timeout=5s
-- Metering: an append-only ledger of what was used, its sums by hour and by day, and who was told about a limit.
--
-- The ledger is the truth. app.add_lines adds to the sums in the statement that inserts, and only what was new: telling the
-- same event twice, at once or a month apart, is once. Whoever doubts a sum makes it again from the ledger
-- (app.replay_usage), and who disputes a bill reads the ledger's lines.

-- ── Partitions: one pair of functions for every table that is cut by month ──────────────────────────────────────
-- A partitioned table `x` has a default partition `x_rest`, and months `x_202611` that begin at midnight UTC. How long a
-- month is kept stands here and not in an argument, because the application's role calls these functions: it could
-- otherwise drop the ledger that it may not delete from. NULL: kept as long as what it belongs to.

create function app.kept_months(p_table text) returns integer language sql immutable
  return case p_table when 'room_events' then 3 when 'usage_hours' then 4 when 'usage_events' then 25 end;

create function app.make_partitions(p_table text, p_ahead integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public set timezone = 'UTC' set lock_timeout = '5s' as $$
declare
  first timestamptz := date_trunc('month', now());
  month timestamptz;
  made integer := 0;
begin
  if to_regclass(format('public.%I', p_table || '_rest')) is null then
    raise exception 'table % is not cut by month', p_table;
  end if;
  for i in 0 .. least(p_ahead, 24) loop
    month := first + make_interval(months => i);
    continue when to_regclass(format('public.%I', p_table || to_char(month, '_YYYYMM'))) is not null;
    begin
      execute format('create table public.%I partition of public.%I for values from (%L) to (%L)',
        p_table || to_char(month, '_YYYYMM'), p_table, month, month + interval '1 month');
      made := made + 1;
    exception when check_violation or invalid_object_definition then
      -- Nobody called for months, and rows of this one are in the rest: they stay there. Or the month before was made by
      -- 0001 in a server's own time zone and reaches into this one: then the rest has it.
      null;
    end;
  end loop;
  return made;
end $$;

-- Months that ended longer ago than the table's are kept, whole, and what lies in the rest from before them.
create function app.drop_partitions(p_table text) returns integer
language plpgsql security definer set search_path = pg_catalog, public set timezone = 'UTC' set lock_timeout = '5s' as $$
declare
  oldest timestamptz := date_trunc('month', now()) - make_interval(months => app.kept_months(p_table));
  name text;
  dropped integer := 0;
begin
  if oldest is null then
    return 0;
  end if;
  for name in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
               where i.inhparent = format('public.%I', p_table)::regclass and c.relname ~ ('^' || p_table || '_[0-9]{6}$') loop
    if name < p_table || to_char(oldest, '_YYYYMM') then
      execute format('drop table public.%I', name);
      dropped := dropped + 1;
    end if;
  end loop;
  execute (select format('delete from public.%I where %I < %L', p_table || '_rest', a.attname, oldest)
             from pg_partitioned_table t join pg_attribute a on a.attrelid = t.partrelid and a.attnum = t.partattrs[0]
            where t.partrelid = format('public.%I', p_table)::regclass);
  return dropped;
end $$;

-- ── The ledger and its sums ─────────────────────────────────────────────────────────────────────────────────────

create table usage_events (
  team_id     uuid not null references teams on delete cascade,
  meter       text collate "C" not null check (meter ~ '^[a-z][a-z_]{0,39}$'),
  source      text collate "C" not null check (length(source) between 1 and 200),
  at          timestamptz not null, -- the source event's own time: the same event told again has the same
  quantity    bigint not null check (quantity > 0),
  user_id     uuid, -- these two go on to name who and what is no longer there
  project_id  uuid,
  recorded_at timestamptz not null default now(),
  primary key (team_id, meter, source, at)
) partition by range (at);
create table usage_events_rest partition of usage_events default;
create index usage_events_time on usage_events (team_id, at, meter, source);

-- Nobody and no project are the zero uuid, since a key has no NULL.
create table usage_hours (
  team_id    uuid not null references teams on delete cascade,
  meter      text collate "C" not null,
  hour       timestamptz not null,
  user_id    uuid not null,
  project_id uuid not null,
  quantity   bigint not null,
  events     bigint not null,
  primary key (team_id, meter, hour, user_id, project_id)
) partition by range (hour);
create table usage_hours_rest partition of usage_hours default;
create index usage_hours_time on usage_hours (hour, team_id);

create table usage_days (
  team_id    uuid not null references teams on delete cascade,
  meter      text collate "C" not null,
  day        date not null, -- in UTC
  user_id    uuid not null,
  project_id uuid not null,
  quantity   bigint not null,
  events     bigint not null,
  primary key (team_id, meter, day, user_id, project_id)
);

select app.make_partitions(t, 2) from unnest(array['usage_events', 'usage_hours']) t;

-- That a team came near a limit was told once in a period, and again only when the limit itself has changed.
create table usage_notices (
  team_id      uuid not null references teams on delete cascade,
  meter        text collate "C" not null,
  period_start timestamptz not null,
  percent      integer not null check (percent in (50, 80, 100, 200)),
  used         bigint not null,
  allowed      bigint not null,
  sent_at      timestamptz not null default now(),
  primary key (team_id, meter, period_start, allowed, percent)
);

do $$
declare
  name text;
begin
  foreach name in array array['usage_events', 'usage_hours', 'usage_days', 'usage_notices'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy tenant on %I to slipway_app using (team_id = any ((select app.teams())::uuid[]))', name);
    execute format('create policy door on %I to slipway_door using (true)', name);
  end loop;
end $$;
-- Append-only by grant: who answers requests reads, and adds through app.meter; nobody changes or deletes a line.
grant select on usage_events, usage_hours, usage_days to slipway_app;
grant select, insert on usage_events to slipway_door;
grant select, insert, update on usage_hours, usage_days to slipway_door;
grant select, insert on usage_notices to slipway_app;
grant select on usage_notices to slipway_door;

-- ── Counting ────────────────────────────────────────────────────────────────────────────────────────────────────

-- Put events into the ledger, and those that are new into the sums, in one statement. Returns how many were new. Sums are
-- locked in the order of their key until the commit: call it as late as can be. For doors only.
create function app.add_lines(p_team uuid[], p_meter text[], p_source text[], p_at timestamptz[], p_quantity bigint[],
                              p_user uuid[], p_project uuid[]) returns bigint language sql as $$
  with fresh as (
    insert into public.usage_events (team_id, meter, source, at, quantity, user_id, project_id)
    select * from unnest(p_team, p_meter, p_source, p_at, p_quantity, p_user, p_project)
    on conflict do nothing
    returning team_id, meter, at, quantity, coalesce(user_id, '00000000-0000-0000-0000-000000000000') as user_id,
              coalesce(project_id, '00000000-0000-0000-0000-000000000000') as project_id
  ), hours as (
    insert into public.usage_hours as h (team_id, meter, hour, user_id, project_id, quantity, events)
    select team_id, meter, date_trunc('hour', at, 'UTC') as hour, user_id, project_id, sum(quantity), count(*)
      from fresh group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
    on conflict (team_id, meter, hour, user_id, project_id) do update
       set quantity = h.quantity + excluded.quantity, events = h.events + excluded.events
  ), days as (
    insert into public.usage_days as d (team_id, meter, day, user_id, project_id, quantity, events)
    select team_id, meter, (at at time zone 'UTC')::date as day, user_id, project_id, sum(quantity), count(*)
      from fresh group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
    on conflict (team_id, meter, day, user_id, project_id) do update
       set quantity = d.quantity + excluded.quantity, events = d.events + excluded.events
  )
  select count(*) from fresh
$$;

-- The same for the teams that this transaction acts for, a guest's too: guests use what the team pays, and do not read it.
create function app.meter(p_team uuid[], p_meter text[], p_source text[], p_at timestamptz[], p_quantity bigint[],
                          p_user uuid[], p_project uuid[]) returns bigint
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if exists (select from unnest(p_team) t (id)
              where (t.id = any (app.teams())) is not true
                and not exists (select from workspaces w where w.team_id = t.id and w.id = any (app.workspaces()))) then
    raise insufficient_privilege using message = 'A line may be added only for a team that the transaction acts for.';
  end if;
  return app.add_lines(p_team, p_meter, p_source, p_at, p_quantity, p_user, p_project);
end $$;

-- Every minute: the calls that app.admit has counted since, out of the buckets and into the ledger in one commit. Takes up
-- to p_rows buckets and none that a request holds; returns how many it took. Buckets are unlogged: a crash of the server
-- loses what was counted since the last time.
create function app.meter_calls(p_rows integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  moment constant timestamptz := clock_timestamp();
  taken integer;
  lines bigint;
  metered bigint;
begin
  with busy as (
    select b.team_id, b.subject, b.class, b.calls from rate_buckets b where b.calls > 0 limit p_rows for update skip locked
  ), zeroed as (
    update rate_buckets b set calls = 0 from busy
     where b.team_id = busy.team_id and b.subject = busy.subject and b.class = busy.class
    returning b.team_id, b.subject, busy.calls
  ), summed as ( -- calls about no team are nobody's
    select z.team_id, z.subject, sum(z.calls)::bigint as calls from zeroed z join teams t on t.id = z.team_id group by 1, 2
  )
  select (select count(*) from zeroed), count(*),
         app.add_lines(array_agg(s.team_id), array_agg('api_calls'::text), array_agg('calls:' || s.subject),
                       array_agg(moment), array_agg(s.calls), array_agg(s.subject), array_agg(null::uuid))
    into taken, lines, metered from summed s;
  if metered <> lines then
    raise exception 'two takers of the same calls at the same microsecond'; -- all stays as it was, for the next minute
  end if;
  return taken;
end $$;

-- Every hour: what each team keeps, as bytes times one hour. p_teams of those after p_after in the order of their ids;
-- returns the last of them, NULL when there is none left. An hour is counted once, whoever asks how often.
create function app.meter_storage(p_after uuid, p_teams integer) returns uuid
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  hour constant timestamptz := date_trunc('hour', now(), 'UTC');
  batch uuid[];
begin
  select array_agg(t.id) into batch from (select id from teams where id > p_after order by id limit p_teams) t;
  perform app.add_lines(array_agg(s.team_id), array_agg('storage_byte_hours'::text), array_agg('storage'::text),
                        array_agg(hour), array_agg(s.bytes), array_agg(null::uuid), array_agg(null::uuid))
     from (select b.team_id, sum(b.size)::bigint as bytes from blobs b where b.team_id = any (batch)
            group by b.team_id having sum(b.size) > 0) s;
  return batch[cardinality(batch)];
end $$;
-- So that the sum reads an index and not the contents beside it. Writes to blobs wait while it is built.
create index blobs_size on blobs (team_id) include (size);
grant select (team_id, size) on blobs to slipway_door;
create policy door on blobs for select to slipway_door using (true);

-- For what goes through all teams, one after the other.
create function app.teams_after(p_after uuid, p_limit integer) returns setof uuid
language sql security definer set search_path = pg_catalog, public as $$
  select t.id from teams t where t.id > p_after order by t.id limit p_limit
$$;

-- ── Replay ──────────────────────────────────────────────────────────────────────────────────────────────────────

-- Where a team's sums differ from its ledger on the days from p_first to p_last, and with p_mend no longer do. What is added
-- is the difference within one snapshot, in which every event is in both or in neither: metering may go on meanwhile. Days
-- whose ledger was dropped cannot be checked and are left out, hours beyond their own retention too.
create function app.replay_usage(p_team uuid, p_first date, p_last date, p_mend boolean)
returns table (summary text, meter text, at timestamptz, user_id uuid, project_id uuid, kept bigint, counted bigint)
language plpgsql security definer set search_path = pg_catalog, public set timezone = 'UTC' as $$
#variable_conflict use_column
declare
  until constant timestamptz := p_last + 1;
  day_from constant timestamptz := greatest(p_first::timestamptz,
    date_trunc('month', now()) - make_interval(months => app.kept_months('usage_events')));
  hour_from constant timestamptz := greatest(day_from,
    date_trunc('month', now()) - make_interval(months => app.kept_months('usage_hours')));
begin
  if (p_team = any (app.teams())) is not true then
    raise insufficient_privilege using message = 'A replay is for a team that the transaction acts for.';
  end if;
  -- Two replays at once would both add the same difference.
  perform pg_advisory_xact_lock(hashtextextended('replay_usage ' || p_team, 0));
  return query
  with hours as (
    select e.meter, date_trunc('hour', e.at) as hour, coalesce(e.user_id, '00000000-0000-0000-0000-000000000000') as user_id,
           coalesce(e.project_id, '00000000-0000-0000-0000-000000000000') as project_id,
           sum(e.quantity)::bigint as quantity, count(*) as events
      from public.usage_events e where e.team_id = p_team and e.at >= day_from and e.at < until group by 1, 2, 3, 4
  ), days as (
    select h.meter, h.hour::date as day, h.user_id, h.project_id, sum(h.quantity)::bigint as quantity,
           sum(h.events)::bigint as events from hours h group by 1, 2, 3, 4
  ), wrong_hours as (
    select meter, hour, user_id, project_id, coalesce(s.quantity, 0) as kept, coalesce(h.quantity, 0) as counted,
           coalesce(h.events, 0) - coalesce(s.events, 0) as events
      from (select * from hours where hour >= hour_from) h
      full join (select * from public.usage_hours u where u.team_id = p_team and u.hour >= hour_from and u.hour < until) s
           using (meter, hour, user_id, project_id)
     where (coalesce(s.quantity, 0), coalesce(s.events, 0)) <> (coalesce(h.quantity, 0), coalesce(h.events, 0))
  ), wrong_days as (
    select meter, day, user_id, project_id, coalesce(s.quantity, 0) as kept, coalesce(d.quantity, 0) as counted,
           coalesce(d.events, 0) - coalesce(s.events, 0) as events
      from days d
      full join (select * from public.usage_days u where u.team_id = p_team and u.day >= day_from::date and u.day < until::date) s
           using (meter, day, user_id, project_id)
     where (coalesce(s.quantity, 0), coalesce(s.events, 0)) <> (coalesce(d.quantity, 0), coalesce(d.events, 0))
  ), mended_hours as (
    insert into public.usage_hours as u (team_id, meter, hour, user_id, project_id, quantity, events)
    select p_team, w.meter, w.hour, w.user_id, w.project_id, w.counted - w.kept, w.events from wrong_hours w where p_mend
    on conflict on constraint usage_hours_pkey do update
       set quantity = u.quantity + excluded.quantity, events = u.events + excluded.events
  ), mended_days as (
    insert into public.usage_days as u (team_id, meter, day, user_id, project_id, quantity, events)
    select p_team, w.meter, w.day, w.user_id, w.project_id, w.counted - w.kept, w.events from wrong_days w where p_mend
    on conflict on constraint usage_days_pkey do update
       set quantity = u.quantity + excluded.quantity, events = u.events + excluded.events
  )
  select 'hour', w.meter, w.hour, w.user_id, w.project_id, w.kept, w.counted from wrong_hours w
  union all
  select 'day', w.meter, w.day::timestamptz, w.user_id, w.project_id, w.kept, w.counted from wrong_days w
  order by 1, 2, 3, 4, 5;
end $$;

-- ── Notices ─────────────────────────────────────────────────────────────────────────────────────────────────────

-- Every minute: who has passed 50, 80, 100 or 200 % of what a period, or the storage, allows, and was not told. The figures
-- are those that the quotas decide by. Looks only at teams that used something in this hour or the last: nobody else's
-- figures have moved. A day's allowance is told of when it is used up, since each day has its halves.
create function app.usage_crossings(p_limit integer)
returns table (team_id uuid, meter text, period_start timestamptz, resets_at timestamptz, percent integer, used bigint,
               allowed bigint, hard boolean)
language plpgsql stable security definer set search_path = pg_catalog, public set timezone = 'UTC' as $$
#variable_conflict use_column
begin
  return query
  with active as (
    select distinct h.team_id from usage_hours h where h.hour >= date_trunc('hour', now()) - interval '1 hour'
  ), counted as (
    select q.team_id, q.meter, q.period_start, q.used from active a join quota_usage q on q.team_id = a.team_id
     where q.period_start in (app.period_start('day'), app.period_start('month'), app.period_start('standing'))
       and q.used > 0 and (q.period_start > app.period_start('standing') or q.meter = 'storage_bytes')
  ), limited as (
    select t.team_id, l.* from (select team_id, array_agg(distinct meter) as meters from counted group by 1) t
     cross join lateral app.limits_of(t.team_id, t.meters) l
  )
  select c.team_id, c.meter, c.period_start::timestamptz, app.period_end(l.period), p.percent, c.used, l.value, l.hard
    from counted c join limited l on l.team_id = c.team_id and l.meter = c.meter and c.period_start = app.period_start(l.period)
   cross join lateral (
     select max(x) as percent from unnest(array[50, 80, 100, 200]) x
      where c.used >= l.value::numeric * x / 100 and (x >= 100 or l.period <> 'day')) p
   where l.value > 0 and p.percent is not null
     and not exists (select from usage_notices n where n.team_id = c.team_id and n.meter = c.meter
                       and n.period_start = c.period_start::timestamptz and n.allowed = l.value and n.percent >= p.percent)
   order by p.percent desc, c.team_id, c.meter limit p_limit;
end $$;

-- Who is told: the owners and billing members of a team that this transaction acts for, where their address is theirs.
create function app.billing_people(p_team uuid) returns table (email text)
language sql security definer set search_path = pg_catalog, public as $$
  select u.email from team_members m join users u on u.id = m.user_id
   where m.team_id = p_team and p_team = any (app.teams()) and m.role in ('owner', 'billing') and u.email_verified_at is not null
   order by u.email
$$;

-- Who is told of a team that costs more than it pays.
create function app.operator_addresses() returns table (email text)
language sql security definer set search_path = pg_catalog, public as $$
  select u.email from users u where u.operator order by u.email
$$;

grant create on schema app to slipway_door;
do $$
declare
  name text;
begin
  foreach name in array array['meter(uuid[], text[], text[], timestamptz[], bigint[], uuid[], uuid[])',
      'replay_usage(uuid, date, date, boolean)', 'meter_calls(integer)', 'meter_storage(uuid, integer)', 'teams_after(uuid, integer)',
      'usage_crossings(integer)', 'billing_people(uuid)', 'operator_addresses()'] loop
    execute format('alter function app.%s owner to slipway_door', name);
  end loop;
end $$;
revoke create on schema app from slipway_door;
revoke execute on all functions in schema app from public;
grant execute on function app.make_partitions(text, integer), app.drop_partitions(text), app.meter_calls(integer),
  app.meter_storage(uuid, integer), app.teams_after(uuid, integer), app.replay_usage(uuid, date, date, boolean),
  app.usage_crossings(integer), app.billing_people(uuid), app.operator_addresses() to slipway_app;
grant execute on function app.kept_months(text) to slipway_app, slipway_reader;
grant execute on function app.kept_months(text), app.period_start(text), app.period_end(text) to slipway_door;
grant execute on function app.meter(uuid[], text[], text[], timestamptz[], bigint[], uuid[], uuid[]) to slipway_app;
grant execute on function app.add_lines(uuid[], text[], text[], timestamptz[], bigint[], uuid[], uuid[]) to slipway_door;
