-- migrate:up lock_timeout=5s
-- The first tables. Three ideas hold throughout:
--   * a tenant's table carries team_id first in its keys, and its foreign keys carry it too, because a foreign key
--     sees through row-level security;
--   * row-level security is forced on every tenant table and compares team_id with a list that begin_* loads once
--     per transaction; nobody's list is empty, and empty means nothing is visible;
--   * what must be found before the tenant is known (a login, a token) goes through a small SECURITY DEFINER function
--     of schema app, owned by slipway_door, a role without login whose policies name exactly those tables.

create schema app;
grant usage on schema app, public to slipway_app, slipway_door, slipway_reader;

-- ── Who is asking ───────────────────────────────────────────────────────────────────────────────────────────────
-- After a transaction-local setting Postgres leaves '' behind, not NULL: hence nullif.

create function app.user_id() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.user_id', true), '')::uuid;

create function app.teams() returns uuid[] language sql stable parallel safe
  return nullif(current_setting('app.team_ids', true), '')::uuid[];

-- ── Accounts ────────────────────────────────────────────────────────────────────────────────────────────────────

create table users (
  id            uuid primary key,
  email         text not null unique check (email = lower(email)),
  name          text not null,
  password_hash text not null,
  created_at    timestamptz not null default now()
);

-- One sign-in on one device: a family of refresh tokens.
create table sessions (
  user_id    uuid not null references users on delete cascade,
  id         uuid not null unique,
  user_agent text not null default '',
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  primary key (user_id, id)
);

create index sessions_expiry on sessions (expires_at);
create index sessions_revoked on sessions (revoked_at) where revoked_at is not null;

-- A token may be exchanged once; within a short grace its twin tab may exchange it again as long as no child was used.
create table refresh_tokens (
  token_hash  bytea primary key check (length(token_hash) = 32),
  parent_hash bytea,
  user_id     uuid not null,
  session_id  uuid not null,
  created_at  timestamptz not null default now(),
  used_at     timestamptz,
  foreign key (user_id, session_id) references sessions on delete cascade
);
create index refresh_tokens_session on refresh_tokens (user_id, session_id);
create index refresh_tokens_parent on refresh_tokens (parent_hash) where parent_hash is not null;

-- The public halves of the token-signing keys, for every verifier and for the JWKS.
create table signing_keys (
  kid        text primary key,
  jwk        jsonb not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);

-- ── Plans: limits are data ──────────────────────────────────────────────────────────────────────────────────────

create table plans (
  name  text primary key,
  title text not null
);

-- value NULL means unlimited.
create table plan_limits (
  plan  text not null references plans,
  meter text not null,
  value bigint,
  primary key (plan, meter)
);

-- ── Teams, workspaces, projects ─────────────────────────────────────────────────────────────────────────────────

create table teams (
  id         uuid primary key,
  name       text not null,
  plan       text not null default 'unlimited' references plans,
  created_at timestamptz not null default now()
);

create table team_members (
  team_id    uuid not null references teams on delete cascade,
  user_id    uuid not null references users on delete cascade,
  role       text not null check (role in ('owner', 'admin', 'editor', 'viewer', 'billing')),
  created_at timestamptz not null default now(),
  primary key (team_id, user_id)
);
create index team_members_user on team_members (user_id) include (team_id, role);

-- How much of a counted limit is in use right now (for example runs_concurrent).
create table quotas (
  team_id uuid not null references teams on delete cascade,
  meter   text not null,
  used    bigint not null default 0 check (used >= 0),
  primary key (team_id, meter)
);

create table workspaces (
  team_id    uuid not null references teams on delete cascade,
  id         uuid not null unique,
  name       text not null,
  created_at timestamptz not null default now(),
  primary key (team_id, id)
);

create table projects (
  team_id      uuid not null,
  id           uuid not null unique,
  workspace_id uuid not null,
  name         text not null,
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now(),
  primary key (team_id, id),
  foreign key (team_id, workspace_id) references workspaces on delete cascade
);
create index projects_workspace on projects (team_id, workspace_id, id desc);

-- ── Files ───────────────────────────────────────────────────────────────────────────────────────────────────────
-- Content is addressed by its sha-256 within a team, so the same content is kept once and never shared across teams.

