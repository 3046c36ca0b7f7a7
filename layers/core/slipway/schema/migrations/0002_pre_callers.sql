-- migrate:up lock_timeout=5s
-- Who asks, with what, how often: API keys, guests of one workspace, rate limits, answers kept for a retry.
--
-- A request's first round trip is two transactions. The first one, app.admit, takes a token from the caller's buckets and
-- commits at once: a request that is refused later, or takes half a minute, neither gets its token back nor holds the
-- lock that the team's other requests need. The second one begins with app.begin_request and belongs to the request.

-- ── Operators ───────────────────────────────────────────────────────────────────────────────────────────────────
-- Who runs the platform. Set with `slipway operator`, never by a request.
alter table users add column operator boolean not null default false;

-- ── Guests: members of one workspace, not of its team ───────────────────────────────────────────────────────────

create table workspace_members (
  team_id      uuid not null,
  workspace_id uuid not null,
  user_id      uuid not null references users on delete cascade,
  role         text not null check (role in ('editor', 'viewer')),
  created_at   timestamptz not null default now(),
  primary key (team_id, workspace_id, user_id),
  foreign key (team_id, workspace_id) references workspaces on delete cascade
);
create index workspace_members_user on workspace_members (user_id) include (team_id, workspace_id, role);

-- ── API keys ────────────────────────────────────────────────────────────────────────────────────────────────────
-- A key acts as the person who made it, in one team or one workspace, with no more than its scopes. When that person
-- leaves or loses the role, so does the key.

create table api_keys (
  team_id      uuid not null references teams on delete cascade,
  id           uuid not null unique,
  workspace_id uuid,
  user_id      uuid not null references users on delete cascade,
  name         text not null,
  token_hash   bytea not null unique check (length(token_hash) = 32),
  last_four    text not null,
  scopes       text[] not null,
  created_at   timestamptz not null default now(),
  expires_at   timestamptz,
  revoked_at   timestamptz,
  last_used_at timestamptz, -- to the minute
  primary key (team_id, id),
  foreign key (team_id, workspace_id) references workspaces on delete cascade
);
create index api_keys_user on api_keys (user_id);
create index api_keys_workspace on api_keys (team_id, workspace_id) where workspace_id is not null;

-- A ticket that a key has got opens a connection that can do what the key can.
alter table socket_tickets alter column session_id drop not null;
alter table socket_tickets add column key_id uuid references api_keys (id) on delete cascade;
alter table socket_tickets add constraint socket_tickets_credential check (num_nonnulls(session_id, key_id) = 1);
create index socket_tickets_key on socket_tickets (key_id) where key_id is not null;

-- ── Rooms know their workspace: a guest may see those of one ────────────────────────────────────────────────────

alter table rooms add column workspace_id uuid;
update rooms r set workspace_id = r.id where r.kind = 'workspace';
update rooms r set workspace_id = p.workspace_id from projects p where p.team_id = r.team_id and p.id = r.id;
update rooms r set workspace_id = p.workspace_id
  from runs x join projects p on p.team_id = x.team_id and p.id = x.project_id
 where x.team_id = r.team_id and x.id = r.id;

alter table rooms add foreign key (team_id, workspace_id) references workspaces on delete cascade;
create index rooms_workspace on rooms (team_id, workspace_id);

-- ── Rate limits ─────────────────────────────────────────────────────────────────────────────────────────────────

-- How often: `burst` at once, then `per_minute`. No row: unlimited. `subject`: user and key count within one team.
create table plan_rates (
  plan       text not null references plans,
  subject    text not null check (subject in ('address', 'user', 'key', 'team')),
  class      text not null,
  burst      integer not null check (burst > 0),
  per_minute integer not null check (per_minute > 0),
  primary key (plan, class, subject)
);

