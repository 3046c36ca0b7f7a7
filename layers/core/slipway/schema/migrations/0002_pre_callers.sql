-- migrate:up lock_timeout=5s
-- Who asks, with what, how often: API keys, guests of one workspace, rate limits, answers kept for a retry.

-- ── Operators ───────────────────────────────────────────────────────────────────────────────────────────────────
-- Who runs the platform. Set with `slipway operator`, never by a request.
alter table users add column operator boolean not null default false;
-- The application writes every other column; a migration that adds one grants it.
revoke insert, update on users from slipway_app;
grant insert (id, email, name, password_hash), update (email, name, password_hash) on users to slipway_app;

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
-- Row-level security binds the owner too, hence the door's eyes.
grant select, update on rooms to slipway_door;
create policy door on rooms to slipway_door using (true);
set local role slipway_door;
update rooms r set workspace_id = r.id where r.kind = 'workspace';
update rooms r set workspace_id = p.workspace_id from projects p where p.team_id = r.team_id and p.id = r.id;
update rooms r set workspace_id = p.workspace_id
  from runs x join projects p on p.team_id = x.team_id and p.id = x.project_id
 where x.team_id = r.team_id and x.id = r.id;
reset role;
revoke update on rooms from slipway_door;

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

-- Ephemeral: not in the write-ahead log, empty after a crash. `calls` counts requests since the meter last took them. No
-- index but the key's: a column that changes with every request would make each update write to it, too.
create unlogged table rate_buckets (
  team_id   uuid not null, -- zero where the request is about no team
  subject   uuid not null,
  class     text not null,
  kind      text, -- the limit's subject, and its figures when it was last asked; NULL where the plan has none
  burst     integer,
  per_minute integer,
  tokens    double precision,
  filled_at timestamptz not null,
  calls     bigint not null default 0,
  primary key (team_id, subject, class)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

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
  -- It is written once and never changed.
  foreach name in array array['blobs', 'trees'] loop
    execute format('create policy guest on %I for select to slipway_app using (team_id in (select w.team_id
      from workspaces w where w.id = any ((select app.workspaces())::uuid[])))', name);
    execute format('create policy guest_insert on %I for insert to slipway_app with check (team_id in (select w.team_id
      from workspaces w where w.id = any ((select app.workspaces())::uuid[])))', name);
    execute format('revoke update, delete on %I from slipway_app', name);
  end loop;
end $$;
create policy guest on quotas to slipway_app using (team_id in (select w.team_id from workspaces w
  where w.id = any ((select app.workspaces())::uuid[])));

-- A version belongs to its file's project: elsewhere it would stand in the way of that file's next one.
create function app.file_project(p_team uuid, p_file uuid) returns uuid
language sql stable security definer set search_path = pg_catalog, public as $$
  select f.project_id from files f where f.team_id = p_team and f.id = p_file
$$;
create policy own_file on file_versions as restrictive for insert to slipway_app
  with check (coalesce(app.file_project(team_id, file_id), project_id) = project_id);

-- Nobody subscribes in another's name.
create policy own on subscriptions as restrictive for insert to slipway_app with check (user_id = (select app.user_id()));
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

grant select, update (role), delete on workspace_members to slipway_app; -- they come through a door
grant select, insert, update on api_keys to slipway_app;
grant select, insert (user_id, key_hash, request_hash), update (status, headers, body) on idempotency_keys to slipway_app;
grant select on plan_rates to slipway_app, slipway_reader, slipway_door;
grant select, insert, update, delete on rate_buckets to slipway_door;
grant delete on idempotency_keys to slipway_door;
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
  foreach name in array array['plan_of(uuid)', 'find_key(bytea)', 'redeem_ticket(bytea)', 'is_operator()', 'listeners(uuid, uuid, text[])',
      'expire_requests()', 'file_project(uuid, uuid)'] loop
    execute format('alter function app.%s owner to slipway_door', name);
  end loop;
end $$;
revoke create on schema app from slipway_door;
revoke execute on all functions in schema app from public;
grant execute on function app.find_key(bytea), app.redeem_ticket(bytea), app.is_operator(), app.expire_requests(),
  app.listeners(uuid, uuid, text[]), app.file_project(uuid, uuid), app.claim_idempotency(uuid, bytea, bytea) to slipway_app;
grant execute on function app.workspaces() to slipway_app, slipway_door, slipway_reader;
grant execute on function app.default_plan(), app.user_id() to slipway_door, slipway_app;