create table blobs (
  team_id    uuid not null references teams on delete cascade,
  sha256     bytea not null check (length(sha256) = 32),
  size       bigint not null,
  encoding   text not null check (encoding in ('identity', 'deflate')),
  content    bytea not null,
  created_at timestamptz not null default now(),
  primary key (team_id, sha256)
);
alter table blobs alter content set storage external;

create table files (
  team_id    uuid not null,
  id         uuid not null unique,
  project_id uuid not null,
  path       text not null,
  path_key   text collate "C" not null, -- case-folded: two names that one file system cannot tell apart are one name
  sha256     bytea not null,
  size       bigint not null,
  version    bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  updated_by uuid not null,
  primary key (team_id, id),
  unique (team_id, project_id, path_key),
  foreign key (team_id, project_id) references projects on delete cascade,
  foreign key (team_id, sha256) references blobs
);
create index files_blob on files (team_id, sha256);
create index files_path on files (team_id, project_id, path);

-- Every save, move and delete; sha256 is NULL where the file was deleted.
create table file_versions (
  team_id    uuid not null,
  file_id    uuid not null,
  version    bigint not null,
  project_id uuid not null,
  path       text not null,
  sha256     bytea,
  size       bigint not null,
  saved_by   uuid not null,
  saved_at   timestamptz not null default now(),
  primary key (team_id, file_id, version),
  foreign key (team_id, project_id) references projects on delete cascade,
  foreign key (team_id, sha256) references blobs
);
create index file_versions_project on file_versions (team_id, project_id, saved_at desc);
create index file_versions_blob on file_versions (team_id, sha256);

-- A whole project at one moment: [{"path", "sha256" (hex), "size"}] sorted by path, addressed by its own hash.
create table trees (
  team_id    uuid not null references teams on delete cascade,
  sha256     bytea not null check (length(sha256) = 32),
  entries    jsonb not null,
  files      integer not null,
  bytes      bigint not null,
  created_at timestamptz not null default now(),
  primary key (team_id, sha256)
);

-- ── Runs ────────────────────────────────────────────────────────────────────────────────────────────────────────

create table runs (
  team_id          uuid not null,
  id               uuid not null unique,
  project_id       uuid not null,
  created_by       uuid not null,
  tree_sha256      bytea not null,
  language         text,
  entry            text,
  arguments        text[] not null default '{}',
  stdin            bytea not null default '',
  artifacts        text[] not null default '{}',
  limits           jsonb not null,
  status           text not null default 'queued' check (status in ('queued', 'starting', 'running',
                     'succeeded', 'failed', 'timed_out', 'memory_exceeded', 'output_exceeded', 'disk_exceeded',
                     'process_limit', 'signalled', 'cancelled', 'never_started', 'lost')),
  reason           text,
  attempt          integer not null default 0,
  refusals         integer not null default 0, -- attempts that no worker took: they are no tries
  token_hash       bytea,           -- good for this attempt only; NULL when nobody may report
  output_seq       bigint not null default 0, -- the last chunk accepted from this attempt
  lease_expires_at timestamptz,
  deadline_at      timestamptz not null,
  cancel_requested_at timestamptz,
  created_at       timestamptz not null default now(),
  started_at       timestamptz,
  finished_at      timestamptz,
  result           jsonb,
  primary key (team_id, id),
  check ((finished_at is null) = (status in ('queued', 'starting', 'running'))),
  foreign key (team_id, project_id) references projects on delete cascade,
  foreign key (team_id, tree_sha256) references trees
);
create index runs_project on runs (team_id, project_id, id desc);
create index runs_tree on runs (team_id, tree_sha256);
create index runs_open on runs (status, lease_expires_at, created_at) where finished_at is null;

create table run_artifacts (
  team_id     uuid not null,
  id          uuid not null unique,
  run_id      uuid not null,
  attempt     integer not null,
  path        text not null,
  size        bigint not null,
  sha256      bytea not null check (length(sha256) = 32),
  created_at  timestamptz not null default now(),
  primary key (team_id, id),
  unique (team_id, run_id, attempt, path),
  foreign key (team_id, run_id) references runs on delete cascade
);