-- Ephemeral: not in the write-ahead log, empty after a crash. `calls` counts requests since the meter last took them.
create unlogged table rate_buckets (
  team_id   uuid not null, -- zero where the request is about no team
  subject   uuid not null,
  class     text not null,
  tokens    double precision not null,
  filled_at timestamptz not null,
  calls     bigint not null default 0,
  primary key (team_id, subject, class)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
create index rate_buckets_age on rate_buckets (filled_at);

-- ── Answers kept for a retry ────────────────────────────────────────────────────────────────────────────────────
-- Written in the transaction of the effect, for 24 hours. The key's hash includes who sent it and the route.

create table idempotency_keys (
  user_id      uuid not null references users on delete cascade,
  key_hash     bytea not null check (length(key_hash) = 32),
  request_hash bytea not null check (length(request_hash) = 32),
  status       integer, -- NULL while the first request is at work, which no other one can see
  headers      jsonb,
  body         text,
  created_at   timestamptz not null default now(),
  primary key (user_id, key_hash)
);
create index idempotency_keys_age on idempotency_keys (created_at);

-- ── Row-level security ──────────────────────────────────────────────────────────────────────────────────────────
-- app.teams() are the teams that the caller sees whole. A guest, and a key bound to a workspace, sees workspaces instead.

create function app.workspaces() returns uuid[] language sql stable parallel safe
  return nullif(current_setting('app.workspace_ids', true), '')::uuid[];

do $$
declare
  name text;
begin
  foreach name in array array['workspace_members', 'api_keys'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy tenant on %I to slipway_app using (team_id = any ((select app.teams())::uuid[]))', name);
  end loop;
  foreach name in array array['projects', 'rooms'] loop
    execute format('create policy guest on %I to slipway_app
      using (workspace_id = any ((select app.workspaces())::uuid[]))', name);
  end loop;
  foreach name in array array['files', 'file_versions', 'runs'] loop
    execute format('create policy guest on %I to slipway_app using (exists (select from projects p
      where p.team_id = %I.team_id and p.id = %I.project_id and p.workspace_id = any ((select app.workspaces())::uuid[])))',
      name, name, name);
  end loop;
  foreach name in array array['room_events', 'subscriptions'] loop
    execute format('create policy guest on %I to slipway_app using (exists (select from rooms r
      where r.team_id = %I.team_id and r.id = %I.room_id and r.workspace_id = any ((select app.workspaces())::uuid[])))',
      name, name, name);
  end loop;
  -- Content has no workspace: it is found by its hash, which only its path tells. A guest's team is theirs here.
  foreach name in array array['blobs', 'trees', 'quotas'] loop
    execute format('create policy guest on %I to slipway_app using (team_id in (select w.team_id from workspaces w
      where w.id = any ((select app.workspaces())::uuid[])))', name);
  end loop;
end $$;
create policy guest on workspaces to slipway_app using (id = any ((select app.workspaces())::uuid[]));
create policy guest on run_artifacts to slipway_app using (exists (select from runs r join projects p
  on p.team_id = r.team_id and p.id = r.project_id where r.team_id = run_artifacts.team_id and r.id = run_artifacts.run_id
  and p.workspace_id = any ((select app.workspaces())::uuid[])));
create policy guest on teams for select to slipway_app using (id in (select w.team_id from workspaces w
  where w.id = any ((select app.workspaces())::uuid[])));

-- Guests of one's own workspaces see themselves; nobody sees another's memberships through this.
create policy own on workspace_members for select to slipway_app using (user_id = (select app.user_id()));

alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
create policy own on idempotency_keys to slipway_app using (user_id = (select app.user_id()));

grant select, insert, update, delete on workspace_members to slipway_app;
grant select, insert, update on api_keys to slipway_app;
grant select, insert, update on idempotency_keys to slipway_app;
grant select on plan_rates to slipway_app, slipway_reader, slipway_door;
grant select, insert, update, delete on rate_buckets to slipway_door;
grant delete on idempotency_keys to slipway_door;
grant select on rooms to slipway_door;
create policy door on rooms to slipway_door using (true);
grant select on idempotency_keys, api_keys, workspace_members, plan_rates to slipway_door;
grant update (last_used_at) on api_keys to slipway_door;
create policy door on workspace_members to slipway_door using (true);
create policy door on api_keys to slipway_door using (true);
create policy door on idempotency_keys to slipway_door using (true);

-- ── Doors ───────────────────────────────────────────────────────────────────────────────────────────────────────

-- The team's plan at this moment.
create function app.plan_of(p_team uuid) returns text language sql stable
  return (select t.plan from public.teams t where t.id = p_team);

-- What a request without a team is measured by.
create function app.default_plan() returns text language sql stable return 'unlimited'::text;

-- Where a resource is, and what the user may be there: the role of a member, 'guest_editor' or 'guest_viewer', or NULL
-- for nothing. A key narrows it to its own team, and to its own workspace if it has one.
create function app.place(p_user uuid, p_key uuid, p_kind text, p_id uuid,
                          out team_id uuid, out role text, out workspace_id uuid)
language plpgsql stable security definer set search_path = pg_catalog, public as $$
declare
  key_team uuid;
  key_workspace uuid;
