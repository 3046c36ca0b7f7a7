-- migrate:up lock_timeout=5s
-- How a request begins, as few statements as it takes: a route's reads are counted in microseconds of this.

--
-- A request's first round trip is two transactions. The first one, app.admit, takes a token from the caller's buckets and
-- commits at once: a request that is refused later, or takes half a minute, neither gets its token back nor holds the
-- lock that the team's other requests need. The second one begins with app.begin_admitted and belongs to the request.

-- Who it is: the teams that they see whole, the workspaces that they see without their team, and where the request's
-- resource is with their role there: a member's, 'guest_editor', 'guest_viewer', or NULL for nothing. A key narrows it to
-- its own team, or to its own workspace. Raises SL401 when the session or the key has ended.
create function app.identify(p_user uuid, p_session uuid, p_key uuid, p_kind text, p_id uuid,
                             out teams uuid[], out workspaces uuid[], out team_id uuid, out role text, out scopes text[])
language plpgsql stable as $$
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

-- A request whose class of route has no rate.
create function app.begin_request(p_user uuid, p_session uuid, p_key uuid, p_kind text, p_id uuid,
                                  out team_id uuid, out role text, out scopes text[], out admitted jsonb)
language plpgsql security definer set search_path = pg_catalog, public as $$
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

-- Take a token from each bucket that the plan has for these subjects and this class of route, and count a member's call.
-- Raises SL429 with the bucket that is empty; nothing is taken then. Returns what is left, the tightest first.
create function app.take_tokens(p_team uuid, p_subjects text[], p_ids uuid[], p_class text) returns jsonb
language plpgsql as $$
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

-- The first of a request's two transactions. What it found out is handed to begin_admitted, which comes in the same
-- message after a commit, in a setting of the session that is emptied there.
create function app.admit(p_user uuid, p_session uuid, p_key uuid, p_kind text, p_id uuid, p_class text) returns void
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  i record := app.identify(p_user, p_session, p_key, p_kind, p_id);
  -- In this order for everyone, so that two requests never wait for each other.
  left_over jsonb := app.take_tokens(i.team_id, array['user', 'key', 'team'], array[p_user, p_key, i.team_id], p_class);
begin
  perform set_config('app.begun', array[p_user::text, coalesce(i.teams::text, '{}'), coalesce(i.workspaces::text, '{}'),
                                        i.team_id::text, i.role, i.scopes::text, left_over::text]::text, false);
end $$;

-- The second one begins with this: as begin_request, with what the buckets have left.
create function app.begin_admitted(out team_id uuid, out role text, out scopes text[], out admitted jsonb)
language plpgsql as $$
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

-- Before there is a user: login and its like.
create function app.admit_address(p_address text, p_class text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  return app.take_tokens(null, array['address'], array[md5('address ' || p_address)::uuid], p_class);
end $$;

grant create on schema app to slipway_door;
do $$
declare
  name text;
begin
  foreach name in array array['identify(uuid, uuid, uuid, text, uuid)', 'begin_request(uuid, uuid, uuid, text, uuid)',
      'take_tokens(uuid, text[], uuid[], text)', 'admit(uuid, uuid, uuid, text, uuid, text)', 'admit_address(text, text)'] loop
    execute format('alter function app.%s owner to slipway_door', name);
    execute format('revoke execute on function app.%s from public', name);
  end loop;
end $$;
revoke create on schema app from slipway_door;
revoke execute on function app.begin_admitted() from public;
grant execute on function app.begin_request(uuid, uuid, uuid, text, uuid), app.admit(uuid, uuid, uuid, text, uuid, text),
  app.begin_admitted(), app.admit_address(text, text) to slipway_app;
grant execute on function app.default_plan() to slipway_door;

-- ── Nothing stands before a door's tables ───────────────────────────────────────────────────────────────────────
-- A search path that does not name pg_temp begins with it: who made a temporary table `team_members` would tell the
-- doors who is a member of which team.
do $$
declare
  door regprocedure;
begin
  for door in select p.oid from pg_proc p where p.pronamespace = 'app'::regnamespace and p.prosecdef loop
    execute format('alter function %s set search_path = pg_catalog, public, pg_temp', door);
  end loop;
end $$;