-- The warm and the busy workers, as the container service reports them. Single use: busy is never idle again.
create table workers (
  task_arn   text primary key,
  address    text not null,
  state      text not null check (state in ('idle', 'busy', 'gone')),
  team_id    uuid,
  run_id     uuid,
  attempt    integer,
  started_at timestamptz not null default now(),
  claimed_at timestamptz,
  foreign key (team_id, run_id) references runs on delete cascade
);
create index workers_idle on workers (started_at) where state = 'idle';
create index workers_run on workers (team_id, run_id) where run_id is not null;

-- ── Rooms ───────────────────────────────────────────────────────────────────────────────────────────────────────
-- A workspace, a project and a run each have one, under their own id. last_seq counts without gaps under the row's lock.

create table rooms (
  team_id  uuid not null references teams on delete cascade,
  id       uuid not null,
  kind     text not null check (kind in ('workspace', 'project', 'run')),
  last_seq bigint not null default 0,
  primary key (team_id, id)
);

create table room_events (
  team_id    uuid not null,
  room_id    uuid not null,
  seq        bigint not null,
  type       text not null,
  data       jsonb not null,
  created_at timestamptz not null default now(),
  primary key (team_id, room_id, seq, created_at),
  foreign key (team_id, room_id) references rooms on delete cascade
) partition by range (created_at);
create table room_events_rest partition of room_events default;