begin
  case p_kind
    when 'team' then team_id := p_id;
    when 'ws' then select w.team_id, w.id into team_id, workspace_id from workspaces w where w.id = p_id;
    when 'prj' then select p.team_id, p.workspace_id into team_id, workspace_id from projects p where p.id = p_id;
    when 'file' then select f.team_id, p.workspace_id into team_id, workspace_id
      from files f join projects p on p.team_id = f.team_id and p.id = f.project_id where f.id = p_id;
    when 'run' then select r.team_id, p.workspace_id into team_id, workspace_id
      from runs r join projects p on p.team_id = r.team_id and p.id = r.project_id where r.id = p_id;
    when 'art' then select a.team_id, p.workspace_id into team_id, workspace_id
      from run_artifacts a join runs r on r.team_id = a.team_id and r.id = a.run_id
      join projects p on p.team_id = r.team_id and p.id = r.project_id where a.id = p_id;
  end case;
  if team_id is null then return; end if;
  if p_key is not null then
    select k.team_id, k.workspace_id into key_team, key_workspace from api_keys k where k.id = p_key;
    if key_team is distinct from team_id
       or (key_workspace is not null and key_workspace is distinct from workspace_id) then return; end if;
  end if;
  select m.role into role from team_members m where m.team_id = place.team_id and m.user_id = p_user;
  if role is null then
    select 'guest_' || g.role into role from workspace_members g
     where g.team_id = place.team_id and g.workspace_id = place.workspace_id and g.user_id = p_user;
  end if;
end $$;

-- Take a token from each bucket that the plan has for this caller and class of route, and count the call.
-- Raises SL429 with the bucket that is empty; nothing is taken then. Returns what is left: one entry per bucket.
create function app.admit(p_user uuid, p_key uuid, p_address text, p_kind text, p_id uuid, p_class text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  team uuid;
  found jsonb;
  empty record;
begin
  if p_id is not null and p_kind <> '' then
    select case when p.role is not null then p.team_id end into team from app.place(p_user, p_key, p_kind, p_id) p;
  end if;
  with wanted as (
    select s.subject, s.of, r.burst, r.per_minute
      from (values ('address', md5('address ' || p_address)::uuid), ('user', p_user), ('key', p_key), ('team', team))
             as s (subject, of)
      left join plan_rates r on r.subject = s.subject and r.class = p_class
            and r.plan = coalesce(app.plan_of(team), app.default_plan())
     where s.of is not null and (r.burst is not null or (s.subject = 'user' and team is not null))
     order by s.subject
  ), taken as (
    insert into rate_buckets as b (team_id, subject, class, tokens, filled_at, calls)
    select coalesce(team, nobody), w.of, p_class, coalesce(w.burst - 1, 0), clock_timestamp(), (w.subject = 'user')::int
      from wanted w
    on conflict (team_id, subject, class) do update
       set (tokens, filled_at, calls) = (
         select coalesce(least(w.burst, b.tokens + w.per_minute / 60.0
                  * greatest(0, extract(epoch from excluded.filled_at - b.filled_at))) - 1, 0),
                greatest(excluded.filled_at, b.filled_at), b.calls + excluded.calls
           from wanted w where w.of = excluded.subject)
    returning b.subject, b.tokens
  )
  select jsonb_agg(jsonb_build_object('subject', w.subject, 'burst', w.burst, 'per_minute', w.per_minute,
                                      'tokens', t.tokens) order by t.tokens / w.burst)
    into found from wanted w join taken t on t.subject = w.of where w.burst is not null;
  if (found -> 0 ->> 'tokens')::double precision < 0 then
    raise exception using errcode = 'SL429', message = 'too_many_requests', detail = (found -> 0)::text;
  end if;
  -- For begin_request, which comes in the same message after a commit. It says nothing that a client may not see.
  perform set_config('app.admitted', coalesce(found::text, ''), false);
  return found;
end $$;

-- Every request of a user: is the credential still good, who it is, what they see whole (teams) and in part
-- (workspaces), and when a resource is named, its team and the user's role there; for a key also its scopes.
-- Raises SL401 when the session or the key has ended since the authorizer looked. No role: the resource does not exist
-- or is none of the user's business, which are the same answer.
create function app.begin_request(p_user uuid, p_session uuid, p_key uuid, p_kind text, p_id uuid,
                                  out team_id uuid, out role text, out scopes text[], out admitted jsonb)
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  k api_keys%rowtype;
  teams uuid[];
  workspaces uuid[];
begin
  if p_key is not null then
    select * into k from api_keys a where a.id = p_key and a.user_id = p_user;
    if k.id is null or k.revoked_at is not null or k.expires_at <= now() then
      raise exception using errcode = 'SL401', message = 'The API key was revoked or has expired.';
    end if;
    scopes := k.scopes;
  elsif not exists (select from sessions s where s.user_id = p_user and s.id = p_session
                                             and s.revoked_at is null and s.expires_at > now()) then
    raise exception using errcode = 'SL401', message = 'This session has ended: log in again.';
  end if;
  select array_agg(m.team_id) into teams from team_members m
   where m.user_id = p_user and (p_key is null or m.team_id = k.team_id);
  select array_agg(g.workspace_id) into workspaces from workspace_members g
   where g.user_id = p_user and (p_key is null or g.team_id = k.team_id);
  if k.workspace_id is not null then
    workspaces := case when teams is not null or k.workspace_id = any (workspaces) then array[k.workspace_id] end;
    teams := null;
  end if;
  perform set_config('app.user_id', p_user::text, true),
          set_config('app.team_ids', coalesce(teams::text, '{}'), true),
          set_config('app.workspace_ids', coalesce(workspaces::text, '{}'), true);
  admitted := nullif(current_setting('app.admitted', true), '')::jsonb;
  if p_kind <> '' then
    select p.team_id, p.role into team_id, role from app.place(p_user, p_key, p_kind, p_id) p;
    if role is null then team_id := null; end if;
  end if;
end $$;

-- A key's owner, by the token's hash; remembers the minute of its use. Called by the authorizer.
create function app.find_key(p_token_hash bytea) returns table (id uuid, user_id uuid)
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  return query select k.id, k.user_id from api_keys k
   where k.token_hash = p_token_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now());
  update api_keys k set last_used_at = date_trunc('minute', now())
   where k.token_hash = p_token_hash and (k.last_used_at is null or k.last_used_at < date_trunc('minute', now()));
