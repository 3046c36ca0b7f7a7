-- Made by scripts/schema from the migrations beside it: change those, never this file.


CREATE SCHEMA app;

ALTER SCHEMA app OWNER TO slipway_owner;

CREATE FUNCTION app.accept_invitation(p_token_hash bytea, p_inviters text[]) RETURNS TABLE(outcome text, team_id uuid, workspace_id uuid, id uuid, role text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
declare
  i invitations%rowtype;
  me constant uuid := app.user_id();
  mine boolean;
  verified boolean;
begin
  select * into i from app.open_invitation(p_token_hash, p_inviters);
  perform from teams t where t.id = i.team_id for no key update;
  perform from workspaces w where w.team_id = i.team_id and w.id = i.workspace_id for share;
  select * into i from app.open_invitation(p_token_hash, p_inviters);
  if i.id is null then
    outcome := 'invalid';
    return next;
    return;
  end if;
  select u.email = i.email, u.email_verified_at is not null into mine, verified from users u where u.id = me;
  outcome := case
    when i.email is not null and not mine then 'other_address'
    when i.email is not null and not verified then 'unverified'
    when exists (select from team_members m where m.team_id = i.team_id and m.user_id = me)
      or exists (select from workspace_members g
                  where g.team_id = i.team_id and g.workspace_id = i.workspace_id and g.user_id = me) then 'member'
    else 'accepted' end;
  if outcome = 'accepted' then
    -- Revoking takes no lock of the team: one statement decides between the two.
    update invitations x set accepted_at = now(), accepted_by = me
     where x.team_id = i.team_id and x.id = i.id and x.accepted_at is null and x.revoked_at is null;
    if not found then outcome := 'invalid'; end if;
  end if;
  if outcome = 'accepted' and i.workspace_id is null then
    -- Who sees all is no guest. First, as whoever removes a guest locks the row before the team's seats.
    delete from workspace_members g where g.team_id = i.team_id and g.user_id = me;
    insert into team_members (team_id, user_id, role) values (i.team_id, me, i.role);
    perform set_config('app.team_ids', (app.teams() || i.team_id)::text, true);
  elsif outcome = 'accepted' then
    insert into workspace_members (team_id, workspace_id, user_id, role) values (i.team_id, i.workspace_id, me, i.role);
    perform set_config('app.workspace_ids', (app.workspaces() || i.workspace_id)::text, true);
  end if;
  return query select outcome, i.team_id, i.workspace_id, i.id, i.role;
end $$;

ALTER FUNCTION app.accept_invitation(p_token_hash bytea, p_inviters text[]) OWNER TO slipway_door;

CREATE FUNCTION app.add_lines(p_team uuid[], p_meter text[], p_source text[], p_at timestamp with time zone[], p_quantity bigint[], p_user uuid[], p_project uuid[]) RETURNS bigint
    LANGUAGE sql
    AS $$
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

ALTER FUNCTION app.add_lines(p_team uuid[], p_meter text[], p_source text[], p_at timestamp with time zone[], p_quantity bigint[], p_user uuid[], p_project uuid[]) OWNER TO slipway_owner;

CREATE FUNCTION app.admit(p_user uuid, p_session uuid, p_key uuid, p_kind text, p_id uuid, p_class text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
declare
  i record := app.identify(p_user, p_session, p_key, p_kind, p_id);
  -- In this order for everyone, so that two requests never wait for each other.
  left_over jsonb := app.take_tokens(i.team_id, array['user', 'key', 'team'], array[p_user, p_key, i.team_id], p_class);
begin
  perform set_config('app.begun', array[p_user::text, coalesce(i.teams::text, '{}'), coalesce(i.workspaces::text, '{}'),
                                        i.team_id::text, i.role, i.scopes::text, left_over::text]::text, false);
end $$;

ALTER FUNCTION app.admit(p_user uuid, p_session uuid, p_key uuid, p_kind text, p_id uuid, p_class text) OWNER TO slipway_door;

CREATE FUNCTION app.admit_address(p_address text, p_class text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  return app.take_tokens(null, array['address'], array[md5('address ' || p_address)::uuid], p_class);
end $$;

ALTER FUNCTION app.admit_address(p_address text, p_class text) OWNER TO slipway_door;

CREATE FUNCTION app.append_audit(p_team uuid, p_events jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
declare
  head audit_heads%rowtype;
  e audit_events%rowtype;
  member boolean;
begin
  member := coalesce(p_team = any (app.teams()), false)
    or exists (select from workspaces w where w.team_id = p_team and w.id = any (app.workspaces()))
    or exists (select from team_members m where m.team_id = p_team and m.user_id = app.user_id())
    or exists (select from workspace_members g where g.team_id = p_team and g.user_id = app.user_id());
  if not (member or app.is_operator()) then
    raise insufficient_privilege using message = 'audit: this transaction is about another team';
  end if;
  select * into head from audit_heads h where h.team_id = p_team for update;
  if head.team_id is null then
    insert into audit_heads (team_id, seq, hash, at)
    select t.id, 0, app.audit_genesis(t.id), clock_timestamp() from teams t where t.id = p_team
    on conflict do nothing;
    select * into head from audit_heads h where h.team_id = p_team for update;
    if head.team_id is null then return; end if;
  end if;
  for e in select * from jsonb_populate_recordset(null::audit_events, p_events) loop
    e.team_id := p_team;
    e.seq := head.seq + 1;
    e.at := greatest(clock_timestamp(), head.at);
    e.user_id := app.user_id();
    e.credential := case when member then e.credential else 'operator' end;
    e.previous := head.hash;
    e.hash := sha256(e.previous || app.audit_bytes(e));
    insert into audit_events select e.*;
    head.seq := e.seq;
    head.hash := e.hash;
    head.at := e.at;
  end loop;
  update audit_heads h set seq = head.seq, hash = head.hash, at = head.at where h.team_id = p_team;
end $$;

ALTER FUNCTION app.append_audit(p_team uuid, p_events jsonb) OWNER TO slipway_door;

CREATE FUNCTION app.attempt(p_account bytea, p_network text, p_known boolean) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  insert into login_attempts as a (account, network, known, attempts, last_at, not_before)
  values (p_account, p_network, p_known, 1, clock_timestamp(), clock_timestamp())
  on conflict (account, network, known) do update
     set (attempts, last_at, not_before) = (
       select n, clock_timestamp(),
              clock_timestamp() + case when n < 5 then interval '0' else least(60, 2 ^ (n - 5)) * interval '1 second' end
         from (select case when a.last_at < clock_timestamp() - interval '15 minutes' then 1
                           else least(a.attempts + 1, 100) end) as c (n))
   where a.not_before <= clock_timestamp();
  if found then return 0; end if;
  return app.attempt_wait(p_account, p_network, p_known);
end $$;

ALTER FUNCTION app.attempt(p_account bytea, p_network text, p_known boolean) OWNER TO slipway_door;

CREATE FUNCTION app.attempt_wait(p_account bytea, p_network text, p_known boolean) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select coalesce(max(greatest(0, ceil(extract(epoch from a.not_before - clock_timestamp()))::integer)), 0)
    from login_attempts a where a.account = p_account and a.network = p_network and a.known = p_known
$$;

ALTER FUNCTION app.attempt_wait(p_account bytea, p_network text, p_known boolean) OWNER TO slipway_door;

CREATE TABLE public.audit_events (
    team_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    user_id uuid,
    credential text NOT NULL,
    credential_id uuid,
    action text NOT NULL,
    target text NOT NULL,
    before jsonb,
    after jsonb,
    address text NOT NULL,
    user_agent text NOT NULL,
    request_id text NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_events_credential_check CHECK ((credential = ANY (ARRAY['session'::text, 'key'::text, 'operator'::text, 'platform'::text]))),
    CONSTRAINT audit_events_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT audit_events_previous_check CHECK ((length(previous) = 32)),
    CONSTRAINT audit_events_seq_check CHECK ((seq > 0))
)
PARTITION BY RANGE (at);

ALTER TABLE ONLY public.audit_events FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_events OWNER TO slipway_owner;

CREATE FUNCTION app.audit_bytes(e public.audit_events) RETURNS bytea
    LANGUAGE sql STABLE
    RETURN convert_to((jsonb_build_array((e).team_id, (e).seq, (((EXTRACT(epoch FROM (e).at) * (1000000)::numeric))::bigint)::text, (e).user_id, (e).credential, (e).credential_id, (e).action, (e).target, (e).before, (e).after, (e).address, (e).user_agent, (e).request_id))::text, 'UTF8'::name);

ALTER FUNCTION app.audit_bytes(e public.audit_events) OWNER TO slipway_owner;

CREATE FUNCTION app.audit_genesis(p_team uuid) RETURNS bytea
    LANGUAGE sql IMMUTABLE
    RETURN sha256(convert_to(('slipway audit '::text || (p_team)::text), 'UTF8'::name));

ALTER FUNCTION app.audit_genesis(p_team uuid) OWNER TO slipway_owner;

CREATE FUNCTION app.audited_teams(p_since timestamp with time zone, p_after uuid, p_limit integer) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select h.team_id from audit_heads h
   where h.team_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') and h.at >= p_since
   order by h.team_id limit p_limit
$$;

ALTER FUNCTION app.audited_teams(p_since timestamp with time zone, p_after uuid, p_limit integer) OWNER TO slipway_door;

CREATE FUNCTION app.begin_admitted(OUT team_id uuid, OUT role text, OUT scopes text[], OUT admitted jsonb) RETURNS record
    LANGUAGE plpgsql
    AS $$
declare
  begun constant text[] := current_setting('app.begun');
begin
  perform set_config('app.user_id', begun[1], true), set_config('app.team_ids', begun[2], true),
          set_config('app.workspace_ids', begun[3], true), set_config('app.begun', '{}', false);
  team_id := begun[4];
  role := begun[5];
  scopes := begun[6];
  admitted := begun[7];
end $$;

ALTER FUNCTION app.begin_admitted(OUT team_id uuid, OUT role text, OUT scopes text[], OUT admitted jsonb) OWNER TO slipway_owner;

CREATE FUNCTION app.begin_login(p_email text, p_account bytea, p_network text, p_user_agent text, OUT id uuid, OUT password_hash text, OUT known boolean, OUT wait integer) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  select u.id, u.password_hash into id, password_hash from users u where u.email = p_email;
  known := exists (select from sessions s where s.user_id = begin_login.id and s.network = p_network
                                            and s.user_agent = p_user_agent and p_network <> '');
  wait := app.attempt(p_account, p_network, known);
end $$;

ALTER FUNCTION app.begin_login(p_email text, p_account bytea, p_network text, p_user_agent text, OUT id uuid, OUT password_hash text, OUT known boolean, OUT wait integer) OWNER TO slipway_door;

CREATE FUNCTION app.begin_request(p_user uuid, p_session uuid, p_key uuid, p_kind text, p_id uuid, OUT team_id uuid, OUT role text, OUT scopes text[], OUT admitted jsonb) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
declare
  i record := app.identify(p_user, p_session, p_key, p_kind, p_id);
begin
  perform set_config('app.user_id', p_user::text, true),
          set_config('app.team_ids', coalesce(i.teams::text, '{}'), true),
          set_config('app.workspace_ids', coalesce(i.workspaces::text, '{}'), true);
  team_id := i.team_id;
  role := i.role;
  scopes := i.scopes;
end $$;

ALTER FUNCTION app.begin_request(p_user uuid, p_session uuid, p_key uuid, p_kind text, p_id uuid, OUT team_id uuid, OUT role text, OUT scopes text[], OUT admitted jsonb) OWNER TO slipway_door;

CREATE FUNCTION app.begin_run(p_token_hash bytea, p_run uuid) RETURNS TABLE(team_id uuid, attempt integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
declare
  found runs%rowtype;
begin
  select * into found from runs r where r.id = p_run and r.token_hash = p_token_hash;
  if found.id is null then return; end if;
  perform set_config('app.user_id', '', true), set_config('app.team_ids', array[found.team_id]::text, true);
  return query select found.team_id, found.attempt;
end $$;

ALTER FUNCTION app.begin_run(p_token_hash bytea, p_run uuid) OWNER TO slipway_door;

CREATE FUNCTION app.begin_team(p_team uuid) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT set_config('app.user_id'::text, ''::text, true) AS set_config,
     set_config('app.team_ids'::text, (ARRAY[p_team])::text, true) AS set_config;
END;

ALTER FUNCTION app.begin_team(p_team uuid) OWNER TO slipway_owner;

CREATE FUNCTION app.begin_user(p_user uuid) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT set_config('app.user_id'::text, (p_user)::text, true) AS set_config,
     set_config('app.team_ids'::text, '{}'::text, true) AS set_config;
END;

ALTER FUNCTION app.begin_user(p_user uuid) OWNER TO slipway_owner;

CREATE FUNCTION app.billing_people(p_team uuid) RETURNS TABLE(email text)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select u.email from team_members m join users u on u.id = m.user_id
   where m.team_id = p_team and p_team = any (app.teams()) and m.role in ('owner', 'billing') and u.email_verified_at is not null
   order by u.email
$$;

ALTER FUNCTION app.billing_people(p_team uuid) OWNER TO slipway_door;

CREATE FUNCTION app.claim_idempotency(p_user uuid, p_key_hash bytea, p_request_hash bytea) RETURNS boolean
    LANGUAGE plpgsql
    SET lock_timeout TO '5s'
    AS $$
begin
  insert into public.idempotency_keys (user_id, key_hash, request_hash) values (p_user, p_key_hash, p_request_hash)
  on conflict do nothing;
  return found;
end $$;

ALTER FUNCTION app.claim_idempotency(p_user uuid, p_key_hash bytea, p_request_hash bytea) OWNER TO slipway_owner;

CREATE FUNCTION app.clear_limit(p_team uuid, p_meter text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  update team_overrides o set effective_to = now()
   where o.team_id = p_team and o.meter = p_meter and o.effective_from <= now()
     and (o.effective_to is null or o.effective_to > now())
$$;

ALTER FUNCTION app.clear_limit(p_team uuid, p_meter text) OWNER TO slipway_door;

CREATE FUNCTION app.count_api_keys() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION app.count_api_keys() OWNER TO slipway_door;

CREATE FUNCTION app.count_projects() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION app.count_projects() OWNER TO slipway_door;

CREATE FUNCTION app.count_quota(p_team uuid, p_meter text, p_amount bigint) RETURNS TABLE(meter text, value bigint, used bigint, amount bigint, period text, resets_at timestamp with time zone)
    LANGUAGE plpgsql ROWS 1
    SET search_path TO 'pg_catalog', 'public'
    AS $$
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

ALTER FUNCTION app.count_quota(p_team uuid, p_meter text, p_amount bigint) OWNER TO slipway_owner;

CREATE FUNCTION app.count_seats() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION app.count_seats() OWNER TO slipway_door;

CREATE FUNCTION app.create_team(p_id uuid, p_name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION app.create_team(p_id uuid, p_name text) OWNER TO slipway_door;

CREATE FUNCTION app.default_plan() RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
begin
  return (select p.default_plan from public.platform p);
end $$;

ALTER FUNCTION app.default_plan() OWNER TO slipway_owner;

CREATE FUNCTION app.drop_connections(p_ids text[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  delete from connections c where c.id = any (p_ids)
$$;

ALTER FUNCTION app.drop_connections(p_ids text[]) OWNER TO slipway_door;

CREATE FUNCTION app.drop_partitions(p_table text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '5s'
    AS $_$
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
end $_$;

ALTER FUNCTION app.drop_partitions(p_table text) OWNER TO slipway_owner;

CREATE FUNCTION app.email_token_user(p_token_hash bytea) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select t.user_id from email_tokens t where t.token_hash = p_token_hash
$$;

ALTER FUNCTION app.email_token_user(p_token_hash bytea) OWNER TO slipway_door;

CREATE FUNCTION app.expire() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  delete from connections where connected_at < now() - interval '130 minutes';
  delete from socket_tickets where expires_at < now();
  delete from sessions where expires_at < now() - interval '30 days';
  delete from sessions where revoked_at < now() - interval '30 days';
  delete from workers where state = 'gone' and started_at < now() - interval '1 day';
$$;

ALTER FUNCTION app.expire() OWNER TO slipway_door;

CREATE FUNCTION app.expire_account_events() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  delete from account_events where at < now() - interval '1 year';
$$;

ALTER FUNCTION app.expire_account_events() OWNER TO slipway_door;

CREATE FUNCTION app.expire_accounts() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  delete from email_tokens where expires_at < now();
  delete from registrations where expires_at < now();
  delete from login_attempts where last_at < now() - interval '1 hour';
$$;

ALTER FUNCTION app.expire_accounts() OWNER TO slipway_door;

CREATE FUNCTION app.expire_invitations() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  delete from invitations where expires_at < now() - interval '30 days';
$$;

ALTER FUNCTION app.expire_invitations() OWNER TO slipway_door;

CREATE FUNCTION app.expire_oidc_logins() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  delete from oidc_logins where taken_at < now() - interval '1 hour';
$$;

ALTER FUNCTION app.expire_oidc_logins() OWNER TO slipway_door;

CREATE FUNCTION app.expire_quotas() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  delete from quota_reservations where state <> 'held' and settled_at < now() - interval '2 days';
  delete from quota_usage u where u.period_start < (now() - interval '13 months')::date and u.period_start > date '1970-01-01'
     and u.reserved = 0;
$$;

ALTER FUNCTION app.expire_quotas() OWNER TO slipway_door;

CREATE FUNCTION app.expire_requests() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  delete from idempotency_keys where created_at < now() - interval '24 hours';
  delete from rate_buckets where filled_at < now() - interval '1 day' and calls = 0;
$$;

ALTER FUNCTION app.expire_requests() OWNER TO slipway_door;

CREATE FUNCTION app.file_project(p_team uuid, p_file uuid) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select f.project_id from files f where f.team_id = p_team and f.id = p_file
$$;

ALTER FUNCTION app.file_project(p_team uuid, p_file uuid) OWNER TO slipway_door;

CREATE FUNCTION app.find_identity(p_issuer text, p_subject text, p_email text, OUT user_id uuid, OUT holder_id uuid) RETURNS record
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select (select i.user_id from identities i where i.issuer = p_issuer and i.subject = p_subject),
         (select u.id from users u where u.email = p_email)
$$;

ALTER FUNCTION app.find_identity(p_issuer text, p_subject text, p_email text, OUT user_id uuid, OUT holder_id uuid) OWNER TO slipway_door;

CREATE FUNCTION app.find_key(p_token_hash bytea, OUT id uuid, OUT user_id uuid, OUT ended boolean) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  select k.id, k.user_id, k.revoked_at is not null or coalesce(k.expires_at <= now(), false)
    into id, user_id, ended from api_keys k where k.token_hash = p_token_hash;
  if not ended then
    update api_keys k set last_used_at = date_trunc('minute', now())
     where k.token_hash = p_token_hash and (k.last_used_at is null or k.last_used_at < date_trunc('minute', now()));
  end if;
end $$;

ALTER FUNCTION app.find_key(p_token_hash bytea, OUT id uuid, OUT user_id uuid, OUT ended boolean) OWNER TO slipway_door;

CREATE FUNCTION app.forget_attempts(p_account bytea, p_network text, p_known boolean) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  delete from login_attempts a where a.account = p_account and a.network = p_network and a.known = p_known
$$;

ALTER FUNCTION app.forget_attempts(p_account bytea, p_network text, p_known boolean) OWNER TO slipway_door;

CREATE FUNCTION app.give_back(p_team uuid, p_meters text[]) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public'
    AS $$
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

ALTER FUNCTION app.give_back(p_team uuid, p_meters text[]) OWNER TO slipway_owner;

CREATE FUNCTION app.give_back_overdue(p_limit integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION app.give_back_overdue(p_limit integer) OWNER TO slipway_door;

CREATE FUNCTION app.identify(p_user uuid, p_session uuid, p_key uuid, p_kind text, p_id uuid, OUT teams uuid[], OUT workspaces uuid[], OUT team_id uuid, OUT role text, OUT scopes text[]) RETURNS record
    LANGUAGE plpgsql STABLE
    AS $$
declare
  k api_keys%rowtype;
  alive boolean;
  roles text[];
  guest_roles text[];
  workspace uuid;
begin
  if p_key is not null then
    select * into k from api_keys a where a.id = p_key and a.user_id = p_user;
    if k.id is null or k.revoked_at is not null or k.expires_at <= now() then
      raise exception using errcode = 'SL401', message = 'The API key was revoked or has expired.';
    end if;
    scopes := k.scopes;
  end if;
  select s.alive, m.teams, m.roles, g.workspaces, g.roles into alive, teams, roles, workspaces, guest_roles
    from (select exists (select from sessions s where s.user_id = p_user and s.id = p_session and s.revoked_at is null
                                                  and s.expires_at > now())) as s (alive),
         (select array_agg(m.team_id), array_agg(m.role) from team_members m
           where m.user_id = p_user and (k.team_id is null or m.team_id = k.team_id)) as m (teams, roles),
         (select array_agg(g.workspace_id), array_agg(g.role) from workspace_members g
           where g.user_id = p_user and (k.team_id is null or g.team_id = k.team_id)) as g (workspaces, roles);
  if p_key is null and not alive then
    raise exception using errcode = 'SL401', message = 'This session has ended: log in again.';
  end if;
  case p_kind
    when '' then null;
    when 'team' then team_id := p_id;
    when 'ws' then select w.team_id, w.id into team_id, workspace from workspaces w where w.id = p_id;
    when 'prj' then select p.team_id, p.workspace_id into team_id, workspace from projects p where p.id = p_id;
    when 'file' then select f.team_id, p.workspace_id into team_id, workspace
      from files f join projects p on p.team_id = f.team_id and p.id = f.project_id where f.id = p_id;
    when 'run' then select r.team_id, p.workspace_id into team_id, workspace
      from runs r join projects p on p.team_id = r.team_id and p.id = r.project_id where r.id = p_id;
    when 'art' then select a.team_id, p.workspace_id into team_id, workspace
      from run_artifacts a join runs r on r.team_id = a.team_id and r.id = a.run_id
      join projects p on p.team_id = r.team_id and p.id = r.project_id where a.id = p_id;
  end case;
  role := coalesce(roles[array_position(teams, team_id)], 'guest_' || guest_roles[array_position(workspaces, workspace)]);
  if k.workspace_id is not null then
    workspaces := case when teams is not null or k.workspace_id = any (workspaces) then array[k.workspace_id] end;
    teams := null;
    if k.workspace_id is distinct from workspace then role := null; end if;
  end if;
  if role is null then team_id := null; end if;
end $$;

ALTER FUNCTION app.identify(p_user uuid, p_session uuid, p_key uuid, p_kind text, p_id uuid, OUT teams uuid[], OUT workspaces uuid[], OUT team_id uuid, OUT role text, OUT scopes text[]) OWNER TO slipway_door;

CREATE FUNCTION app.user_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid;

ALTER FUNCTION app.user_id() OWNER TO slipway_owner;

CREATE TABLE public.team_members (
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT team_members_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'editor'::text, 'viewer'::text, 'billing'::text])))
);

ALTER TABLE ONLY public.team_members FORCE ROW LEVEL SECURITY;

ALTER TABLE public.team_members OWNER TO slipway_owner;

CREATE FUNCTION app.is_member(p_team uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    RETURN (EXISTS (SELECT FROM public.team_members m WHERE ((m.team_id = is_member.p_team) AND (m.user_id = app.user_id()))));

ALTER FUNCTION app.is_member(p_team uuid) OWNER TO slipway_door;

CREATE TABLE public.users (
    id uuid NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    password_hash text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    operator boolean DEFAULT false NOT NULL,
    email_verified_at timestamp with time zone,
    CONSTRAINT users_email_check CHECK ((email = lower(email)))
);

ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;

ALTER TABLE public.users OWNER TO slipway_owner;

CREATE FUNCTION app.is_operator() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    RETURN COALESCE((SELECT u.operator FROM public.users u WHERE (u.id = app.user_id())), false);

ALTER FUNCTION app.is_operator() OWNER TO slipway_door;

CREATE FUNCTION app.keep_registration(p_email text, p_name text, p_token_hash bytea, p_request uuid, p_hours integer, p_quiet_seconds integer) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  insert into registrations as r (email, name, token_hash, request_id, expires_at)
  values (p_email, p_name, p_token_hash, p_request, now() + make_interval(hours => p_hours))
  on conflict (email) do update
     set name = excluded.name, token_hash = excluded.token_hash, request_id = excluded.request_id, created_at = now(),
         expires_at = excluded.expires_at
   where r.request_id < excluded.request_id and r.created_at < now() - make_interval(secs => p_quiet_seconds);
  return found;
end $$;

ALTER FUNCTION app.keep_registration(p_email text, p_name text, p_token_hash bytea, p_request uuid, p_hours integer, p_quiet_seconds integer) OWNER TO slipway_door;

CREATE FUNCTION app.kept_months(p_table text) RETURNS integer
    LANGUAGE sql IMMUTABLE
    RETURN CASE p_table WHEN 'room_events'::text THEN 3 WHEN 'usage_hours'::text THEN 4 WHEN 'usage_events'::text THEN 25 ELSE NULL::integer END;

ALTER FUNCTION app.kept_months(p_table text) OWNER TO slipway_owner;

CREATE FUNCTION app.limit_of(p_team uuid, p_meter text, OUT value bigint, OUT period text, OUT hard boolean) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'public'
    AS $$
begin
  select l.value, l.period, l.hard into value, period, hard from app.limits_of(p_team, array[p_meter]) l;
end $$;

ALTER FUNCTION app.limit_of(p_team uuid, p_meter text, OUT value bigint, OUT period text, OUT hard boolean) OWNER TO slipway_owner;

CREATE FUNCTION app.limits_of(p_team uuid, p_meters text[]) RETURNS TABLE(meter text, value bigint, period text, hard boolean, source text, until timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION app.limits_of(p_team uuid, p_meters text[]) OWNER TO slipway_door;

CREATE FUNCTION app.listeners(p_team uuid, p_room uuid, p_roles text[]) RETURNS text[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  return (select array_agg(s.connection_id) from subscriptions s
    join rooms r on r.team_id = s.team_id and r.id = s.room_id
    left join team_members m on m.team_id = s.team_id and m.user_id = s.user_id
    left join workspace_members g on g.team_id = s.team_id and g.workspace_id = r.workspace_id and g.user_id = s.user_id
   where s.team_id = p_team and s.room_id = p_room and coalesce(m.role, 'guest_' || g.role) = any (p_roles)
     and (select case
            when c.key_id is not null then
              (select k.revoked_at is null and coalesce(k.expires_at > now(), true)
                      and coalesce(k.workspace_id = r.workspace_id, true) from api_keys k where k.id = c.key_id)
            when c.session_id is not null then
              (select e.revoked_at is null and e.expires_at > now()
                 from sessions e where e.user_id = c.user_id and e.id = c.session_id)
            else true end from connections c where c.id = s.connection_id));
end $$;

ALTER FUNCTION app.listeners(p_team uuid, p_room uuid, p_roles text[]) OWNER TO slipway_door;

CREATE FUNCTION app.login_user(p_email text) RETURNS TABLE(id uuid, password_hash text)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select u.id, u.password_hash from users u where u.email = p_email
$$;

ALTER FUNCTION app.login_user(p_email text) OWNER TO slipway_door;

CREATE FUNCTION app.make_partitions(p_table text, p_ahead integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '5s'
    AS $$
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

ALTER FUNCTION app.make_partitions(p_table text, p_ahead integer) OWNER TO slipway_owner;

CREATE FUNCTION app.meter(p_team uuid[], p_meter text[], p_source text[], p_at timestamp with time zone[], p_quantity bigint[], p_user uuid[], p_project uuid[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  if exists (select from unnest(p_team) t (id)
              where (t.id = any (app.teams())) is not true
                and not exists (select from workspaces w where w.team_id = t.id and w.id = any (app.workspaces()))) then
    raise insufficient_privilege using message = 'A line may be added only for a team that the transaction acts for.';
  end if;
  return app.add_lines(p_team, p_meter, p_source, p_at, p_quantity, p_user, p_project);
end $$;

ALTER FUNCTION app.meter(p_team uuid[], p_meter text[], p_source text[], p_at timestamp with time zone[], p_quantity bigint[], p_user uuid[], p_project uuid[]) OWNER TO slipway_door;

CREATE FUNCTION app.meter_calls(p_rows integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION app.meter_calls(p_rows integer) OWNER TO slipway_door;

CREATE FUNCTION app.meter_storage(p_after uuid, p_teams integer) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION app.meter_storage(p_after uuid, p_teams integer) OWNER TO slipway_door;

CREATE FUNCTION app.next_queued_runs(p_limit bigint) RETURNS TABLE(team_id uuid, id uuid)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select r.team_id, r.id from runs r where r.status = 'queued' and r.finished_at is null order by r.created_at limit p_limit
$$;

ALTER FUNCTION app.next_queued_runs(p_limit bigint) OWNER TO slipway_door;

CREATE TABLE public.invitations (
    team_id uuid NOT NULL,
    id uuid NOT NULL,
    workspace_id uuid,
    email text,
    role text NOT NULL,
    token_hash bytea NOT NULL,
    invited_by uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    accepted_at timestamp with time zone,
    accepted_by uuid,
    revoked_at timestamp with time zone,
    CONSTRAINT invitations_check CHECK (((workspace_id IS NULL) OR (role = ANY (ARRAY['editor'::text, 'viewer'::text])))),
    CONSTRAINT invitations_check1 CHECK (((accepted_at IS NULL) = (accepted_by IS NULL))),
    CONSTRAINT invitations_email_check CHECK ((email = lower(email))),
    CONSTRAINT invitations_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'editor'::text, 'viewer'::text, 'billing'::text]))),
    CONSTRAINT invitations_token_hash_check CHECK ((length(token_hash) = 32))
);

ALTER TABLE ONLY public.invitations FORCE ROW LEVEL SECURITY;

ALTER TABLE public.invitations OWNER TO slipway_owner;

CREATE FUNCTION app.open_invitation(p_token_hash bytea, p_inviters text[]) RETURNS SETOF public.invitations
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select i.* from invitations i
    join team_members m on m.team_id = i.team_id and m.user_id = i.invited_by and m.role = any (p_inviters)
   where i.token_hash = p_token_hash and i.accepted_at is null and i.revoked_at is null and i.expires_at > now()
$$;

ALTER FUNCTION app.open_invitation(p_token_hash bytea, p_inviters text[]) OWNER TO slipway_door;

CREATE FUNCTION app.operate(p_team uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  perform app.require_operator();
  if not exists (select from teams t where t.id = p_team) then return false; end if;
  perform set_config('app.team_ids', array[p_team]::text, true);
  return true;
end $$;

ALTER FUNCTION app.operate(p_team uuid) OWNER TO slipway_door;

CREATE FUNCTION app.operator_addresses() RETURNS TABLE(email text)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select u.email from users u where u.operator order by u.email
$$;

ALTER FUNCTION app.operator_addresses() OWNER TO slipway_door;

CREATE FUNCTION app.operator_clear_limit(p_team uuid, p_meter text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  perform app.require_operator();
  perform app.clear_limit(p_team, p_meter);
end $$;

ALTER FUNCTION app.operator_clear_limit(p_team uuid, p_meter text) OWNER TO slipway_door;

CREATE FUNCTION app.operator_set_limit(p_team uuid, p_meter text, p_value bigint, p_until timestamp with time zone, p_reason text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  perform app.require_operator();
  return app.set_limit(p_team, p_meter, p_value, p_until, p_reason, app.user_id());
end $$;

ALTER FUNCTION app.operator_set_limit(p_team uuid, p_meter text, p_value bigint, p_until timestamp with time zone, p_reason text) OWNER TO slipway_door;

CREATE FUNCTION app.operator_set_plan(p_team uuid, p_plan text, p_from timestamp with time zone, p_reason text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  perform app.require_operator();
  return app.set_plan(p_team, p_plan, p_from, p_reason, app.user_id());
end $$;

ALTER FUNCTION app.operator_set_plan(p_team uuid, p_plan text, p_from timestamp with time zone, p_reason text) OWNER TO slipway_door;

CREATE FUNCTION app.operator_teams(p_id uuid, p_text text, p_before uuid, p_limit integer) RETURNS TABLE(id uuid, name text, plan text, created_at timestamp with time zone, members bigint, owners text[])
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION app.operator_teams(p_id uuid, p_text text, p_before uuid, p_limit integer) OWNER TO slipway_door;

CREATE FUNCTION app.operators() RETURNS TABLE(id uuid, email text, name text)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select u.id, u.email, u.name from users u where u.operator order by u.email
$$;

ALTER FUNCTION app.operators() OWNER TO slipway_door;

CREATE FUNCTION app.outbox_sent(ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
  perform set_config('synchronous_commit', 'off', true);
  delete from public.outbox where id = any (ids);
end $$;

ALTER FUNCTION app.outbox_sent(ids uuid[]) OWNER TO slipway_owner;

CREATE TABLE public.quota_usage (
    team_id uuid NOT NULL,
    meter text NOT NULL,
    period_start date NOT NULL,
    used bigint DEFAULT 0 NOT NULL,
    reserved bigint DEFAULT 0 NOT NULL,
    CONSTRAINT quota_usage_reserved_check CHECK ((reserved >= 0)),
    CONSTRAINT quota_usage_used_check CHECK ((used >= 0))
)
WITH (fillfactor='50');

ALTER TABLE ONLY public.quota_usage FORCE ROW LEVEL SECURITY;

ALTER TABLE public.quota_usage OWNER TO slipway_owner;

CREATE FUNCTION app.over_quota(p_team uuid, p_meter text) RETURNS TABLE(meter text, value bigint, used bigint, amount bigint, period text, resets_at timestamp with time zone)
    LANGUAGE sql STABLE ROWS 1
    SET search_path TO 'pg_catalog', 'public'
    BEGIN ATOMIC
 SELECT u.meter,
     l.value,
     (u.used - 1),
     (1)::bigint AS int8,
     l.period,
     NULL::timestamp with time zone AS timestamptz
    FROM public.quota_usage u,
     app.limit_of(over_quota.p_team, over_quota.p_meter) l(value, period, hard)
   WHERE ((u.team_id = over_quota.p_team) AND (u.meter = over_quota.p_meter) AND (u.period_start = '1970-01-01'::date) AND l.hard AND (u.used > l.value));
END;

ALTER FUNCTION app.over_quota(p_team uuid, p_meter text) OWNER TO slipway_owner;

CREATE FUNCTION app.overdue_runs(p_waiting interval, p_limit integer) RETURNS TABLE(team_id uuid, id uuid)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select r.team_id, r.id from runs r
   where r.finished_at is null
     and (r.deadline_at < now() or (r.status <> 'queued' and r.lease_expires_at < now())
          or (r.status = 'queued' and r.created_at < now() - p_waiting))
   order by r.status = 'queued', r.created_at limit p_limit
$$;

ALTER FUNCTION app.overdue_runs(p_waiting interval, p_limit integer) OWNER TO slipway_door;

CREATE FUNCTION app.period_end(p_period text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE p_period WHEN 'day'::text THEN ((date_trunc('day'::text, (now() AT TIME ZONE 'UTC'::text)) + '1 day'::interval) AT TIME ZONE 'UTC'::text) WHEN 'month'::text THEN ((date_trunc('month'::text, (now() AT TIME ZONE 'UTC'::text)) + '1 mon'::interval) AT TIME ZONE 'UTC'::text) ELSE NULL::timestamp with time zone END;

ALTER FUNCTION app.period_end(p_period text) OWNER TO slipway_owner;

CREATE FUNCTION app.period_start(p_period text) RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE p_period WHEN 'day'::text THEN ((now() AT TIME ZONE 'UTC'::text))::date WHEN 'month'::text THEN (date_trunc('month'::text, (now() AT TIME ZONE 'UTC'::text)))::date ELSE '1970-01-01'::date END;

ALTER FUNCTION app.period_start(p_period text) OWNER TO slipway_owner;

CREATE FUNCTION app.plan_of(p_team uuid) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  return (select h.plan from team_plans h
           where h.team_id = p_team and h.effective_from <= now() and (h.effective_to is null or h.effective_to > now())
           order by h.effective_from desc limit 1);
end $$;

ALTER FUNCTION app.plan_of(p_team uuid) OWNER TO slipway_door;

CREATE FUNCTION app.preview_invitation(p_token_hash bytea, p_inviters text[]) RETURNS TABLE(team_id uuid, team_name text, workspace_id uuid, workspace_name text, role text, invited_by_name text, expires_at timestamp with time zone, acceptable boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  return query
  select i.team_id, t.name, i.workspace_id, w.name, i.role, u.name, i.expires_at,
         i.email is null or (me.email = i.email and me.email_verified_at is not null)
    from app.open_invitation(p_token_hash, p_inviters) i
    join teams t on t.id = i.team_id
    join users u on u.id = i.invited_by
    join users me on me.id = app.user_id()
    left join workspaces w on w.team_id = i.team_id and w.id = i.workspace_id;
end $$;

ALTER FUNCTION app.preview_invitation(p_token_hash bytea, p_inviters text[]) OWNER TO slipway_door;

CREATE FUNCTION app.redeem_ticket(p_token_hash bytea) RETURNS TABLE(user_id uuid, session_id uuid, key_id uuid)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  delete from socket_tickets t where t.token_hash = p_token_hash and t.expires_at > now()
  returning t.user_id, t.session_id, t.key_id
$$;

ALTER FUNCTION app.redeem_ticket(p_token_hash bytea) OWNER TO slipway_door;

CREATE FUNCTION app.refresh_token_user(p_token_hash bytea) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select t.user_id from refresh_tokens t where t.token_hash = p_token_hash
$$;

ALTER FUNCTION app.refresh_token_user(p_token_hash bytea) OWNER TO slipway_door;

CREATE FUNCTION app.refuse_rewriting() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  if tg_op = 'DELETE' then
    if not exists (select from teams t where t.id = old.team_id) then return old; end if;
  end if;
  raise exception '% is append-only: % is refused', tg_table_name, lower(tg_op);
end $$;

ALTER FUNCTION app.refuse_rewriting() OWNER TO slipway_door;

CREATE FUNCTION app.replay_usage(p_team uuid, p_first date, p_last date, p_mend boolean) RETURNS TABLE(summary text, meter text, at timestamp with time zone, user_id uuid, project_id uuid, kept bigint, counted bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
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

ALTER FUNCTION app.replay_usage(p_team uuid, p_first date, p_last date, p_mend boolean) OWNER TO slipway_door;

CREATE FUNCTION app.require_operator() RETURNS void
    LANGUAGE plpgsql STABLE
    AS $$
begin
  if not app.is_operator() then
    raise insufficient_privilege using message = 'This is for operators.';
  end if;
end $$;

ALTER FUNCTION app.require_operator() OWNER TO slipway_door;

CREATE FUNCTION app.reserve(p_team uuid, p_source text, p_meters text[], p_amounts bigint[], p_seconds integer) RETURNS TABLE(meter text, value bigint, used bigint, amount bigint, period text, resets_at timestamp with time zone)
    LANGUAGE plpgsql ROWS 1
    SET search_path TO 'pg_catalog', 'public'
    AS $$
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

ALTER FUNCTION app.reserve(p_team uuid, p_source text, p_meters text[], p_amounts bigint[], p_seconds integer) OWNER TO slipway_owner;

CREATE FUNCTION app.set_limit(p_team uuid, p_meter text, p_value bigint, p_until timestamp with time zone, p_reason text, p_by uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION app.set_limit(p_team uuid, p_meter text, p_value bigint, p_until timestamp with time zone, p_reason text, p_by uuid) OWNER TO slipway_door;

CREATE FUNCTION app.set_operator(p_email text, p_operator boolean) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  update users u set operator = p_operator where u.email = lower(p_email);
  return found;
end $$;

ALTER FUNCTION app.set_operator(p_email text, p_operator boolean) OWNER TO slipway_door;

CREATE FUNCTION app.set_plan(p_team uuid, p_plan text, p_from timestamp with time zone, p_reason text, p_by uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION app.set_plan(p_team uuid, p_plan text, p_from timestamp with time zone, p_reason text, p_by uuid) OWNER TO slipway_door;

CREATE FUNCTION app.settle(p_team uuid, p_source text, p_meters text[], p_actual bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public'
    AS $$
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

ALTER FUNCTION app.settle(p_team uuid, p_source text, p_meters text[], p_actual bigint[]) OWNER TO slipway_owner;

CREATE FUNCTION app.take_oidc_login(p_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  insert into oidc_logins (id) values (p_id) on conflict do nothing;
  return found;
end $$;

ALTER FUNCTION app.take_oidc_login(p_id uuid) OWNER TO slipway_door;

CREATE FUNCTION app.take_registration(p_token_hash bytea) RETURNS TABLE(email text, name text)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  delete from registrations r where r.token_hash = p_token_hash and r.expires_at > now() returning r.email, r.name
$$;

ALTER FUNCTION app.take_registration(p_token_hash bytea) OWNER TO slipway_door;

CREATE FUNCTION app.take_tokens(p_team uuid, p_subjects text[], p_ids uuid[], p_class text) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  own_plan text;
  left_over jsonb;
begin
  -- As app.plan_of and app.default_plan, whose calls cost more than their looks.
  select case when p_team is null then (select p.default_plan from platform p) else (
    select h.plan from team_plans h
     where h.team_id = p_team and h.effective_from <= now() and (h.effective_to is null or h.effective_to > now())
     order by h.effective_from desc limit 1) end into own_plan;
  if not exists (select from plan_rates r where r.class = p_class and r.plan = own_plan) then -- nothing to take: a member's call is counted, the user's being the first of the subjects
    if p_team is not null then
      update rate_buckets b set calls = b.calls + 1 where b.team_id = p_team and b.subject = p_ids[1] and b.class = p_class;
      if not found then
        insert into rate_buckets as b (team_id, subject, class, filled_at, calls) values (p_team, p_ids[1], p_class, now(), 1)
        on conflict (team_id, subject, class) do update set calls = b.calls + 1;
      end if;
    end if;
    return null;
  end if;
  with taken as (
    insert into rate_buckets as b (team_id, subject, class, kind, burst, per_minute, tokens, filled_at, calls)
    select coalesce(p_team, nobody), s.id, p_class, s.kind, r.burst, r.per_minute, r.burst - 1,
           clock_timestamp(), (p_team is not null and s.kind = 'user')::integer
      from unnest(p_subjects, p_ids) as s (kind, id)
      left join plan_rates r
        on r.plan = own_plan and r.class = p_class and r.subject = s.kind
     where s.id is not null and (r.burst is not null or (p_team is not null and s.kind = 'user'))
    on conflict (team_id, subject, class) do update
       set kind = excluded.kind, burst = excluded.burst, per_minute = excluded.per_minute, calls = b.calls + excluded.calls,
           filled_at = greatest(b.filled_at, excluded.filled_at),
           tokens = least(excluded.burst, coalesce(b.tokens, excluded.burst) + excluded.per_minute / 60.0
                      * greatest(0, extract(epoch from excluded.filled_at - b.filled_at))) - 1
    returning b.kind, b.burst, b.per_minute, b.tokens
  )
  select jsonb_agg(jsonb_build_object('subject', t.kind, 'burst', t.burst, 'per_minute', t.per_minute, 'tokens', t.tokens)
                   order by t.tokens / t.burst)
    into left_over from taken t where t.burst is not null;
  if (left_over -> 0 ->> 'tokens')::double precision < 0 then
    raise exception using errcode = 'SL429', message = 'too_many_requests', detail = (left_over -> 0)::text;
  end if;
  return left_over;
end $$;

ALTER FUNCTION app.take_tokens(p_team uuid, p_subjects text[], p_ids uuid[], p_class text) OWNER TO slipway_door;

CREATE FUNCTION app.team_people(p_team uuid, p_user uuid, p_before uuid, p_limit bigint) RETURNS TABLE(user_id uuid, name text, email text, role text, joined_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select m.user_id, u.name, u.email, m.role, m.created_at from team_members m join users u on u.id = m.user_id
   where p_team = any (app.teams()) and m.team_id = p_team and m.user_id < p_before
     and (p_user is null or m.user_id = p_user)
   order by m.user_id desc limit p_limit
$$;

ALTER FUNCTION app.team_people(p_team uuid, p_user uuid, p_before uuid, p_limit bigint) OWNER TO slipway_door;

CREATE FUNCTION app.teams() RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('app.team_ids'::text, true), ''::text))::uuid[];

ALTER FUNCTION app.teams() OWNER TO slipway_owner;

CREATE FUNCTION app.teams_after(p_after uuid, p_limit integer) RETURNS SETOF uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select t.id from teams t where t.id > p_after order by t.id limit p_limit
$$;

ALTER FUNCTION app.teams_after(p_after uuid, p_limit integer) OWNER TO slipway_door;

CREATE FUNCTION app.usage_crossings(p_limit integer) RETURNS TABLE(team_id uuid, meter text, period_start timestamp with time zone, resets_at timestamp with time zone, percent integer, used bigint, allowed bigint, hard boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
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

ALTER FUNCTION app.usage_crossings(p_limit integer) OWNER TO slipway_door;

CREATE FUNCTION app.walk_audit(p_team uuid, p_after bigint, p_hash bytea, p_count integer, OUT events bigint, OUT hash bytea, OUT broken_seq bigint, OUT head_seq bigint, OUT head_hash bytea) RETURNS record
    LANGUAGE sql STABLE
    AS $$
  with head as (
    select coalesce(min(h.seq), 0) as seq, coalesce((array_agg(h.hash))[1], app.audit_genesis(p_team)) as hash,
           (select coalesce(max(e.seq), 0) from public.audit_events e where e.team_id = p_team) as last
      from public.audit_heads h where h.team_id = p_team
  ), walked as (
    select e.seq, e.hash, lag(e.seq, 1, p_after) over (order by e.seq, e.at) + 1 as expected,
           e.previous = lag(e.hash, 1, p_hash) over (order by e.seq, e.at)
             and e.hash = sha256(e.previous || app.audit_bytes(e)) as fits
      from public.audit_events e where e.team_id = p_team and e.seq > p_after and e.seq <= p_after + p_count
  ), found as (
    select count(*) as events, coalesce(max(w.seq), p_after) as seq,
           coalesce((array_agg(w.hash order by w.seq desc))[1], p_hash) as hash,
           min(least(w.seq, w.expected)) filter (where w.seq <> w.expected or not w.fits) as misfit
      from walked w
  )
  select f.events, f.hash,
         coalesce(f.misfit,
           case when f.seq < least(p_after + p_count, head.seq) then f.seq + 1
                when head.seq <= p_after + p_count and (f.seq > head.seq or head.last > head.seq) then head.seq + 1
                when f.seq = head.seq and f.hash <> head.hash then head.seq end),
         head.seq, head.hash
    from found f, head
$$;

ALTER FUNCTION app.walk_audit(p_team uuid, p_after bigint, p_hash bytea, p_count integer, OUT events bigint, OUT hash bytea, OUT broken_seq bigint, OUT head_seq bigint, OUT head_hash bytea) OWNER TO slipway_owner;

CREATE FUNCTION app.workspace_guests(p_team uuid, p_workspace uuid, p_user uuid, p_before uuid, p_limit bigint) RETURNS TABLE(user_id uuid, name text, email text, role text, joined_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select g.user_id, u.name, u.email, g.role, g.created_at from workspace_members g join users u on u.id = g.user_id
   where (p_team = any (app.teams()) or (p_workspace = any (app.workspaces()) and app.is_member(p_team)))
     and g.team_id = p_team and g.workspace_id = p_workspace and g.user_id < p_before
     and (p_user is null or g.user_id = p_user)
   order by g.user_id desc limit p_limit
$$;

ALTER FUNCTION app.workspace_guests(p_team uuid, p_workspace uuid, p_user uuid, p_before uuid, p_limit bigint) OWNER TO slipway_door;

CREATE FUNCTION app.workspaces() RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('app.workspace_ids'::text, true), ''::text))::uuid[];

ALTER FUNCTION app.workspaces() OWNER TO slipway_owner;

CREATE TABLE public.account_events (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    action text NOT NULL,
    credential text NOT NULL,
    credential_id uuid,
    address text NOT NULL,
    user_agent text NOT NULL,
    request_id text NOT NULL,
    details jsonb NOT NULL,
    CONSTRAINT account_events_credential_check CHECK ((credential = ANY (ARRAY['none'::text, 'session'::text, 'key'::text])))
);

ALTER TABLE ONLY public.account_events FORCE ROW LEVEL SECURITY;

ALTER TABLE public.account_events OWNER TO slipway_owner;

CREATE TABLE public.api_keys (
    team_id uuid NOT NULL,
    id uuid NOT NULL,
    workspace_id uuid,
    user_id uuid NOT NULL,
    name text NOT NULL,
    token_hash bytea NOT NULL,
    last_four text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT api_keys_token_hash_check CHECK ((length(token_hash) = 32))
);

ALTER TABLE ONLY public.api_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE public.api_keys OWNER TO slipway_owner;

CREATE TABLE public.audit_events_202611 (
    team_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    user_id uuid,
    credential text NOT NULL,
    credential_id uuid,
    action text NOT NULL,
    target text NOT NULL,
    before jsonb,
    after jsonb,
    address text NOT NULL,
    user_agent text NOT NULL,
    request_id text NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_events_credential_check CHECK ((credential = ANY (ARRAY['session'::text, 'key'::text, 'operator'::text, 'platform'::text]))),
    CONSTRAINT audit_events_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT audit_events_previous_check CHECK ((length(previous) = 32)),
    CONSTRAINT audit_events_seq_check CHECK ((seq > 0))
);

ALTER TABLE public.audit_events_202611 OWNER TO slipway_owner;

CREATE TABLE public.audit_events_202612 (
    team_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    user_id uuid,
    credential text NOT NULL,
    credential_id uuid,
    action text NOT NULL,
    target text NOT NULL,
    before jsonb,
    after jsonb,
    address text NOT NULL,
    user_agent text NOT NULL,
    request_id text NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_events_credential_check CHECK ((credential = ANY (ARRAY['session'::text, 'key'::text, 'operator'::text, 'platform'::text]))),
    CONSTRAINT audit_events_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT audit_events_previous_check CHECK ((length(previous) = 32)),
    CONSTRAINT audit_events_seq_check CHECK ((seq > 0))
);

ALTER TABLE public.audit_events_202612 OWNER TO slipway_owner;

CREATE TABLE public.audit_events_202701 (
    team_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    user_id uuid,
    credential text NOT NULL,
    credential_id uuid,
    action text NOT NULL,
    target text NOT NULL,
    before jsonb,
    after jsonb,
    address text NOT NULL,
    user_agent text NOT NULL,
    request_id text NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_events_credential_check CHECK ((credential = ANY (ARRAY['session'::text, 'key'::text, 'operator'::text, 'platform'::text]))),
    CONSTRAINT audit_events_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT audit_events_previous_check CHECK ((length(previous) = 32)),
    CONSTRAINT audit_events_seq_check CHECK ((seq > 0))
);

ALTER TABLE public.audit_events_202701 OWNER TO slipway_owner;

CREATE TABLE public.audit_events_rest (
    team_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    user_id uuid,
    credential text NOT NULL,
    credential_id uuid,
    action text NOT NULL,
    target text NOT NULL,
    before jsonb,
    after jsonb,
    address text NOT NULL,
    user_agent text NOT NULL,
    request_id text NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_events_credential_check CHECK ((credential = ANY (ARRAY['session'::text, 'key'::text, 'operator'::text, 'platform'::text]))),
    CONSTRAINT audit_events_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT audit_events_previous_check CHECK ((length(previous) = 32)),
    CONSTRAINT audit_events_seq_check CHECK ((seq > 0))
);

ALTER TABLE public.audit_events_rest OWNER TO slipway_owner;

CREATE TABLE public.audit_heads (
    team_id uuid NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT audit_heads_hash_check CHECK ((length(hash) = 32))
);

ALTER TABLE ONLY public.audit_heads FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_heads OWNER TO slipway_owner;

CREATE TABLE public.blobs (
    team_id uuid NOT NULL,
    sha256 bytea NOT NULL,
    size bigint NOT NULL,
    encoding text NOT NULL,
    content bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT blobs_encoding_check CHECK ((encoding = ANY (ARRAY['identity'::text, 'deflate'::text]))),
    CONSTRAINT blobs_sha256_check CHECK ((length(sha256) = 32))
);
ALTER TABLE ONLY public.blobs ALTER COLUMN content SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.blobs FORCE ROW LEVEL SECURITY;

ALTER TABLE public.blobs OWNER TO slipway_owner;

CREATE TABLE public.connections (
    id text NOT NULL,
    user_id uuid NOT NULL,
    connected_at timestamp with time zone DEFAULT now() NOT NULL,
    session_id uuid,
    key_id uuid
);

ALTER TABLE ONLY public.connections FORCE ROW LEVEL SECURITY;

ALTER TABLE public.connections OWNER TO slipway_owner;

CREATE TABLE public.email_tokens (
    user_id uuid NOT NULL,
    kind text NOT NULL,
    token_hash bytea NOT NULL,
    email text NOT NULL,
    request_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT email_tokens_kind_check CHECK ((kind = ANY (ARRAY['verify'::text, 'change'::text, 'reset'::text, 'taken'::text]))),
    CONSTRAINT email_tokens_token_hash_check CHECK ((length(token_hash) = 32))
);

ALTER TABLE ONLY public.email_tokens FORCE ROW LEVEL SECURITY;

ALTER TABLE public.email_tokens OWNER TO slipway_owner;

CREATE TABLE public.file_versions (
    team_id uuid NOT NULL,
    file_id uuid NOT NULL,
    version bigint NOT NULL,
    project_id uuid NOT NULL,
    path text NOT NULL,
    sha256 bytea,
    size bigint NOT NULL,
    saved_by uuid NOT NULL,
    saved_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.file_versions FORCE ROW LEVEL SECURITY;

ALTER TABLE public.file_versions OWNER TO slipway_owner;

CREATE TABLE public.files (
    team_id uuid NOT NULL,
    id uuid NOT NULL,
    project_id uuid NOT NULL,
    path text NOT NULL,
    path_key text NOT NULL COLLATE pg_catalog."C",
    sha256 bytea NOT NULL,
    size bigint NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_by uuid NOT NULL
);

ALTER TABLE ONLY public.files FORCE ROW LEVEL SECURITY;

ALTER TABLE public.files OWNER TO slipway_owner;

CREATE TABLE public.idempotency_keys (
    user_id uuid NOT NULL,
    key_hash bytea NOT NULL,
    request_hash bytea NOT NULL,
    status integer,
    headers jsonb,
    body text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_keys_key_hash_check CHECK ((length(key_hash) = 32)),
    CONSTRAINT idempotency_keys_request_hash_check CHECK ((length(request_hash) = 32))
);

ALTER TABLE ONLY public.idempotency_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE public.idempotency_keys OWNER TO slipway_owner;

CREATE TABLE public.identities (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    provider text NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    email text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.identities FORCE ROW LEVEL SECURITY;

ALTER TABLE public.identities OWNER TO slipway_owner;

CREATE UNLOGGED TABLE public.login_attempts (
    account bytea NOT NULL,
    network text NOT NULL,
    known boolean NOT NULL,
    attempts integer NOT NULL,
    last_at timestamp with time zone NOT NULL,
    not_before timestamp with time zone NOT NULL,
    CONSTRAINT login_attempts_account_check CHECK ((length(account) = 32))
);

ALTER TABLE public.login_attempts OWNER TO slipway_owner;

CREATE TABLE public.oidc_logins (
    id uuid NOT NULL,
    taken_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.oidc_logins OWNER TO slipway_owner;

CREATE TABLE public.outbox (
    id uuid NOT NULL,
    queue text NOT NULL,
    body text NOT NULL,
    delay_seconds integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.outbox OWNER TO slipway_owner;

CREATE TABLE public.plan_limits (
    plan text NOT NULL,
    meter text NOT NULL,
    value bigint,
    period text NOT NULL,
    hard boolean DEFAULT true NOT NULL,
    effective_from timestamp with time zone DEFAULT '2026-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    effective_to timestamp with time zone,
    CONSTRAINT plan_limits_check CHECK ((effective_to >= effective_from)),
    CONSTRAINT plan_limits_period_check CHECK ((period = ANY (ARRAY['day'::text, 'month'::text, 'standing'::text, 'each'::text])))
);

ALTER TABLE public.plan_limits OWNER TO slipway_owner;

CREATE TABLE public.plan_prices (
    plan text NOT NULL,
    currency text NOT NULL,
    "interval" text NOT NULL,
    amount bigint NOT NULL,
    effective_from timestamp with time zone DEFAULT '2026-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    effective_to timestamp with time zone,
    CONSTRAINT plan_prices_amount_check CHECK ((amount >= 0)),
    CONSTRAINT plan_prices_check CHECK ((effective_to >= effective_from)),
    CONSTRAINT plan_prices_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT plan_prices_interval_check CHECK (("interval" = ANY (ARRAY['month'::text, 'year'::text])))
);

ALTER TABLE public.plan_prices OWNER TO slipway_owner;

CREATE TABLE public.plan_rates (
    plan text NOT NULL,
    subject text NOT NULL,
    class text NOT NULL,
    burst integer NOT NULL,
    per_minute integer NOT NULL,
    CONSTRAINT plan_rates_burst_check CHECK ((burst > 0)),
    CONSTRAINT plan_rates_per_minute_check CHECK ((per_minute > 0)),
    CONSTRAINT plan_rates_subject_check CHECK ((subject = ANY (ARRAY['address'::text, 'user'::text, 'key'::text, 'team'::text])))
);

ALTER TABLE public.plan_rates OWNER TO slipway_owner;

CREATE TABLE public.plans (
    name text NOT NULL,
    title text NOT NULL,
    self_hosted boolean DEFAULT false NOT NULL,
    rank smallint DEFAULT 0 NOT NULL,
    teams_per_person integer,
    CONSTRAINT plans_teams_per_person_check CHECK ((teams_per_person > 0))
);

ALTER TABLE public.plans OWNER TO slipway_owner;

CREATE TABLE public.platform (
    only_row boolean DEFAULT true NOT NULL,
    default_plan text NOT NULL,
    CONSTRAINT platform_only_row_check CHECK (only_row)
);

ALTER TABLE public.platform OWNER TO slipway_owner;

CREATE TABLE public.projects (
    team_id uuid NOT NULL,
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    version bigint DEFAULT 1 NOT NULL
);

ALTER TABLE ONLY public.projects FORCE ROW LEVEL SECURITY;

ALTER TABLE public.projects OWNER TO slipway_owner;

CREATE TABLE public.quota_reservations (
    team_id uuid NOT NULL,
    source text NOT NULL,
    meter text NOT NULL,
    period_start date NOT NULL,
    amount bigint NOT NULL,
    hard boolean NOT NULL,
    state text DEFAULT 'held'::text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    CONSTRAINT quota_reservations_amount_check CHECK ((amount >= 0)),
    CONSTRAINT quota_reservations_check CHECK (((settled_at IS NULL) = (state = 'held'::text))),
    CONSTRAINT quota_reservations_state_check CHECK ((state = ANY (ARRAY['held'::text, 'committed'::text, 'released'::text, 'expired'::text])))
);

ALTER TABLE ONLY public.quota_reservations FORCE ROW LEVEL SECURITY;

ALTER TABLE public.quota_reservations OWNER TO slipway_owner;

CREATE UNLOGGED TABLE public.rate_buckets (
    team_id uuid NOT NULL,
    subject uuid NOT NULL,
    class text NOT NULL,
    kind text,
    burst integer,
    per_minute integer,
    tokens double precision,
    filled_at timestamp with time zone NOT NULL,
    calls bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0.05');

ALTER TABLE public.rate_buckets OWNER TO slipway_owner;

CREATE TABLE public.refresh_tokens (
    token_hash bytea NOT NULL,
    parent_hash bytea,
    user_id uuid NOT NULL,
    session_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT refresh_tokens_token_hash_check CHECK ((length(token_hash) = 32))
);

ALTER TABLE ONLY public.refresh_tokens FORCE ROW LEVEL SECURITY;

ALTER TABLE public.refresh_tokens OWNER TO slipway_owner;

CREATE TABLE public.registrations (
    email text NOT NULL,
    name text NOT NULL,
    token_hash bytea NOT NULL,
    request_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT registrations_email_check CHECK ((email = lower(email))),
    CONSTRAINT registrations_token_hash_check CHECK ((length(token_hash) = 32))
);

ALTER TABLE public.registrations OWNER TO slipway_owner;

CREATE TABLE public.room_events (
    team_id uuid NOT NULL,
    room_id uuid NOT NULL,
    seq bigint NOT NULL,
    type text NOT NULL,
    data jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
)
PARTITION BY RANGE (created_at);

ALTER TABLE ONLY public.room_events FORCE ROW LEVEL SECURITY;

ALTER TABLE public.room_events OWNER TO slipway_owner;

CREATE TABLE public.room_events_rest (
    team_id uuid NOT NULL,
    room_id uuid NOT NULL,
    seq bigint NOT NULL,
    type text NOT NULL,
    data jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.room_events_rest OWNER TO slipway_owner;

CREATE TABLE public.rooms (
    team_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    last_seq bigint DEFAULT 0 NOT NULL,
    workspace_id uuid NOT NULL,
    CONSTRAINT rooms_kind_check CHECK ((kind = ANY (ARRAY['workspace'::text, 'project'::text, 'run'::text])))
);

ALTER TABLE ONLY public.rooms FORCE ROW LEVEL SECURITY;

ALTER TABLE public.rooms OWNER TO slipway_owner;

CREATE TABLE public.run_artifacts (
    team_id uuid NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    attempt integer NOT NULL,
    path text NOT NULL,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT run_artifacts_sha256_check CHECK ((length(sha256) = 32))
);

ALTER TABLE ONLY public.run_artifacts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.run_artifacts OWNER TO slipway_owner;

CREATE TABLE public.runs (
    team_id uuid NOT NULL,
    id uuid NOT NULL,
    project_id uuid NOT NULL,
    created_by uuid NOT NULL,
    tree_sha256 bytea NOT NULL,
    language text,
    entry text,
    arguments text[] DEFAULT '{}'::text[] NOT NULL,
    stdin bytea DEFAULT '\x'::bytea NOT NULL,
    artifacts text[] DEFAULT '{}'::text[] NOT NULL,
    limits jsonb NOT NULL,
    status text DEFAULT 'queued'::text NOT NULL,
    reason text,
    attempt integer DEFAULT 0 NOT NULL,
    refusals integer DEFAULT 0 NOT NULL,
    token_hash bytea,
    output_seq bigint DEFAULT 0 NOT NULL,
    lease_expires_at timestamp with time zone,
    deadline_at timestamp with time zone NOT NULL,
    cancel_requested_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    result jsonb,
    CONSTRAINT runs_check CHECK (((finished_at IS NULL) = (status = ANY (ARRAY['queued'::text, 'starting'::text, 'running'::text])))),
    CONSTRAINT runs_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'starting'::text, 'running'::text, 'succeeded'::text, 'failed'::text, 'timed_out'::text, 'memory_exceeded'::text, 'output_exceeded'::text, 'disk_exceeded'::text, 'process_limit'::text, 'signalled'::text, 'cancelled'::text, 'never_started'::text, 'lost'::text])))
);

ALTER TABLE ONLY public.runs FORCE ROW LEVEL SECURITY;

ALTER TABLE public.runs OWNER TO slipway_owner;

CREATE TABLE public.schema_migrations (
    version text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.schema_migrations OWNER TO slipway_owner;

CREATE TABLE public.sessions (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    user_agent text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    network text DEFAULT ''::text NOT NULL,
    address text DEFAULT ''::text NOT NULL,
    last_used_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.sessions FORCE ROW LEVEL SECURITY;

ALTER TABLE public.sessions OWNER TO slipway_owner;

CREATE TABLE public.signing_keys (
    kid text NOT NULL,
    jwk jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    retired_at timestamp with time zone
);

ALTER TABLE public.signing_keys OWNER TO slipway_owner;

CREATE TABLE public.socket_tickets (
    token_hash bytea NOT NULL,
    user_id uuid NOT NULL,
    session_id uuid,
    expires_at timestamp with time zone NOT NULL,
    key_id uuid,
    CONSTRAINT socket_tickets_credential CHECK ((num_nonnulls(session_id, key_id) = 1)),
    CONSTRAINT socket_tickets_token_hash_check CHECK ((length(token_hash) = 32))
);

ALTER TABLE ONLY public.socket_tickets FORCE ROW LEVEL SECURITY;

ALTER TABLE public.socket_tickets OWNER TO slipway_owner;

CREATE TABLE public.subscriptions (
    team_id uuid NOT NULL,
    room_id uuid NOT NULL,
    connection_id text NOT NULL,
    user_id uuid NOT NULL
);

ALTER TABLE ONLY public.subscriptions FORCE ROW LEVEL SECURITY;

ALTER TABLE public.subscriptions OWNER TO slipway_owner;

CREATE TABLE public.team_overrides (
    team_id uuid NOT NULL,
    meter text NOT NULL,
    effective_from timestamp with time zone NOT NULL,
    effective_to timestamp with time zone,
    value bigint,
    set_by uuid,
    reason text NOT NULL,
    CONSTRAINT team_overrides_check CHECK ((effective_to >= effective_from)),
    CONSTRAINT team_overrides_value_check CHECK ((value >= 0))
);

ALTER TABLE ONLY public.team_overrides FORCE ROW LEVEL SECURITY;

ALTER TABLE public.team_overrides OWNER TO slipway_owner;

CREATE TABLE public.team_plans (
    team_id uuid NOT NULL,
    effective_from timestamp with time zone NOT NULL,
    effective_to timestamp with time zone,
    plan text NOT NULL,
    set_by uuid,
    reason text NOT NULL,
    CONSTRAINT team_plans_check CHECK ((effective_to >= effective_from))
);

ALTER TABLE ONLY public.team_plans FORCE ROW LEVEL SECURITY;

ALTER TABLE public.team_plans OWNER TO slipway_owner;

CREATE TABLE public.teams (
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    version bigint DEFAULT 1 NOT NULL
);

ALTER TABLE ONLY public.teams FORCE ROW LEVEL SECURITY;

ALTER TABLE public.teams OWNER TO slipway_owner;

CREATE TABLE public.trees (
    team_id uuid NOT NULL,
    sha256 bytea NOT NULL,
    entries jsonb NOT NULL,
    files integer NOT NULL,
    bytes bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT trees_sha256_check CHECK ((length(sha256) = 32))
);

ALTER TABLE ONLY public.trees FORCE ROW LEVEL SECURITY;

ALTER TABLE public.trees OWNER TO slipway_owner;

CREATE TABLE public.usage_days (
    team_id uuid NOT NULL,
    meter text NOT NULL COLLATE pg_catalog."C",
    day date NOT NULL,
    user_id uuid NOT NULL,
    project_id uuid NOT NULL,
    quantity bigint NOT NULL,
    events bigint NOT NULL
);

ALTER TABLE ONLY public.usage_days FORCE ROW LEVEL SECURITY;

ALTER TABLE public.usage_days OWNER TO slipway_owner;

CREATE TABLE public.usage_events (
    team_id uuid NOT NULL,
    meter text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    quantity bigint NOT NULL,
    user_id uuid,
    project_id uuid,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT usage_events_meter_check CHECK ((meter ~ '^[a-z][a-z_]{0,39}$'::text)),
    CONSTRAINT usage_events_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT usage_events_source_check CHECK (((length(source) >= 1) AND (length(source) <= 200)))
)
PARTITION BY RANGE (at);

ALTER TABLE ONLY public.usage_events FORCE ROW LEVEL SECURITY;

ALTER TABLE public.usage_events OWNER TO slipway_owner;

CREATE TABLE public.usage_events_202611 (
    team_id uuid NOT NULL,
    meter text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    quantity bigint NOT NULL,
    user_id uuid,
    project_id uuid,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT usage_events_meter_check CHECK ((meter ~ '^[a-z][a-z_]{0,39}$'::text)),
    CONSTRAINT usage_events_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT usage_events_source_check CHECK (((length(source) >= 1) AND (length(source) <= 200)))
);

ALTER TABLE public.usage_events_202611 OWNER TO slipway_owner;

CREATE TABLE public.usage_events_202612 (
    team_id uuid NOT NULL,
    meter text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    quantity bigint NOT NULL,
    user_id uuid,
    project_id uuid,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT usage_events_meter_check CHECK ((meter ~ '^[a-z][a-z_]{0,39}$'::text)),
    CONSTRAINT usage_events_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT usage_events_source_check CHECK (((length(source) >= 1) AND (length(source) <= 200)))
);

ALTER TABLE public.usage_events_202612 OWNER TO slipway_owner;

CREATE TABLE public.usage_events_202701 (
    team_id uuid NOT NULL,
    meter text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    quantity bigint NOT NULL,
    user_id uuid,
    project_id uuid,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT usage_events_meter_check CHECK ((meter ~ '^[a-z][a-z_]{0,39}$'::text)),
    CONSTRAINT usage_events_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT usage_events_source_check CHECK (((length(source) >= 1) AND (length(source) <= 200)))
);

ALTER TABLE public.usage_events_202701 OWNER TO slipway_owner;

CREATE TABLE public.usage_events_rest (
    team_id uuid NOT NULL,
    meter text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    quantity bigint NOT NULL,
    user_id uuid,
    project_id uuid,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT usage_events_meter_check CHECK ((meter ~ '^[a-z][a-z_]{0,39}$'::text)),
    CONSTRAINT usage_events_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT usage_events_source_check CHECK (((length(source) >= 1) AND (length(source) <= 200)))
);

ALTER TABLE public.usage_events_rest OWNER TO slipway_owner;

CREATE TABLE public.usage_hours (
    team_id uuid NOT NULL,
    meter text NOT NULL COLLATE pg_catalog."C",
    hour timestamp with time zone NOT NULL,
    user_id uuid NOT NULL,
    project_id uuid NOT NULL,
    quantity bigint NOT NULL,
    events bigint NOT NULL
)
PARTITION BY RANGE (hour);

ALTER TABLE ONLY public.usage_hours FORCE ROW LEVEL SECURITY;

ALTER TABLE public.usage_hours OWNER TO slipway_owner;

CREATE TABLE public.usage_hours_202611 (
    team_id uuid NOT NULL,
    meter text NOT NULL COLLATE pg_catalog."C",
    hour timestamp with time zone NOT NULL,
    user_id uuid NOT NULL,
    project_id uuid NOT NULL,
    quantity bigint NOT NULL,
    events bigint NOT NULL
);

ALTER TABLE public.usage_hours_202611 OWNER TO slipway_owner;

CREATE TABLE public.usage_hours_202612 (
    team_id uuid NOT NULL,
    meter text NOT NULL COLLATE pg_catalog."C",
    hour timestamp with time zone NOT NULL,
    user_id uuid NOT NULL,
    project_id uuid NOT NULL,
    quantity bigint NOT NULL,
    events bigint NOT NULL
);

ALTER TABLE public.usage_hours_202612 OWNER TO slipway_owner;

CREATE TABLE public.usage_hours_202701 (
    team_id uuid NOT NULL,
    meter text NOT NULL COLLATE pg_catalog."C",
    hour timestamp with time zone NOT NULL,
    user_id uuid NOT NULL,
    project_id uuid NOT NULL,
    quantity bigint NOT NULL,
    events bigint NOT NULL
);

ALTER TABLE public.usage_hours_202701 OWNER TO slipway_owner;

CREATE TABLE public.usage_hours_rest (
    team_id uuid NOT NULL,
    meter text NOT NULL COLLATE pg_catalog."C",
    hour timestamp with time zone NOT NULL,
    user_id uuid NOT NULL,
    project_id uuid NOT NULL,
    quantity bigint NOT NULL,
    events bigint NOT NULL
);

ALTER TABLE public.usage_hours_rest OWNER TO slipway_owner;

CREATE TABLE public.usage_notices (
    team_id uuid NOT NULL,
    meter text NOT NULL COLLATE pg_catalog."C",
    period_start timestamp with time zone NOT NULL,
    percent integer NOT NULL,
    used bigint NOT NULL,
    allowed bigint NOT NULL,
    sent_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT usage_notices_percent_check CHECK ((percent = ANY (ARRAY[50, 80, 100, 200])))
);

ALTER TABLE ONLY public.usage_notices FORCE ROW LEVEL SECURITY;

ALTER TABLE public.usage_notices OWNER TO slipway_owner;

CREATE TABLE public.workers (
    task_arn text NOT NULL,
    address text NOT NULL,
    state text NOT NULL,
    team_id uuid,
    run_id uuid,
    attempt integer,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    claimed_at timestamp with time zone,
    CONSTRAINT workers_state_check CHECK ((state = ANY (ARRAY['idle'::text, 'busy'::text, 'gone'::text])))
);

ALTER TABLE public.workers OWNER TO slipway_owner;

CREATE TABLE public.workspace_members (
    team_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT workspace_members_role_check CHECK ((role = ANY (ARRAY['editor'::text, 'viewer'::text])))
);

ALTER TABLE ONLY public.workspace_members FORCE ROW LEVEL SECURITY;

ALTER TABLE public.workspace_members OWNER TO slipway_owner;

CREATE TABLE public.workspaces (
    team_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    version bigint DEFAULT 1 NOT NULL
);

ALTER TABLE ONLY public.workspaces FORCE ROW LEVEL SECURITY;

ALTER TABLE public.workspaces OWNER TO slipway_owner;

ALTER TABLE ONLY public.audit_events ATTACH PARTITION public.audit_events_202611 FOR VALUES FROM ('2026-11-01 00:00:00+00') TO ('2026-12-01 00:00:00+00');

ALTER TABLE ONLY public.audit_events ATTACH PARTITION public.audit_events_202612 FOR VALUES FROM ('2026-12-01 00:00:00+00') TO ('2027-01-01 00:00:00+00');

ALTER TABLE ONLY public.audit_events ATTACH PARTITION public.audit_events_202701 FOR VALUES FROM ('2027-01-01 00:00:00+00') TO ('2027-02-01 00:00:00+00');

ALTER TABLE ONLY public.audit_events ATTACH PARTITION public.audit_events_rest DEFAULT;

ALTER TABLE ONLY public.room_events ATTACH PARTITION public.room_events_rest DEFAULT;

ALTER TABLE ONLY public.usage_events ATTACH PARTITION public.usage_events_202611 FOR VALUES FROM ('2026-11-01 00:00:00+00') TO ('2026-12-01 00:00:00+00');

ALTER TABLE ONLY public.usage_events ATTACH PARTITION public.usage_events_202612 FOR VALUES FROM ('2026-12-01 00:00:00+00') TO ('2027-01-01 00:00:00+00');

ALTER TABLE ONLY public.usage_events ATTACH PARTITION public.usage_events_202701 FOR VALUES FROM ('2027-01-01 00:00:00+00') TO ('2027-02-01 00:00:00+00');

ALTER TABLE ONLY public.usage_events ATTACH PARTITION public.usage_events_rest DEFAULT;

ALTER TABLE ONLY public.usage_hours ATTACH PARTITION public.usage_hours_202611 FOR VALUES FROM ('2026-11-01 00:00:00+00') TO ('2026-12-01 00:00:00+00');

ALTER TABLE ONLY public.usage_hours ATTACH PARTITION public.usage_hours_202612 FOR VALUES FROM ('2026-12-01 00:00:00+00') TO ('2027-01-01 00:00:00+00');

ALTER TABLE ONLY public.usage_hours ATTACH PARTITION public.usage_hours_202701 FOR VALUES FROM ('2027-01-01 00:00:00+00') TO ('2027-02-01 00:00:00+00');

ALTER TABLE ONLY public.usage_hours ATTACH PARTITION public.usage_hours_rest DEFAULT;

ALTER TABLE ONLY public.account_events
    ADD CONSTRAINT account_events_pkey PRIMARY KEY (user_id, id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_id_key UNIQUE (id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (team_id, id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.audit_events
    ADD CONSTRAINT audit_events_pkey PRIMARY KEY (team_id, seq, at);

ALTER TABLE ONLY public.audit_events_202611
    ADD CONSTRAINT audit_events_202611_pkey PRIMARY KEY (team_id, seq, at);

ALTER TABLE ONLY public.audit_events_202612
    ADD CONSTRAINT audit_events_202612_pkey PRIMARY KEY (team_id, seq, at);

ALTER TABLE ONLY public.audit_events_202701
    ADD CONSTRAINT audit_events_202701_pkey PRIMARY KEY (team_id, seq, at);

ALTER TABLE ONLY public.audit_events_rest
    ADD CONSTRAINT audit_events_rest_pkey PRIMARY KEY (team_id, seq, at);

ALTER TABLE ONLY public.audit_heads
    ADD CONSTRAINT audit_heads_pkey PRIMARY KEY (team_id);

ALTER TABLE ONLY public.blobs
    ADD CONSTRAINT blobs_pkey PRIMARY KEY (team_id, sha256);

ALTER TABLE ONLY public.connections
    ADD CONSTRAINT connections_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.email_tokens
    ADD CONSTRAINT email_tokens_pkey PRIMARY KEY (user_id, kind);

ALTER TABLE ONLY public.email_tokens
    ADD CONSTRAINT email_tokens_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.file_versions
    ADD CONSTRAINT file_versions_pkey PRIMARY KEY (team_id, file_id, version);

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_id_key UNIQUE (id);

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_pkey PRIMARY KEY (team_id, id);

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_team_id_project_id_path_key_key UNIQUE (team_id, project_id, path_key);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, key_hash);

ALTER TABLE ONLY public.identities
    ADD CONSTRAINT identities_id_key UNIQUE (id);

ALTER TABLE ONLY public.identities
    ADD CONSTRAINT identities_issuer_subject_key UNIQUE (issuer, subject);

ALTER TABLE ONLY public.identities
    ADD CONSTRAINT identities_pkey PRIMARY KEY (user_id, id);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_id_key UNIQUE (id);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (team_id, id);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.login_attempts
    ADD CONSTRAINT login_attempts_pkey PRIMARY KEY (account, network, known);

ALTER TABLE ONLY public.oidc_logins
    ADD CONSTRAINT oidc_logins_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.plan_limits
    ADD CONSTRAINT plan_limits_pkey PRIMARY KEY (plan, meter, effective_from) INCLUDE (effective_to, value, period, hard);

ALTER TABLE ONLY public.plan_prices
    ADD CONSTRAINT plan_prices_pkey PRIMARY KEY (plan, currency, "interval", effective_from);

ALTER TABLE ONLY public.plan_rates
    ADD CONSTRAINT plan_rates_pkey PRIMARY KEY (plan, class, subject);

ALTER TABLE ONLY public.plans
    ADD CONSTRAINT plans_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.platform
    ADD CONSTRAINT platform_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_id_key UNIQUE (id);

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (team_id, id);

ALTER TABLE ONLY public.quota_reservations
    ADD CONSTRAINT quota_reservations_pkey PRIMARY KEY (team_id, source, meter);

ALTER TABLE ONLY public.quota_usage
    ADD CONSTRAINT quota_usage_pkey PRIMARY KEY (team_id, meter, period_start);

ALTER TABLE ONLY public.rate_buckets
    ADD CONSTRAINT rate_buckets_pkey PRIMARY KEY (team_id, subject, class);

ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.registrations
    ADD CONSTRAINT registrations_pkey PRIMARY KEY (email);

ALTER TABLE ONLY public.registrations
    ADD CONSTRAINT registrations_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.room_events
    ADD CONSTRAINT room_events_pkey PRIMARY KEY (team_id, room_id, seq, created_at);

ALTER TABLE ONLY public.room_events_rest
    ADD CONSTRAINT room_events_rest_pkey PRIMARY KEY (team_id, room_id, seq, created_at);

ALTER TABLE ONLY public.rooms
    ADD CONSTRAINT rooms_pkey PRIMARY KEY (team_id, id);

ALTER TABLE ONLY public.run_artifacts
    ADD CONSTRAINT run_artifacts_id_key UNIQUE (id);

ALTER TABLE ONLY public.run_artifacts
    ADD CONSTRAINT run_artifacts_pkey PRIMARY KEY (team_id, id);

ALTER TABLE ONLY public.run_artifacts
    ADD CONSTRAINT run_artifacts_team_id_run_id_attempt_path_key UNIQUE (team_id, run_id, attempt, path);

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_id_key UNIQUE (id);

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (team_id, id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_id_key UNIQUE (id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (user_id, id);

ALTER TABLE ONLY public.signing_keys
    ADD CONSTRAINT signing_keys_pkey PRIMARY KEY (kid);

ALTER TABLE ONLY public.socket_tickets
    ADD CONSTRAINT socket_tickets_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_pkey PRIMARY KEY (team_id, room_id, connection_id);

ALTER TABLE ONLY public.team_members
    ADD CONSTRAINT team_members_pkey PRIMARY KEY (team_id, user_id);

ALTER TABLE ONLY public.team_overrides
    ADD CONSTRAINT team_overrides_pkey PRIMARY KEY (team_id, meter, effective_from) INCLUDE (effective_to, value);

ALTER TABLE ONLY public.team_plans
    ADD CONSTRAINT team_plans_pkey PRIMARY KEY (team_id, effective_from) INCLUDE (effective_to, plan);

ALTER TABLE ONLY public.teams
    ADD CONSTRAINT teams_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.trees
    ADD CONSTRAINT trees_pkey PRIMARY KEY (team_id, sha256);

ALTER TABLE ONLY public.usage_days
    ADD CONSTRAINT usage_days_pkey PRIMARY KEY (team_id, meter, day, user_id, project_id);

ALTER TABLE ONLY public.usage_events
    ADD CONSTRAINT usage_events_pkey PRIMARY KEY (team_id, meter, source, at);

ALTER TABLE ONLY public.usage_events_202611
    ADD CONSTRAINT usage_events_202611_pkey PRIMARY KEY (team_id, meter, source, at);

ALTER TABLE ONLY public.usage_events_202612
    ADD CONSTRAINT usage_events_202612_pkey PRIMARY KEY (team_id, meter, source, at);

ALTER TABLE ONLY public.usage_events_202701
    ADD CONSTRAINT usage_events_202701_pkey PRIMARY KEY (team_id, meter, source, at);

ALTER TABLE ONLY public.usage_events_rest
    ADD CONSTRAINT usage_events_rest_pkey PRIMARY KEY (team_id, meter, source, at);

ALTER TABLE ONLY public.usage_hours
    ADD CONSTRAINT usage_hours_pkey PRIMARY KEY (team_id, meter, hour, user_id, project_id);

ALTER TABLE ONLY public.usage_hours_202611
    ADD CONSTRAINT usage_hours_202611_pkey PRIMARY KEY (team_id, meter, hour, user_id, project_id);

ALTER TABLE ONLY public.usage_hours_202612
    ADD CONSTRAINT usage_hours_202612_pkey PRIMARY KEY (team_id, meter, hour, user_id, project_id);

ALTER TABLE ONLY public.usage_hours_202701
    ADD CONSTRAINT usage_hours_202701_pkey PRIMARY KEY (team_id, meter, hour, user_id, project_id);

ALTER TABLE ONLY public.usage_hours_rest
    ADD CONSTRAINT usage_hours_rest_pkey PRIMARY KEY (team_id, meter, hour, user_id, project_id);

ALTER TABLE ONLY public.usage_notices
    ADD CONSTRAINT usage_notices_pkey PRIMARY KEY (team_id, meter, period_start, allowed, percent);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_key UNIQUE (email);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (task_arn);

ALTER TABLE ONLY public.workspace_members
    ADD CONSTRAINT workspace_members_pkey PRIMARY KEY (team_id, workspace_id, user_id);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_id_key UNIQUE (id);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (team_id, id);

CREATE INDEX account_events_age ON public.account_events USING btree (at);

CREATE INDEX api_keys_list ON public.api_keys USING btree (user_id, id);

CREATE INDEX api_keys_workspace ON public.api_keys USING btree (team_id, workspace_id) WHERE (workspace_id IS NOT NULL);

CREATE INDEX audit_events_target ON ONLY public.audit_events USING btree (team_id, target, seq);

CREATE INDEX audit_events_202611_team_id_target_seq_idx ON public.audit_events_202611 USING btree (team_id, target, seq);

CREATE INDEX audit_events_user ON ONLY public.audit_events USING btree (team_id, user_id, seq);

CREATE INDEX audit_events_202611_team_id_user_id_seq_idx ON public.audit_events_202611 USING btree (team_id, user_id, seq);

CREATE INDEX audit_events_202612_team_id_target_seq_idx ON public.audit_events_202612 USING btree (team_id, target, seq);

CREATE INDEX audit_events_202612_team_id_user_id_seq_idx ON public.audit_events_202612 USING btree (team_id, user_id, seq);

CREATE INDEX audit_events_202701_team_id_target_seq_idx ON public.audit_events_202701 USING btree (team_id, target, seq);

CREATE INDEX audit_events_202701_team_id_user_id_seq_idx ON public.audit_events_202701 USING btree (team_id, user_id, seq);

CREATE INDEX audit_events_rest_team_id_target_seq_idx ON public.audit_events_rest USING btree (team_id, target, seq);

CREATE INDEX audit_events_rest_team_id_user_id_seq_idx ON public.audit_events_rest USING btree (team_id, user_id, seq);

CREATE INDEX blobs_size ON public.blobs USING btree (team_id) INCLUDE (size);

CREATE INDEX connections_age ON public.connections USING btree (connected_at);

CREATE INDEX connections_key ON public.connections USING btree (key_id) WHERE (key_id IS NOT NULL);

CREATE INDEX connections_session ON public.connections USING btree (user_id, session_id);

CREATE INDEX email_tokens_expiry ON public.email_tokens USING btree (expires_at);

CREATE INDEX file_versions_blob ON public.file_versions USING btree (team_id, sha256);

CREATE INDEX file_versions_project ON public.file_versions USING btree (team_id, project_id, saved_at DESC);

CREATE INDEX files_blob ON public.files USING btree (team_id, sha256);

CREATE INDEX files_path ON public.files USING btree (team_id, project_id, path);

CREATE INDEX idempotency_keys_age ON public.idempotency_keys USING btree (created_at);

CREATE INDEX invitations_age ON public.invitations USING btree (expires_at);

CREATE INDEX invitations_workspace ON public.invitations USING btree (team_id, workspace_id) WHERE (workspace_id IS NOT NULL);

CREATE INDEX login_attempts_age ON public.login_attempts USING btree (last_at);

CREATE INDEX oidc_logins_age ON public.oidc_logins USING btree (taken_at);

CREATE INDEX outbox_age ON public.outbox USING btree (created_at);

CREATE INDEX projects_workspace ON public.projects USING btree (team_id, workspace_id, id DESC);

CREATE INDEX quota_reservations_held ON public.quota_reservations USING btree (team_id, expires_at) WHERE (state = 'held'::text);

CREATE INDEX quota_reservations_overdue ON public.quota_reservations USING btree (expires_at) WHERE (state = 'held'::text);

CREATE INDEX quota_reservations_settled ON public.quota_reservations USING btree (settled_at) WHERE (state <> 'held'::text);

CREATE INDEX refresh_tokens_parent ON public.refresh_tokens USING btree (parent_hash) WHERE (parent_hash IS NOT NULL);

CREATE INDEX refresh_tokens_session ON public.refresh_tokens USING btree (user_id, session_id);

CREATE INDEX registrations_expiry ON public.registrations USING btree (expires_at);

CREATE INDEX rooms_workspace ON public.rooms USING btree (team_id, workspace_id);

CREATE INDEX runs_open ON public.runs USING btree (status, lease_expires_at, created_at) WHERE (finished_at IS NULL);

CREATE INDEX runs_project ON public.runs USING btree (team_id, project_id, id DESC);

CREATE INDEX runs_tree ON public.runs USING btree (team_id, tree_sha256);

CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at);

CREATE INDEX sessions_revoked ON public.sessions USING btree (revoked_at) WHERE (revoked_at IS NOT NULL);

CREATE INDEX socket_tickets_key ON public.socket_tickets USING btree (key_id) WHERE (key_id IS NOT NULL);

CREATE INDEX subscriptions_connection ON public.subscriptions USING btree (connection_id);

CREATE INDEX team_members_user ON public.team_members USING btree (user_id) INCLUDE (team_id, role);

CREATE INDEX usage_events_time ON ONLY public.usage_events USING btree (team_id, at, meter, source);

CREATE INDEX usage_events_202611_team_id_at_meter_source_idx ON public.usage_events_202611 USING btree (team_id, at, meter, source);

CREATE INDEX usage_events_202612_team_id_at_meter_source_idx ON public.usage_events_202612 USING btree (team_id, at, meter, source);

CREATE INDEX usage_events_202701_team_id_at_meter_source_idx ON public.usage_events_202701 USING btree (team_id, at, meter, source);

CREATE INDEX usage_events_rest_team_id_at_meter_source_idx ON public.usage_events_rest USING btree (team_id, at, meter, source);

CREATE INDEX usage_hours_time ON ONLY public.usage_hours USING btree (hour, team_id);

CREATE INDEX usage_hours_202611_hour_team_id_idx ON public.usage_hours_202611 USING btree (hour, team_id);

CREATE INDEX usage_hours_202612_hour_team_id_idx ON public.usage_hours_202612 USING btree (hour, team_id);

CREATE INDEX usage_hours_202701_hour_team_id_idx ON public.usage_hours_202701 USING btree (hour, team_id);

CREATE INDEX usage_hours_rest_hour_team_id_idx ON public.usage_hours_rest USING btree (hour, team_id);

CREATE INDEX workers_idle ON public.workers USING btree (started_at) WHERE (state = 'idle'::text);

CREATE INDEX workers_run ON public.workers USING btree (team_id, run_id) WHERE (run_id IS NOT NULL);

CREATE INDEX workspace_members_user ON public.workspace_members USING btree (user_id) INCLUDE (team_id, workspace_id, role);

ALTER INDEX public.audit_events_pkey ATTACH PARTITION public.audit_events_202611_pkey;

ALTER INDEX public.audit_events_target ATTACH PARTITION public.audit_events_202611_team_id_target_seq_idx;

ALTER INDEX public.audit_events_user ATTACH PARTITION public.audit_events_202611_team_id_user_id_seq_idx;

ALTER INDEX public.audit_events_pkey ATTACH PARTITION public.audit_events_202612_pkey;

ALTER INDEX public.audit_events_target ATTACH PARTITION public.audit_events_202612_team_id_target_seq_idx;

ALTER INDEX public.audit_events_user ATTACH PARTITION public.audit_events_202612_team_id_user_id_seq_idx;

ALTER INDEX public.audit_events_pkey ATTACH PARTITION public.audit_events_202701_pkey;

ALTER INDEX public.audit_events_target ATTACH PARTITION public.audit_events_202701_team_id_target_seq_idx;

ALTER INDEX public.audit_events_user ATTACH PARTITION public.audit_events_202701_team_id_user_id_seq_idx;

ALTER INDEX public.audit_events_pkey ATTACH PARTITION public.audit_events_rest_pkey;

ALTER INDEX public.audit_events_target ATTACH PARTITION public.audit_events_rest_team_id_target_seq_idx;

ALTER INDEX public.audit_events_user ATTACH PARTITION public.audit_events_rest_team_id_user_id_seq_idx;

ALTER INDEX public.room_events_pkey ATTACH PARTITION public.room_events_rest_pkey;

ALTER INDEX public.usage_events_pkey ATTACH PARTITION public.usage_events_202611_pkey;

ALTER INDEX public.usage_events_time ATTACH PARTITION public.usage_events_202611_team_id_at_meter_source_idx;

ALTER INDEX public.usage_events_pkey ATTACH PARTITION public.usage_events_202612_pkey;

ALTER INDEX public.usage_events_time ATTACH PARTITION public.usage_events_202612_team_id_at_meter_source_idx;

ALTER INDEX public.usage_events_pkey ATTACH PARTITION public.usage_events_202701_pkey;

ALTER INDEX public.usage_events_time ATTACH PARTITION public.usage_events_202701_team_id_at_meter_source_idx;

ALTER INDEX public.usage_events_pkey ATTACH PARTITION public.usage_events_rest_pkey;

ALTER INDEX public.usage_events_time ATTACH PARTITION public.usage_events_rest_team_id_at_meter_source_idx;

ALTER INDEX public.usage_hours_time ATTACH PARTITION public.usage_hours_202611_hour_team_id_idx;

ALTER INDEX public.usage_hours_pkey ATTACH PARTITION public.usage_hours_202611_pkey;

ALTER INDEX public.usage_hours_time ATTACH PARTITION public.usage_hours_202612_hour_team_id_idx;

ALTER INDEX public.usage_hours_pkey ATTACH PARTITION public.usage_hours_202612_pkey;

ALTER INDEX public.usage_hours_time ATTACH PARTITION public.usage_hours_202701_hour_team_id_idx;

ALTER INDEX public.usage_hours_pkey ATTACH PARTITION public.usage_hours_202701_pkey;

ALTER INDEX public.usage_hours_time ATTACH PARTITION public.usage_hours_rest_hour_team_id_idx;

ALTER INDEX public.usage_hours_pkey ATTACH PARTITION public.usage_hours_rest_pkey;

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.audit_events FOR EACH ROW EXECUTE FUNCTION app.refuse_rewriting();

CREATE TRIGGER append_only BEFORE DELETE ON public.audit_heads FOR EACH ROW EXECUTE FUNCTION app.refuse_rewriting();

CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON public.audit_events FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_rewriting();

CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON public.audit_heads FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_rewriting();

CREATE TRIGGER count_api_keys AFTER INSERT OR DELETE OR UPDATE OF revoked_at ON public.api_keys FOR EACH ROW EXECUTE FUNCTION app.count_api_keys();

CREATE TRIGGER count_gone AFTER DELETE ON public.projects REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.count_projects();

CREATE TRIGGER count_made AFTER INSERT ON public.projects REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.count_projects();

CREATE TRIGGER count_seats AFTER INSERT OR DELETE ON public.team_members FOR EACH ROW EXECUTE FUNCTION app.count_seats();

CREATE TRIGGER count_seats AFTER INSERT OR DELETE ON public.workspace_members FOR EACH ROW EXECUTE FUNCTION app.count_seats();

ALTER TABLE ONLY public.account_events
    ADD CONSTRAINT account_events_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_team_id_workspace_id_fkey FOREIGN KEY (team_id, workspace_id) REFERENCES public.workspaces(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.audit_events
    ADD CONSTRAINT audit_events_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.audit_heads(team_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.audit_heads
    ADD CONSTRAINT audit_heads_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.blobs
    ADD CONSTRAINT blobs_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.connections
    ADD CONSTRAINT connections_key_id_fkey FOREIGN KEY (key_id) REFERENCES public.api_keys(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.connections
    ADD CONSTRAINT connections_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.connections
    ADD CONSTRAINT connections_user_id_session_id_fkey FOREIGN KEY (user_id, session_id) REFERENCES public.sessions(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.email_tokens
    ADD CONSTRAINT email_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.file_versions
    ADD CONSTRAINT file_versions_team_id_project_id_fkey FOREIGN KEY (team_id, project_id) REFERENCES public.projects(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.file_versions
    ADD CONSTRAINT file_versions_team_id_sha256_fkey FOREIGN KEY (team_id, sha256) REFERENCES public.blobs(team_id, sha256);

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_team_id_project_id_fkey FOREIGN KEY (team_id, project_id) REFERENCES public.projects(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_team_id_sha256_fkey FOREIGN KEY (team_id, sha256) REFERENCES public.blobs(team_id, sha256);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.identities
    ADD CONSTRAINT identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_team_id_workspace_id_fkey FOREIGN KEY (team_id, workspace_id) REFERENCES public.workspaces(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.plan_limits
    ADD CONSTRAINT plan_limits_plan_fkey FOREIGN KEY (plan) REFERENCES public.plans(name);

ALTER TABLE ONLY public.plan_prices
    ADD CONSTRAINT plan_prices_plan_fkey FOREIGN KEY (plan) REFERENCES public.plans(name);

ALTER TABLE ONLY public.plan_rates
    ADD CONSTRAINT plan_rates_plan_fkey FOREIGN KEY (plan) REFERENCES public.plans(name);

ALTER TABLE ONLY public.platform
    ADD CONSTRAINT platform_default_plan_fkey FOREIGN KEY (default_plan) REFERENCES public.plans(name);

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_team_id_workspace_id_fkey FOREIGN KEY (team_id, workspace_id) REFERENCES public.workspaces(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.quota_reservations
    ADD CONSTRAINT quota_reservations_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.quota_usage
    ADD CONSTRAINT quota_usage_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_user_id_session_id_fkey FOREIGN KEY (user_id, session_id) REFERENCES public.sessions(user_id, id) ON DELETE CASCADE;

ALTER TABLE public.room_events
    ADD CONSTRAINT room_events_team_id_room_id_fkey FOREIGN KEY (team_id, room_id) REFERENCES public.rooms(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.rooms
    ADD CONSTRAINT rooms_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.rooms
    ADD CONSTRAINT rooms_team_id_workspace_id_fkey FOREIGN KEY (team_id, workspace_id) REFERENCES public.workspaces(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.run_artifacts
    ADD CONSTRAINT run_artifacts_team_id_run_id_fkey FOREIGN KEY (team_id, run_id) REFERENCES public.runs(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_team_id_project_id_fkey FOREIGN KEY (team_id, project_id) REFERENCES public.projects(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_team_id_tree_sha256_fkey FOREIGN KEY (team_id, tree_sha256) REFERENCES public.trees(team_id, sha256);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.socket_tickets
    ADD CONSTRAINT socket_tickets_key_id_fkey FOREIGN KEY (key_id) REFERENCES public.api_keys(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.socket_tickets
    ADD CONSTRAINT socket_tickets_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES public.connections(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_team_id_room_id_fkey FOREIGN KEY (team_id, room_id) REFERENCES public.rooms(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.team_members
    ADD CONSTRAINT team_members_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.team_members
    ADD CONSTRAINT team_members_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.team_overrides
    ADD CONSTRAINT team_overrides_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.team_plans
    ADD CONSTRAINT team_plans_plan_fkey FOREIGN KEY (plan) REFERENCES public.plans(name);

ALTER TABLE ONLY public.team_plans
    ADD CONSTRAINT team_plans_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.trees
    ADD CONSTRAINT trees_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.usage_days
    ADD CONSTRAINT usage_days_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE public.usage_events
    ADD CONSTRAINT usage_events_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE public.usage_hours
    ADD CONSTRAINT usage_hours_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.usage_notices
    ADD CONSTRAINT usage_notices_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_team_id_run_id_fkey FOREIGN KEY (team_id, run_id) REFERENCES public.runs(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.workspace_members
    ADD CONSTRAINT workspace_members_team_id_workspace_id_fkey FOREIGN KEY (team_id, workspace_id) REFERENCES public.workspaces(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.workspace_members
    ADD CONSTRAINT workspace_members_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE public.account_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_heads ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.blobs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.connections ENABLE ROW LEVEL SECURITY;

CREATE POLICY door ON public.account_events TO slipway_door USING (true);

CREATE POLICY door ON public.api_keys TO slipway_door USING (true);

CREATE POLICY door ON public.audit_events TO slipway_door USING (true);

CREATE POLICY door ON public.audit_heads TO slipway_door USING (true);

CREATE POLICY door ON public.blobs FOR SELECT TO slipway_door USING (true);

CREATE POLICY door ON public.connections TO slipway_door USING (true);

CREATE POLICY door ON public.email_tokens TO slipway_door USING (true);

CREATE POLICY door ON public.files TO slipway_door USING (true);

CREATE POLICY door ON public.idempotency_keys TO slipway_door USING (true);

CREATE POLICY door ON public.identities TO slipway_door USING (true);

CREATE POLICY door ON public.invitations TO slipway_door USING (true);

CREATE POLICY door ON public.projects TO slipway_door USING (true);

CREATE POLICY door ON public.quota_reservations TO slipway_door USING (true);

CREATE POLICY door ON public.quota_usage TO slipway_door USING (true);

CREATE POLICY door ON public.refresh_tokens TO slipway_door USING (true);

CREATE POLICY door ON public.rooms TO slipway_door USING (true);

CREATE POLICY door ON public.run_artifacts TO slipway_door USING (true);

CREATE POLICY door ON public.runs TO slipway_door USING (true);

CREATE POLICY door ON public.sessions TO slipway_door USING (true);

CREATE POLICY door ON public.socket_tickets TO slipway_door USING (true);

CREATE POLICY door ON public.subscriptions TO slipway_door USING (true);

CREATE POLICY door ON public.team_members TO slipway_door USING (true);

CREATE POLICY door ON public.team_overrides TO slipway_door USING (true);

CREATE POLICY door ON public.team_plans TO slipway_door USING (true);

CREATE POLICY door ON public.teams TO slipway_door USING (true);

CREATE POLICY door ON public.usage_days TO slipway_door USING (true);

CREATE POLICY door ON public.usage_events TO slipway_door USING (true);

CREATE POLICY door ON public.usage_hours TO slipway_door USING (true);

CREATE POLICY door ON public.usage_notices TO slipway_door USING (true);

CREATE POLICY door ON public.users TO slipway_door USING (true);

CREATE POLICY door ON public.workspace_members TO slipway_door USING (true);

CREATE POLICY door ON public.workspaces TO slipway_door USING (true);

ALTER TABLE public.email_tokens ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.file_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.files ENABLE ROW LEVEL SECURITY;

CREATE POLICY guest ON public.blobs FOR SELECT TO slipway_app USING ((team_id IN ( SELECT w.team_id
   FROM public.workspaces w
  WHERE (w.id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[])))));

CREATE POLICY guest ON public.file_versions TO slipway_app USING ((EXISTS ( SELECT
   FROM public.projects p
  WHERE ((p.team_id = file_versions.team_id) AND (p.id = file_versions.project_id) AND (p.workspace_id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[]))))));

CREATE POLICY guest ON public.files TO slipway_app USING ((EXISTS ( SELECT
   FROM public.projects p
  WHERE ((p.team_id = files.team_id) AND (p.id = files.project_id) AND (p.workspace_id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[]))))));

CREATE POLICY guest ON public.projects TO slipway_app USING ((workspace_id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[])));

CREATE POLICY guest ON public.quota_reservations TO slipway_app USING ((team_id IN ( SELECT w.team_id
   FROM public.workspaces w
  WHERE (w.id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[])))));

CREATE POLICY guest ON public.quota_usage TO slipway_app USING ((team_id IN ( SELECT w.team_id
   FROM public.workspaces w
  WHERE (w.id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[])))));

CREATE POLICY guest ON public.room_events TO slipway_app USING ((EXISTS ( SELECT
   FROM public.rooms r
  WHERE ((r.team_id = room_events.team_id) AND (r.id = room_events.room_id) AND (r.workspace_id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[]))))));

CREATE POLICY guest ON public.rooms TO slipway_app USING ((workspace_id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[])));

CREATE POLICY guest ON public.run_artifacts TO slipway_app USING ((EXISTS ( SELECT
   FROM (public.runs r
     JOIN public.projects p ON (((p.team_id = r.team_id) AND (p.id = r.project_id))))
  WHERE ((r.team_id = run_artifacts.team_id) AND (r.id = run_artifacts.run_id) AND (p.workspace_id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[]))))));

CREATE POLICY guest ON public.runs TO slipway_app USING ((EXISTS ( SELECT
   FROM public.projects p
  WHERE ((p.team_id = runs.team_id) AND (p.id = runs.project_id) AND (p.workspace_id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[]))))));

CREATE POLICY guest ON public.subscriptions TO slipway_app USING ((EXISTS ( SELECT
   FROM public.rooms r
  WHERE ((r.team_id = subscriptions.team_id) AND (r.id = subscriptions.room_id) AND (r.workspace_id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[]))))));

CREATE POLICY guest ON public.teams FOR SELECT TO slipway_app USING ((id IN ( SELECT w.team_id
   FROM public.workspaces w
  WHERE (w.id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[])))));

CREATE POLICY guest ON public.trees FOR SELECT TO slipway_app USING ((team_id IN ( SELECT w.team_id
   FROM public.workspaces w
  WHERE (w.id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[])))));

CREATE POLICY guest ON public.workspaces TO slipway_app USING ((id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[])));

CREATE POLICY guest_insert ON public.blobs FOR INSERT TO slipway_app WITH CHECK ((team_id IN ( SELECT w.team_id
   FROM public.workspaces w
  WHERE (w.id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[])))));

CREATE POLICY guest_insert ON public.trees FOR INSERT TO slipway_app WITH CHECK ((team_id IN ( SELECT w.team_id
   FROM public.workspaces w
  WHERE (w.id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[])))));

ALTER TABLE public.idempotency_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.identities ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.invitations ENABLE ROW LEVEL SECURITY;

CREATE POLICY leaving ON public.workspace_members FOR DELETE TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY manager ON public.workspace_members TO slipway_app USING (((workspace_id = ANY (( SELECT app.workspaces() AS workspaces)::uuid[])) AND app.is_member(team_id)));

CREATE POLICY own ON public.account_events TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own ON public.api_keys FOR SELECT TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own ON public.connections TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own ON public.email_tokens TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own ON public.idempotency_keys TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own ON public.identities TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own ON public.refresh_tokens TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own ON public.sessions TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own ON public.socket_tickets TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own ON public.subscriptions AS RESTRICTIVE FOR INSERT TO slipway_app WITH CHECK ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own ON public.users TO slipway_app USING ((id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own ON public.workspace_members FOR SELECT TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own_end ON public.api_keys FOR UPDATE TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own_file ON public.file_versions AS RESTRICTIVE FOR INSERT TO slipway_app WITH CHECK ((COALESCE(app.file_project(team_id, file_id), project_id) = project_id));

ALTER TABLE public.projects ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.quota_reservations ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.quota_usage ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.refresh_tokens ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.room_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rooms ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.run_artifacts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.socket_tickets ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.subscriptions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.team_members ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.team_overrides ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.team_plans ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.teams ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON public.api_keys TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.audit_events FOR SELECT TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.audit_heads FOR SELECT TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.blobs TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.file_versions TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.files TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.invitations TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.projects TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.quota_reservations TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.quota_usage TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.room_events TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.rooms TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.run_artifacts TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.runs TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.subscriptions TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.team_members TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.team_overrides TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.team_plans TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.teams TO slipway_app USING ((id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.trees TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.usage_days TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.usage_events TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.usage_hours TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.usage_notices TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.workspace_members TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.workspaces TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

ALTER TABLE public.trees ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.usage_days ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.usage_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.usage_hours ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.usage_notices ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.workspace_members ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.workspaces ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA app TO slipway_app;
GRANT USAGE ON SCHEMA app TO slipway_door;
GRANT USAGE ON SCHEMA app TO slipway_reader;

GRANT USAGE ON SCHEMA public TO slipway_app;
GRANT USAGE ON SCHEMA public TO slipway_door;
GRANT USAGE ON SCHEMA public TO slipway_reader;

REVOKE ALL ON FUNCTION app.accept_invitation(p_token_hash bytea, p_inviters text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.accept_invitation(p_token_hash bytea, p_inviters text[]) TO slipway_app;

REVOKE ALL ON FUNCTION app.add_lines(p_team uuid[], p_meter text[], p_source text[], p_at timestamp with time zone[], p_quantity bigint[], p_user uuid[], p_project uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.add_lines(p_team uuid[], p_meter text[], p_source text[], p_at timestamp with time zone[], p_quantity bigint[], p_user uuid[], p_project uuid[]) TO slipway_door;

REVOKE ALL ON FUNCTION app.admit(p_user uuid, p_session uuid, p_key uuid, p_kind text, p_id uuid, p_class text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.admit(p_user uuid, p_session uuid, p_key uuid, p_kind text, p_id uuid, p_class text) TO slipway_app;

REVOKE ALL ON FUNCTION app.admit_address(p_address text, p_class text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.admit_address(p_address text, p_class text) TO slipway_app;

REVOKE ALL ON FUNCTION app.append_audit(p_team uuid, p_events jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION app.append_audit(p_team uuid, p_events jsonb) TO slipway_app;

REVOKE ALL ON FUNCTION app.attempt(p_account bytea, p_network text, p_known boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION app.attempt(p_account bytea, p_network text, p_known boolean) TO slipway_app;

REVOKE ALL ON FUNCTION app.attempt_wait(p_account bytea, p_network text, p_known boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION app.attempt_wait(p_account bytea, p_network text, p_known boolean) TO slipway_app;

GRANT SELECT ON TABLE public.audit_events TO slipway_app;
GRANT INSERT ON TABLE public.audit_events TO slipway_door;

REVOKE ALL ON FUNCTION app.audit_bytes(e public.audit_events) FROM PUBLIC;
GRANT ALL ON FUNCTION app.audit_bytes(e public.audit_events) TO slipway_app;
GRANT ALL ON FUNCTION app.audit_bytes(e public.audit_events) TO slipway_door;
GRANT ALL ON FUNCTION app.audit_bytes(e public.audit_events) TO slipway_reader;

REVOKE ALL ON FUNCTION app.audit_genesis(p_team uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.audit_genesis(p_team uuid) TO slipway_app;
GRANT ALL ON FUNCTION app.audit_genesis(p_team uuid) TO slipway_door;
GRANT ALL ON FUNCTION app.audit_genesis(p_team uuid) TO slipway_reader;

REVOKE ALL ON FUNCTION app.audited_teams(p_since timestamp with time zone, p_after uuid, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.audited_teams(p_since timestamp with time zone, p_after uuid, p_limit integer) TO slipway_app;

REVOKE ALL ON FUNCTION app.begin_admitted(OUT team_id uuid, OUT role text, OUT scopes text[], OUT admitted jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION app.begin_admitted(OUT team_id uuid, OUT role text, OUT scopes text[], OUT admitted jsonb) TO slipway_app;

REVOKE ALL ON FUNCTION app.begin_login(p_email text, p_account bytea, p_network text, p_user_agent text, OUT id uuid, OUT password_hash text, OUT known boolean, OUT wait integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.begin_login(p_email text, p_account bytea, p_network text, p_user_agent text, OUT id uuid, OUT password_hash text, OUT known boolean, OUT wait integer) TO slipway_app;

REVOKE ALL ON FUNCTION app.begin_request(p_user uuid, p_session uuid, p_key uuid, p_kind text, p_id uuid, OUT team_id uuid, OUT role text, OUT scopes text[], OUT admitted jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION app.begin_request(p_user uuid, p_session uuid, p_key uuid, p_kind text, p_id uuid, OUT team_id uuid, OUT role text, OUT scopes text[], OUT admitted jsonb) TO slipway_app;

REVOKE ALL ON FUNCTION app.begin_run(p_token_hash bytea, p_run uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.begin_run(p_token_hash bytea, p_run uuid) TO slipway_app;

REVOKE ALL ON FUNCTION app.begin_team(p_team uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.begin_team(p_team uuid) TO slipway_app;

REVOKE ALL ON FUNCTION app.begin_user(p_user uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.begin_user(p_user uuid) TO slipway_app;

REVOKE ALL ON FUNCTION app.billing_people(p_team uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.billing_people(p_team uuid) TO slipway_app;

REVOKE ALL ON FUNCTION app.claim_idempotency(p_user uuid, p_key_hash bytea, p_request_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION app.claim_idempotency(p_user uuid, p_key_hash bytea, p_request_hash bytea) TO slipway_app;

REVOKE ALL ON FUNCTION app.clear_limit(p_team uuid, p_meter text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.clear_limit(p_team uuid, p_meter text) TO slipway_owner;

REVOKE ALL ON FUNCTION app.count_api_keys() FROM PUBLIC;

REVOKE ALL ON FUNCTION app.count_projects() FROM PUBLIC;

REVOKE ALL ON FUNCTION app.count_quota(p_team uuid, p_meter text, p_amount bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION app.count_quota(p_team uuid, p_meter text, p_amount bigint) TO slipway_app;

REVOKE ALL ON FUNCTION app.count_seats() FROM PUBLIC;

REVOKE ALL ON FUNCTION app.create_team(p_id uuid, p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.create_team(p_id uuid, p_name text) TO slipway_app;

REVOKE ALL ON FUNCTION app.default_plan() FROM PUBLIC;
GRANT ALL ON FUNCTION app.default_plan() TO slipway_door;
GRANT ALL ON FUNCTION app.default_plan() TO slipway_app;

REVOKE ALL ON FUNCTION app.drop_connections(p_ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.drop_connections(p_ids text[]) TO slipway_app;

REVOKE ALL ON FUNCTION app.drop_partitions(p_table text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.drop_partitions(p_table text) TO slipway_app;

REVOKE ALL ON FUNCTION app.email_token_user(p_token_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION app.email_token_user(p_token_hash bytea) TO slipway_app;

REVOKE ALL ON FUNCTION app.expire() FROM PUBLIC;
GRANT ALL ON FUNCTION app.expire() TO slipway_app;

REVOKE ALL ON FUNCTION app.expire_account_events() FROM PUBLIC;
GRANT ALL ON FUNCTION app.expire_account_events() TO slipway_app;

REVOKE ALL ON FUNCTION app.expire_accounts() FROM PUBLIC;
GRANT ALL ON FUNCTION app.expire_accounts() TO slipway_app;

REVOKE ALL ON FUNCTION app.expire_invitations() FROM PUBLIC;
GRANT ALL ON FUNCTION app.expire_invitations() TO slipway_app;

REVOKE ALL ON FUNCTION app.expire_oidc_logins() FROM PUBLIC;
GRANT ALL ON FUNCTION app.expire_oidc_logins() TO slipway_app;

REVOKE ALL ON FUNCTION app.expire_quotas() FROM PUBLIC;
GRANT ALL ON FUNCTION app.expire_quotas() TO slipway_app;

REVOKE ALL ON FUNCTION app.expire_requests() FROM PUBLIC;
GRANT ALL ON FUNCTION app.expire_requests() TO slipway_app;

REVOKE ALL ON FUNCTION app.file_project(p_team uuid, p_file uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.file_project(p_team uuid, p_file uuid) TO slipway_app;

REVOKE ALL ON FUNCTION app.find_identity(p_issuer text, p_subject text, p_email text, OUT user_id uuid, OUT holder_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.find_identity(p_issuer text, p_subject text, p_email text, OUT user_id uuid, OUT holder_id uuid) TO slipway_app;

REVOKE ALL ON FUNCTION app.find_key(p_token_hash bytea, OUT id uuid, OUT user_id uuid, OUT ended boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION app.find_key(p_token_hash bytea, OUT id uuid, OUT user_id uuid, OUT ended boolean) TO slipway_app;

REVOKE ALL ON FUNCTION app.forget_attempts(p_account bytea, p_network text, p_known boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION app.forget_attempts(p_account bytea, p_network text, p_known boolean) TO slipway_app;

REVOKE ALL ON FUNCTION app.give_back(p_team uuid, p_meters text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.give_back(p_team uuid, p_meters text[]) TO slipway_app;
GRANT ALL ON FUNCTION app.give_back(p_team uuid, p_meters text[]) TO slipway_door;

REVOKE ALL ON FUNCTION app.give_back_overdue(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.give_back_overdue(p_limit integer) TO slipway_app;

REVOKE ALL ON FUNCTION app.identify(p_user uuid, p_session uuid, p_key uuid, p_kind text, p_id uuid, OUT teams uuid[], OUT workspaces uuid[], OUT team_id uuid, OUT role text, OUT scopes text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION app.user_id() FROM PUBLIC;
GRANT ALL ON FUNCTION app.user_id() TO slipway_app;
GRANT ALL ON FUNCTION app.user_id() TO slipway_door;
GRANT ALL ON FUNCTION app.user_id() TO slipway_reader;

GRANT SELECT,DELETE ON TABLE public.team_members TO slipway_app;
GRANT SELECT,INSERT ON TABLE public.team_members TO slipway_door;

GRANT UPDATE(role) ON TABLE public.team_members TO slipway_app;

REVOKE ALL ON FUNCTION app.is_member(p_team uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.is_member(p_team uuid) TO slipway_app;

GRANT SELECT,DELETE ON TABLE public.users TO slipway_app;
GRANT SELECT ON TABLE public.users TO slipway_door;

GRANT INSERT(id) ON TABLE public.users TO slipway_app;

GRANT INSERT(email),UPDATE(email) ON TABLE public.users TO slipway_app;

GRANT INSERT(name),UPDATE(name) ON TABLE public.users TO slipway_app;

GRANT INSERT(password_hash),UPDATE(password_hash) ON TABLE public.users TO slipway_app;

GRANT UPDATE(operator) ON TABLE public.users TO slipway_door;

GRANT INSERT(email_verified_at),UPDATE(email_verified_at) ON TABLE public.users TO slipway_app;

REVOKE ALL ON FUNCTION app.is_operator() FROM PUBLIC;
GRANT ALL ON FUNCTION app.is_operator() TO slipway_app;

REVOKE ALL ON FUNCTION app.keep_registration(p_email text, p_name text, p_token_hash bytea, p_request uuid, p_hours integer, p_quiet_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.keep_registration(p_email text, p_name text, p_token_hash bytea, p_request uuid, p_hours integer, p_quiet_seconds integer) TO slipway_app;

REVOKE ALL ON FUNCTION app.kept_months(p_table text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.kept_months(p_table text) TO slipway_app;
GRANT ALL ON FUNCTION app.kept_months(p_table text) TO slipway_reader;
GRANT ALL ON FUNCTION app.kept_months(p_table text) TO slipway_door;

REVOKE ALL ON FUNCTION app.limit_of(p_team uuid, p_meter text, OUT value bigint, OUT period text, OUT hard boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION app.limit_of(p_team uuid, p_meter text, OUT value bigint, OUT period text, OUT hard boolean) TO slipway_app;

REVOKE ALL ON FUNCTION app.limits_of(p_team uuid, p_meters text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.limits_of(p_team uuid, p_meters text[]) TO slipway_app;

REVOKE ALL ON FUNCTION app.listeners(p_team uuid, p_room uuid, p_roles text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.listeners(p_team uuid, p_room uuid, p_roles text[]) TO slipway_app;

REVOKE ALL ON FUNCTION app.login_user(p_email text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.login_user(p_email text) TO slipway_app;

REVOKE ALL ON FUNCTION app.make_partitions(p_table text, p_ahead integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.make_partitions(p_table text, p_ahead integer) TO slipway_app;

REVOKE ALL ON FUNCTION app.meter(p_team uuid[], p_meter text[], p_source text[], p_at timestamp with time zone[], p_quantity bigint[], p_user uuid[], p_project uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.meter(p_team uuid[], p_meter text[], p_source text[], p_at timestamp with time zone[], p_quantity bigint[], p_user uuid[], p_project uuid[]) TO slipway_app;

REVOKE ALL ON FUNCTION app.meter_calls(p_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.meter_calls(p_rows integer) TO slipway_app;

REVOKE ALL ON FUNCTION app.meter_storage(p_after uuid, p_teams integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.meter_storage(p_after uuid, p_teams integer) TO slipway_app;

REVOKE ALL ON FUNCTION app.next_queued_runs(p_limit bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION app.next_queued_runs(p_limit bigint) TO slipway_app;

GRANT SELECT,INSERT ON TABLE public.invitations TO slipway_app;
GRANT SELECT,DELETE ON TABLE public.invitations TO slipway_door;

GRANT UPDATE(accepted_at) ON TABLE public.invitations TO slipway_door;

GRANT UPDATE(accepted_by) ON TABLE public.invitations TO slipway_door;

GRANT UPDATE(revoked_at) ON TABLE public.invitations TO slipway_app;

REVOKE ALL ON FUNCTION app.open_invitation(p_token_hash bytea, p_inviters text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION app.operate(p_team uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.operate(p_team uuid) TO slipway_app;

REVOKE ALL ON FUNCTION app.operator_addresses() FROM PUBLIC;
GRANT ALL ON FUNCTION app.operator_addresses() TO slipway_app;

REVOKE ALL ON FUNCTION app.operator_clear_limit(p_team uuid, p_meter text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.operator_clear_limit(p_team uuid, p_meter text) TO slipway_app;

REVOKE ALL ON FUNCTION app.operator_set_limit(p_team uuid, p_meter text, p_value bigint, p_until timestamp with time zone, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.operator_set_limit(p_team uuid, p_meter text, p_value bigint, p_until timestamp with time zone, p_reason text) TO slipway_app;

REVOKE ALL ON FUNCTION app.operator_set_plan(p_team uuid, p_plan text, p_from timestamp with time zone, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.operator_set_plan(p_team uuid, p_plan text, p_from timestamp with time zone, p_reason text) TO slipway_app;

REVOKE ALL ON FUNCTION app.operator_teams(p_id uuid, p_text text, p_before uuid, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.operator_teams(p_id uuid, p_text text, p_before uuid, p_limit integer) TO slipway_app;

REVOKE ALL ON FUNCTION app.operators() FROM PUBLIC;
GRANT ALL ON FUNCTION app.operators() TO slipway_owner;

REVOKE ALL ON FUNCTION app.outbox_sent(ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.outbox_sent(ids uuid[]) TO slipway_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.quota_usage TO slipway_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.quota_usage TO slipway_door;

REVOKE ALL ON FUNCTION app.over_quota(p_team uuid, p_meter text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.over_quota(p_team uuid, p_meter text) TO slipway_app;

REVOKE ALL ON FUNCTION app.overdue_runs(p_waiting interval, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.overdue_runs(p_waiting interval, p_limit integer) TO slipway_app;

REVOKE ALL ON FUNCTION app.period_end(p_period text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.period_end(p_period text) TO slipway_app;
GRANT ALL ON FUNCTION app.period_end(p_period text) TO slipway_door;

REVOKE ALL ON FUNCTION app.period_start(p_period text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.period_start(p_period text) TO slipway_app;
GRANT ALL ON FUNCTION app.period_start(p_period text) TO slipway_door;

REVOKE ALL ON FUNCTION app.plan_of(p_team uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.plan_of(p_team uuid) TO slipway_app;

REVOKE ALL ON FUNCTION app.preview_invitation(p_token_hash bytea, p_inviters text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.preview_invitation(p_token_hash bytea, p_inviters text[]) TO slipway_app;

REVOKE ALL ON FUNCTION app.redeem_ticket(p_token_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION app.redeem_ticket(p_token_hash bytea) TO slipway_app;

REVOKE ALL ON FUNCTION app.refresh_token_user(p_token_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION app.refresh_token_user(p_token_hash bytea) TO slipway_app;

REVOKE ALL ON FUNCTION app.refuse_rewriting() FROM PUBLIC;

REVOKE ALL ON FUNCTION app.replay_usage(p_team uuid, p_first date, p_last date, p_mend boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION app.replay_usage(p_team uuid, p_first date, p_last date, p_mend boolean) TO slipway_app;

REVOKE ALL ON FUNCTION app.require_operator() FROM PUBLIC;

REVOKE ALL ON FUNCTION app.reserve(p_team uuid, p_source text, p_meters text[], p_amounts bigint[], p_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.reserve(p_team uuid, p_source text, p_meters text[], p_amounts bigint[], p_seconds integer) TO slipway_app;

REVOKE ALL ON FUNCTION app.set_limit(p_team uuid, p_meter text, p_value bigint, p_until timestamp with time zone, p_reason text, p_by uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.set_limit(p_team uuid, p_meter text, p_value bigint, p_until timestamp with time zone, p_reason text, p_by uuid) TO slipway_owner;

REVOKE ALL ON FUNCTION app.set_operator(p_email text, p_operator boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION app.set_operator(p_email text, p_operator boolean) TO slipway_owner;

REVOKE ALL ON FUNCTION app.set_plan(p_team uuid, p_plan text, p_from timestamp with time zone, p_reason text, p_by uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.set_plan(p_team uuid, p_plan text, p_from timestamp with time zone, p_reason text, p_by uuid) TO slipway_owner;

REVOKE ALL ON FUNCTION app.settle(p_team uuid, p_source text, p_meters text[], p_actual bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.settle(p_team uuid, p_source text, p_meters text[], p_actual bigint[]) TO slipway_app;

REVOKE ALL ON FUNCTION app.take_oidc_login(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.take_oidc_login(p_id uuid) TO slipway_app;

REVOKE ALL ON FUNCTION app.take_registration(p_token_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION app.take_registration(p_token_hash bytea) TO slipway_app;

REVOKE ALL ON FUNCTION app.take_tokens(p_team uuid, p_subjects text[], p_ids uuid[], p_class text) FROM PUBLIC;

REVOKE ALL ON FUNCTION app.team_people(p_team uuid, p_user uuid, p_before uuid, p_limit bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION app.team_people(p_team uuid, p_user uuid, p_before uuid, p_limit bigint) TO slipway_app;

REVOKE ALL ON FUNCTION app.teams() FROM PUBLIC;
GRANT ALL ON FUNCTION app.teams() TO slipway_app;
GRANT ALL ON FUNCTION app.teams() TO slipway_door;
GRANT ALL ON FUNCTION app.teams() TO slipway_reader;

REVOKE ALL ON FUNCTION app.teams_after(p_after uuid, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.teams_after(p_after uuid, p_limit integer) TO slipway_app;

REVOKE ALL ON FUNCTION app.usage_crossings(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.usage_crossings(p_limit integer) TO slipway_app;

REVOKE ALL ON FUNCTION app.walk_audit(p_team uuid, p_after bigint, p_hash bytea, p_count integer, OUT events bigint, OUT hash bytea, OUT broken_seq bigint, OUT head_seq bigint, OUT head_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION app.walk_audit(p_team uuid, p_after bigint, p_hash bytea, p_count integer, OUT events bigint, OUT hash bytea, OUT broken_seq bigint, OUT head_seq bigint, OUT head_hash bytea) TO slipway_app;

REVOKE ALL ON FUNCTION app.workspace_guests(p_team uuid, p_workspace uuid, p_user uuid, p_before uuid, p_limit bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION app.workspace_guests(p_team uuid, p_workspace uuid, p_user uuid, p_before uuid, p_limit bigint) TO slipway_app;

REVOKE ALL ON FUNCTION app.workspaces() FROM PUBLIC;
GRANT ALL ON FUNCTION app.workspaces() TO slipway_app;
GRANT ALL ON FUNCTION app.workspaces() TO slipway_door;
GRANT ALL ON FUNCTION app.workspaces() TO slipway_reader;

GRANT SELECT,INSERT ON TABLE public.account_events TO slipway_app;
GRANT DELETE ON TABLE public.account_events TO slipway_door;

GRANT SELECT(at) ON TABLE public.account_events TO slipway_door;

GRANT SELECT,INSERT ON TABLE public.api_keys TO slipway_app;
GRANT SELECT ON TABLE public.api_keys TO slipway_door;

GRANT UPDATE(expires_at) ON TABLE public.api_keys TO slipway_app;

GRANT UPDATE(revoked_at) ON TABLE public.api_keys TO slipway_app;

GRANT UPDATE(last_used_at) ON TABLE public.api_keys TO slipway_door;

GRANT SELECT ON TABLE public.audit_heads TO slipway_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.audit_heads TO slipway_door;

GRANT SELECT,INSERT ON TABLE public.blobs TO slipway_app;

GRANT SELECT(team_id) ON TABLE public.blobs TO slipway_door;

GRANT SELECT(size) ON TABLE public.blobs TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.connections TO slipway_app;
GRANT SELECT,DELETE ON TABLE public.connections TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.email_tokens TO slipway_app;
GRANT SELECT,DELETE ON TABLE public.email_tokens TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.file_versions TO slipway_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.files TO slipway_app;
GRANT SELECT ON TABLE public.files TO slipway_door;

GRANT SELECT ON TABLE public.idempotency_keys TO slipway_app;
GRANT SELECT,DELETE ON TABLE public.idempotency_keys TO slipway_door;

GRANT INSERT(user_id) ON TABLE public.idempotency_keys TO slipway_app;

GRANT INSERT(key_hash) ON TABLE public.idempotency_keys TO slipway_app;

GRANT INSERT(request_hash) ON TABLE public.idempotency_keys TO slipway_app;

GRANT UPDATE(status) ON TABLE public.idempotency_keys TO slipway_app;

GRANT UPDATE(headers) ON TABLE public.idempotency_keys TO slipway_app;

GRANT UPDATE(body) ON TABLE public.idempotency_keys TO slipway_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.identities TO slipway_app;
GRANT SELECT ON TABLE public.identities TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.login_attempts TO slipway_door;

GRANT SELECT,INSERT,DELETE ON TABLE public.oidc_logins TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox TO slipway_app;

GRANT SELECT ON TABLE public.plan_limits TO slipway_app;
GRANT SELECT ON TABLE public.plan_limits TO slipway_reader;
GRANT SELECT ON TABLE public.plan_limits TO slipway_door;

GRANT SELECT ON TABLE public.plan_prices TO slipway_app;
GRANT SELECT ON TABLE public.plan_prices TO slipway_reader;

GRANT SELECT ON TABLE public.plan_rates TO slipway_app;
GRANT SELECT ON TABLE public.plan_rates TO slipway_reader;
GRANT SELECT ON TABLE public.plan_rates TO slipway_door;

GRANT SELECT ON TABLE public.plans TO slipway_app;
GRANT SELECT ON TABLE public.plans TO slipway_reader;
GRANT SELECT ON TABLE public.plans TO slipway_door;

GRANT SELECT ON TABLE public.platform TO slipway_app;
GRANT SELECT ON TABLE public.platform TO slipway_reader;
GRANT SELECT ON TABLE public.platform TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.projects TO slipway_app;
GRANT SELECT ON TABLE public.projects TO slipway_door;

GRANT SELECT,INSERT,UPDATE ON TABLE public.quota_reservations TO slipway_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.quota_reservations TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rate_buckets TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.refresh_tokens TO slipway_app;
GRANT SELECT ON TABLE public.refresh_tokens TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.registrations TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.room_events TO slipway_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rooms TO slipway_app;
GRANT SELECT ON TABLE public.rooms TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.run_artifacts TO slipway_app;
GRANT SELECT ON TABLE public.run_artifacts TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.runs TO slipway_app;
GRANT SELECT ON TABLE public.runs TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sessions TO slipway_app;
GRANT SELECT,DELETE ON TABLE public.sessions TO slipway_door;

GRANT SELECT ON TABLE public.signing_keys TO slipway_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.socket_tickets TO slipway_app;
GRANT SELECT,DELETE ON TABLE public.socket_tickets TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.subscriptions TO slipway_app;
GRANT SELECT ON TABLE public.subscriptions TO slipway_door;

GRANT SELECT ON TABLE public.team_overrides TO slipway_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.team_overrides TO slipway_door;

GRANT SELECT ON TABLE public.team_plans TO slipway_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.team_plans TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.teams TO slipway_app;
GRANT SELECT,INSERT ON TABLE public.teams TO slipway_door;

GRANT UPDATE(version) ON TABLE public.teams TO slipway_door;

GRANT SELECT,INSERT ON TABLE public.trees TO slipway_app;

GRANT SELECT ON TABLE public.usage_days TO slipway_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.usage_days TO slipway_door;

GRANT SELECT ON TABLE public.usage_events TO slipway_app;
GRANT SELECT,INSERT ON TABLE public.usage_events TO slipway_door;

GRANT SELECT ON TABLE public.usage_hours TO slipway_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.usage_hours TO slipway_door;

GRANT SELECT,INSERT ON TABLE public.usage_notices TO slipway_app;
GRANT SELECT ON TABLE public.usage_notices TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.workers TO slipway_app;
GRANT SELECT,DELETE ON TABLE public.workers TO slipway_door;

GRANT SELECT,DELETE ON TABLE public.workspace_members TO slipway_app;
GRANT SELECT,INSERT,DELETE ON TABLE public.workspace_members TO slipway_door;

GRANT UPDATE(role) ON TABLE public.workspace_members TO slipway_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.workspaces TO slipway_app;
GRANT SELECT ON TABLE public.workspaces TO slipway_door;

GRANT UPDATE(version) ON TABLE public.workspaces TO slipway_door;