-- Months ahead, so that an insert never waits for one; called every day. Returns how many partitions it made.
create function app.make_partitions(months integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  first date := date_trunc('month', now());
  made integer := 0;
  name text;
begin
  for i in 0 .. months loop
    name := 'room_events_' || to_char(first + make_interval(months => i), 'YYYYMM');
    if to_regclass('public.' || name) is null then
      begin
        execute format('create table public.%I partition of public.room_events for values from (%L) to (%L)',
          name, first + make_interval(months => i), first + make_interval(months => i + 1));
        made := made + 1;
      exception when check_violation then
        null; -- nobody called for months, and events of this one are in room_events_rest: they stay there
      end;
    end if;
  end loop;
  return made;
end $$;
select app.make_partitions(2);

-- Months whose last day is longer ago than that, whole, and what lies in the rest. Returns how many partitions went.
create function app.drop_partitions(months integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  oldest text := 'room_events_' || to_char(date_trunc('month', now()) - make_interval(months => months), 'YYYYMM');
  name text;
  dropped integer := 0;
begin
  for name in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
               where i.inhparent = 'public.room_events'::regclass and c.relname ~ '^room_events_[0-9]{6}$' loop
    if name < oldest then
      execute format('drop table public.%I', name);
      dropped := dropped + 1;
    end if;
  end loop;
  return dropped;
end $$;

-- ── Sockets ─────────────────────────────────────────────────────────────────────────────────────────────────────

create table socket_tickets (
  token_hash bytea primary key check (length(token_hash) = 32),
  user_id    uuid not null references users on delete cascade,
  session_id uuid not null,
  expires_at timestamptz not null
);

create table connections (
  id           text primary key,
  user_id      uuid not null references users on delete cascade,
  connected_at timestamptz not null default now()
);
create index connections_user on connections (user_id);
create index connections_age on connections (connected_at);

create table subscriptions (
  team_id       uuid not null,
  room_id       uuid not null,
  connection_id text not null references connections on delete cascade,
  user_id       uuid not null,
  primary key (team_id, room_id, connection_id),
  foreign key (team_id, room_id) references rooms on delete cascade
);
create index subscriptions_connection on subscriptions (connection_id);

-- ── Outbox ──────────────────────────────────────────────────────────────────────────────────────────────────────
-- Written with the change it announces, sent right after the commit, deleted when the queue has it. What is still
-- here after a while was not sent: the sweeper sends it again.

create table outbox (
  id            uuid primary key,
  queue         text not null,
  body          text not null,
  delay_seconds integer not null default 0,
  created_at    timestamptz not null default now()
);
create index outbox_age on outbox (created_at);

-- Losing this delete only sends a message twice, which every consumer bears: no need to wait for the disk.
create function app.outbox_sent(ids uuid[]) returns void language plpgsql as $$
begin
  perform set_config('synchronous_commit', 'off', true);
  delete from public.outbox where id = any (ids);
end $$;

-- ── Row-level security ──────────────────────────────────────────────────────────────────────────────────────────

do $$
declare
  name text;
begin
  foreach name in array array['team_members', 'quotas', 'workspaces', 'projects', 'blobs', 'files', 'file_versions',
                              'trees', 'runs', 'run_artifacts', 'rooms', 'room_events', 'subscriptions'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy tenant on %I to slipway_app using (team_id = any ((select app.teams())::uuid[]))', name);
  end loop;
  foreach name in array array['users', 'teams', 'sessions', 'refresh_tokens', 'socket_tickets', 'connections'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
  end loop;
  foreach name in array array['sessions', 'refresh_tokens', 'socket_tickets', 'connections'] loop
    execute format('create policy own on %I to slipway_app using (user_id = (select app.user_id()))', name);
  end loop;
end $$;
create policy own on users to slipway_app using (id = (select app.user_id()));
create policy tenant on teams to slipway_app using (id = any ((select app.teams())::uuid[]));

grant select, insert, update, delete on
  users, sessions, refresh_tokens, teams, team_members, quotas, workspaces, projects, blobs, files, file_versions, trees,
  runs, run_artifacts, workers, rooms, room_events, socket_tickets, connections, subscriptions, outbox
  to slipway_app;
grant select on signing_keys to slipway_app;
grant select on plans, plan_limits to slipway_app, slipway_reader;

-- ── Doors ───────────────────────────────────────────────────────────────────────────────────────────────────────
-- What may be seen before the tenant is known. Each says who calls it.

grant select on users, sessions, refresh_tokens, socket_tickets, team_members, teams, workspaces, projects, files, runs,
  connections, subscriptions, run_artifacts to slipway_door;
grant insert on teams, team_members to slipway_door;
grant delete on socket_tickets, connections, sessions, workers to slipway_door;
grant select on workers to slipway_door;
do $$
declare
  name text;
begin
  foreach name in array array['users', 'sessions', 'refresh_tokens', 'socket_tickets', 'team_members', 'teams',
      'workspaces', 'projects', 'files', 'runs', 'connections', 'subscriptions', 'run_artifacts'] loop
    execute format('create policy door on %I to slipway_door using (true)', name);
  end loop;
end $$;

-- Every request of a user: who it is, which teams, and (when a resource is named) that resource's team and the
-- user's role there. No row: the resource does not exist or is none of the user's business, which are the same answer.
create function app.begin_request(p_user uuid, p_kind text, p_id uuid) returns table (team_id uuid, role text)
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  ids uuid[];
  roles text[];
  team uuid;
begin
  select array_agg(m.team_id), array_agg(m.role) into ids, roles from team_members m where m.user_id = p_user;
  perform set_config('app.user_id', p_user::text, true), set_config('app.team_ids', coalesce(ids::text, '{}'), true);
  case p_kind
    when '' then return;
    when 'team' then team := p_id;
    when 'ws' then select w.team_id into team from workspaces w where w.id = p_id;
    when 'prj' then select p.team_id into team from projects p where p.id = p_id;
    when 'file' then select f.team_id into team from files f where f.id = p_id;
    when 'run' then select r.team_id into team from runs r where r.id = p_id;
    when 'art' then select a.team_id into team from run_artifacts a where a.id = p_id;
  end case;
  return query select team, roles[array_position(ids, team)] where team = any (ids);
end $$;

-- A worker's report: the run that this token is good for, if it is the run of the request's path.
create function app.begin_run(p_token_hash bytea, p_run uuid) returns table (team_id uuid, attempt integer)
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  found runs%rowtype;
begin
  select * into found from runs r where r.id = p_run and r.token_hash = p_token_hash;
  if found.id is null then return; end if;
  perform set_config('app.user_id', '', true), set_config('app.team_ids', array[found.team_id]::text, true);
  return query select found.team_id, found.attempt;
end $$;

-- Work of the platform on one team's behalf (queue, schedule and event functions only).
create function app.begin_team(p_team uuid) returns void language sql
  begin atomic
    select set_config('app.user_id', '', true), set_config('app.team_ids', array[p_team]::text, true);
  end;

-- Before there is a user: login, refresh, the socket's ticket.
create function app.begin_user(p_user uuid) returns void language sql
  begin atomic
    select set_config('app.user_id', p_user::text, true), set_config('app.team_ids', '{}', true);
  end;

create function app.login_user(p_email text) returns table (id uuid, password_hash text)
language sql security definer set search_path = pg_catalog, public as $$
  select u.id, u.password_hash from users u where u.email = p_email
$$;

create function app.refresh_token_user(p_token_hash bytea) returns uuid
language sql security definer set search_path = pg_catalog, public as $$
  select t.user_id from refresh_tokens t where t.token_hash = p_token_hash
$$;

-- Single use: taking it deletes it.
create function app.take_socket_ticket(p_token_hash bytea) returns table (user_id uuid, session_id uuid)
language sql security definer set search_path = pg_catalog, public as $$
  delete from socket_tickets t where t.token_hash = p_token_hash and t.expires_at > now() returning t.user_id, t.session_id
$$;

create function app.create_team(p_id uuid, p_name text) returns void
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  insert into teams (id, name) values (p_id, p_name);
  insert into team_members (team_id, user_id, role) values (p_id, app.user_id(), 'owner');
  perform set_config('app.team_ids', (app.teams() || p_id)::text, true);
end $$;

-- The broadcaster found connections gone.
create function app.drop_connections(p_ids text[]) returns void
language sql security definer set search_path = pg_catalog, public as $$
  delete from connections c where c.id = any (p_ids)
$$;

-- Every hour: what is worthless by its age. Connections live for two hours, sessions for sixty days.
create function app.expire() returns void
language sql security definer set search_path = pg_catalog, public as $$
  delete from connections where connected_at < now() - interval '130 minutes';
  delete from socket_tickets where expires_at < now();
  delete from sessions where expires_at < now() - interval '30 days';
  delete from sessions where revoked_at < now() - interval '30 days';
  delete from workers where state = 'gone' and started_at < now() - interval '1 day';
$$;

-- For the reconciler: runs whose lease or deadline has passed, or that have waited for longer than a lost message takes.
-- Those that hold a worker come first: a long queue must not hide them.
create function app.overdue_runs(p_waiting interval, p_limit integer) returns table (team_id uuid, id uuid)
language sql security definer set search_path = pg_catalog, public as $$
  select r.team_id, r.id from runs r
   where r.finished_at is null
     and (r.deadline_at < now() or (r.status <> 'queued' and r.lease_expires_at < now())
          or (r.status = 'queued' and r.created_at < now() - p_waiting))
   order by r.status = 'queued', r.created_at limit p_limit
$$;

-- Workers are free: the runs that have waited longest.
create function app.next_queued_runs(p_limit bigint) returns table (team_id uuid, id uuid)
language sql security definer set search_path = pg_catalog, public as $$
  select r.team_id, r.id from runs r where r.status = 'queued' and r.finished_at is null order by r.created_at limit p_limit
$$;

grant create on schema app to slipway_door;
do $$
declare
  name text;
begin
  foreach name in array array['begin_request(uuid, text, uuid)', 'begin_run(bytea, uuid)', 'login_user(text)',
      'refresh_token_user(bytea)', 'take_socket_ticket(bytea)', 'create_team(uuid, text)',
      'drop_connections(text[])', 'expire()', 'overdue_runs(interval, integer)', 'next_queued_runs(bigint)'] loop
    execute format('alter function app.%s owner to slipway_door', name);
  end loop;
end $$;
revoke create on schema app from slipway_door;
revoke execute on all functions in schema app from public;
grant execute on all functions in schema app to slipway_app;
grant execute on function app.teams(), app.user_id() to slipway_door, slipway_reader;

-- ── The first plan ──────────────────────────────────────────────────────────────────────────────────────────────
-- A self-hosted install starts unlimited; the sandbox's own limits still bound a single run.

insert into plans (name, title) values ('unlimited', 'Unlimited');
insert into plan_limits (plan, meter, value) values
  ('unlimited', 'runs_concurrent', null),
  ('unlimited', 'file_bytes', 4194304),
  ('unlimited', 'project_files', 10000),
  ('unlimited', 'run_wall_seconds', 600),
  ('unlimited', 'run_cpu_seconds', 300),
  ('unlimited', 'run_memory_bytes', 536870912),
  ('unlimited', 'run_processes', 64),
  ('unlimited', 'run_open_files', 256),
  ('unlimited', 'run_disk_bytes', 268435456),
  ('unlimited', 'run_output_bytes', 10485760);