end $$;

-- Single use: taking it deletes it. Replaces take_socket_ticket, which knew no keys.
create function app.redeem_ticket(p_token_hash bytea) returns table (user_id uuid, session_id uuid, key_id uuid)
language sql security definer set search_path = pg_catalog, public as $$
  delete from socket_tickets t where t.token_hash = p_token_hash and t.expires_at > now()
  returning t.user_id, t.session_id, t.key_id
$$;

-- The connections that hear a room. A guest, who may speak there, does not see the team's members: hence a door.
create function app.listeners(p_team uuid, p_room uuid, p_roles text[]) returns text[]
language sql security definer set search_path = pg_catalog, public as $$
  select array_agg(s.connection_id) from subscriptions s
    join rooms r on r.team_id = s.team_id and r.id = s.room_id
    left join team_members m on m.team_id = s.team_id and m.user_id = s.user_id
    left join workspace_members g on g.team_id = s.team_id and g.workspace_id = r.workspace_id and g.user_id = s.user_id
   where s.team_id = p_team and s.room_id = p_room and coalesce(m.role, 'guest_' || g.role) = any (p_roles)
$$;

create function app.is_operator() returns boolean language sql stable security definer set search_path = pg_catalog, public
  return coalesce((select u.operator from public.users u where u.id = app.user_id()), false);

-- Whether this request is the first with its key. Waits for one that is at work, up to five seconds (55P03).
create function app.claim_idempotency(p_user uuid, p_key_hash bytea, p_request_hash bytea) returns boolean
language plpgsql set lock_timeout = '5s' as $$
begin
  insert into public.idempotency_keys (user_id, key_hash, request_hash) values (p_user, p_key_hash, p_request_hash)
  on conflict do nothing;
  return found;
end $$;

-- Every hour: answers are kept for a day, full buckets are as good as none.
create function app.expire_requests() returns void
language sql security definer set search_path = pg_catalog, public as $$
  delete from idempotency_keys where created_at < now() - interval '24 hours';
  delete from rate_buckets where filled_at < now() - interval '1 day' and calls = 0;
$$;

grant create on schema app to slipway_door;
do $$
declare
  name text;
begin
  foreach name in array array['plan_of(uuid)', 'place(uuid, uuid, text, uuid)', 'admit(uuid, uuid, text, text, uuid, text)',
      'begin_request(uuid, uuid, uuid, text, uuid)', 'find_key(bytea)', 'redeem_ticket(bytea)', 'is_operator()', 'listeners(uuid, uuid, text[])',
      'expire_requests()'] loop
    execute format('alter function app.%s owner to slipway_door', name);
  end loop;
end $$;
revoke create on schema app from slipway_door;
revoke execute on all functions in schema app from public;
grant execute on function app.admit(uuid, uuid, text, text, uuid, text), app.begin_request(uuid, uuid, uuid, text, uuid),
  app.find_key(bytea), app.redeem_ticket(bytea), app.is_operator(), app.expire_requests(),
  app.listeners(uuid, uuid, text[]), app.claim_idempotency(uuid, bytea, bytea) to slipway_app;
grant execute on function app.workspaces() to slipway_app, slipway_door, slipway_reader;
grant execute on function app.default_plan(), app.user_id() to slipway_door, slipway_app;
