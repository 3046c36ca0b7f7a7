-- Made by scripts/schema from the migrations beside it: change those, never this file.


CREATE SCHEMA app;

ALTER SCHEMA app OWNER TO slipway_owner;

CREATE FUNCTION app.begin_request(p_user uuid, p_kind text, p_id uuid) RETURNS TABLE(team_id uuid, role text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
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

ALTER FUNCTION app.begin_request(p_user uuid, p_kind text, p_id uuid) OWNER TO slipway_door;

CREATE FUNCTION app.begin_run(p_token_hash bytea, p_run uuid) RETURNS TABLE(team_id uuid, attempt integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
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

CREATE FUNCTION app.create_team(p_id uuid, p_name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
begin
  insert into teams (id, name) values (p_id, p_name);
  insert into team_members (team_id, user_id, role) values (p_id, app.user_id(), 'owner');
  perform set_config('app.team_ids', (app.teams() || p_id)::text, true);
end $$;

ALTER FUNCTION app.create_team(p_id uuid, p_name text) OWNER TO slipway_door;

CREATE FUNCTION app.drop_connections(p_ids text[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
  delete from connections c where c.id = any (p_ids)
$$;

ALTER FUNCTION app.drop_connections(p_ids text[]) OWNER TO slipway_door;

CREATE FUNCTION app.drop_partitions(months integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $_$
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
end $_$;

ALTER FUNCTION app.drop_partitions(months integer) OWNER TO slipway_owner;

CREATE FUNCTION app.expire() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
  delete from connections where connected_at < now() - interval '130 minutes';
  delete from socket_tickets where expires_at < now();
  delete from sessions where expires_at < now() - interval '30 days';
  delete from sessions where revoked_at < now() - interval '30 days';
  delete from workers where state = 'gone' and started_at < now() - interval '1 day';
$$;

ALTER FUNCTION app.expire() OWNER TO slipway_door;

CREATE FUNCTION app.login_user(p_email text) RETURNS TABLE(id uuid, password_hash text)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
  select u.id, u.password_hash from users u where u.email = p_email
$$;

ALTER FUNCTION app.login_user(p_email text) OWNER TO slipway_door;

CREATE FUNCTION app.make_partitions(months integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
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

ALTER FUNCTION app.make_partitions(months integer) OWNER TO slipway_owner;

CREATE FUNCTION app.next_queued_runs(p_limit bigint) RETURNS TABLE(team_id uuid, id uuid)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
  select r.team_id, r.id from runs r where r.status = 'queued' and r.finished_at is null order by r.created_at limit p_limit
$$;

ALTER FUNCTION app.next_queued_runs(p_limit bigint) OWNER TO slipway_door;

CREATE FUNCTION app.outbox_sent(ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
  perform set_config('synchronous_commit', 'off', true);
  delete from public.outbox where id = any (ids);
end $$;

ALTER FUNCTION app.outbox_sent(ids uuid[]) OWNER TO slipway_owner;

CREATE FUNCTION app.overdue_runs(p_waiting interval, p_limit integer) RETURNS TABLE(team_id uuid, id uuid)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
  select r.team_id, r.id from runs r
   where r.finished_at is null
     and (r.deadline_at < now() or (r.status <> 'queued' and r.lease_expires_at < now())
          or (r.status = 'queued' and r.created_at < now() - p_waiting))
   order by r.status = 'queued', r.created_at limit p_limit
$$;

ALTER FUNCTION app.overdue_runs(p_waiting interval, p_limit integer) OWNER TO slipway_door;

CREATE FUNCTION app.refresh_token_user(p_token_hash bytea) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
  select t.user_id from refresh_tokens t where t.token_hash = p_token_hash
$$;

ALTER FUNCTION app.refresh_token_user(p_token_hash bytea) OWNER TO slipway_door;

CREATE FUNCTION app.take_socket_ticket(p_token_hash bytea) RETURNS TABLE(user_id uuid, session_id uuid)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
  delete from socket_tickets t where t.token_hash = p_token_hash and t.expires_at > now() returning t.user_id, t.session_id
$$;

ALTER FUNCTION app.take_socket_ticket(p_token_hash bytea) OWNER TO slipway_door;

CREATE FUNCTION app.teams() RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('app.team_ids'::text, true), ''::text))::uuid[];

ALTER FUNCTION app.teams() OWNER TO slipway_owner;

CREATE FUNCTION app.user_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid;

ALTER FUNCTION app.user_id() OWNER TO slipway_owner;

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
    connected_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.connections FORCE ROW LEVEL SECURITY;

ALTER TABLE public.connections OWNER TO slipway_owner;

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
    value bigint
);

ALTER TABLE public.plan_limits OWNER TO slipway_owner;

CREATE TABLE public.plans (
    name text NOT NULL,
    title text NOT NULL
);

ALTER TABLE public.plans OWNER TO slipway_owner;

CREATE TABLE public.projects (
    team_id uuid NOT NULL,
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.projects FORCE ROW LEVEL SECURITY;

ALTER TABLE public.projects OWNER TO slipway_owner;

CREATE TABLE public.quotas (
    team_id uuid NOT NULL,
    meter text NOT NULL,
    used bigint DEFAULT 0 NOT NULL,
    CONSTRAINT quotas_used_check CHECK ((used >= 0))
);

ALTER TABLE ONLY public.quotas FORCE ROW LEVEL SECURITY;

ALTER TABLE public.quotas OWNER TO slipway_owner;

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
    revoked_at timestamp with time zone
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
    session_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
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

CREATE TABLE public.team_members (
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT team_members_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'editor'::text, 'viewer'::text, 'billing'::text])))
);

ALTER TABLE ONLY public.team_members FORCE ROW LEVEL SECURITY;

ALTER TABLE public.team_members OWNER TO slipway_owner;

CREATE TABLE public.teams (
    id uuid NOT NULL,
    name text NOT NULL,
    plan text DEFAULT 'unlimited'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
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

CREATE TABLE public.users (
    id uuid NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_email_check CHECK ((email = lower(email)))
);

ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;

ALTER TABLE public.users OWNER TO slipway_owner;

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

CREATE TABLE public.workspaces (
    team_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.workspaces FORCE ROW LEVEL SECURITY;

ALTER TABLE public.workspaces OWNER TO slipway_owner;

ALTER TABLE ONLY public.room_events ATTACH PARTITION public.room_events_rest DEFAULT;

ALTER TABLE ONLY public.blobs
    ADD CONSTRAINT blobs_pkey PRIMARY KEY (team_id, sha256);

ALTER TABLE ONLY public.connections
    ADD CONSTRAINT connections_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.file_versions
    ADD CONSTRAINT file_versions_pkey PRIMARY KEY (team_id, file_id, version);

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_id_key UNIQUE (id);

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_pkey PRIMARY KEY (team_id, id);

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_team_id_project_id_path_key_key UNIQUE (team_id, project_id, path_key);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.plan_limits
    ADD CONSTRAINT plan_limits_pkey PRIMARY KEY (plan, meter);

ALTER TABLE ONLY public.plans
    ADD CONSTRAINT plans_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_id_key UNIQUE (id);

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (team_id, id);

ALTER TABLE ONLY public.quotas
    ADD CONSTRAINT quotas_pkey PRIMARY KEY (team_id, meter);

ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (token_hash);

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

ALTER TABLE ONLY public.teams
    ADD CONSTRAINT teams_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.trees
    ADD CONSTRAINT trees_pkey PRIMARY KEY (team_id, sha256);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_key UNIQUE (email);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (task_arn);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_id_key UNIQUE (id);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (team_id, id);

CREATE INDEX connections_age ON public.connections USING btree (connected_at);

CREATE INDEX connections_user ON public.connections USING btree (user_id);

CREATE INDEX file_versions_blob ON public.file_versions USING btree (team_id, sha256);

CREATE INDEX file_versions_project ON public.file_versions USING btree (team_id, project_id, saved_at DESC);

CREATE INDEX files_blob ON public.files USING btree (team_id, sha256);

CREATE INDEX files_path ON public.files USING btree (team_id, project_id, path);

CREATE INDEX outbox_age ON public.outbox USING btree (created_at);

CREATE INDEX projects_workspace ON public.projects USING btree (team_id, workspace_id, id DESC);

CREATE INDEX refresh_tokens_parent ON public.refresh_tokens USING btree (parent_hash) WHERE (parent_hash IS NOT NULL);

CREATE INDEX refresh_tokens_session ON public.refresh_tokens USING btree (user_id, session_id);

CREATE INDEX runs_open ON public.runs USING btree (status, lease_expires_at, created_at) WHERE (finished_at IS NULL);

CREATE INDEX runs_project ON public.runs USING btree (team_id, project_id, id DESC);

CREATE INDEX runs_tree ON public.runs USING btree (team_id, tree_sha256);

CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at);

CREATE INDEX sessions_revoked ON public.sessions USING btree (revoked_at) WHERE (revoked_at IS NOT NULL);

CREATE INDEX subscriptions_connection ON public.subscriptions USING btree (connection_id);

CREATE INDEX team_members_user ON public.team_members USING btree (user_id) INCLUDE (team_id, role);

CREATE INDEX workers_idle ON public.workers USING btree (started_at) WHERE (state = 'idle'::text);

CREATE INDEX workers_run ON public.workers USING btree (team_id, run_id) WHERE (run_id IS NOT NULL);

ALTER INDEX public.room_events_pkey ATTACH PARTITION public.room_events_rest_pkey;

ALTER TABLE ONLY public.blobs
    ADD CONSTRAINT blobs_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.connections
    ADD CONSTRAINT connections_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.file_versions
    ADD CONSTRAINT file_versions_team_id_project_id_fkey FOREIGN KEY (team_id, project_id) REFERENCES public.projects(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.file_versions
    ADD CONSTRAINT file_versions_team_id_sha256_fkey FOREIGN KEY (team_id, sha256) REFERENCES public.blobs(team_id, sha256);

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_team_id_project_id_fkey FOREIGN KEY (team_id, project_id) REFERENCES public.projects(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_team_id_sha256_fkey FOREIGN KEY (team_id, sha256) REFERENCES public.blobs(team_id, sha256);

ALTER TABLE ONLY public.plan_limits
    ADD CONSTRAINT plan_limits_plan_fkey FOREIGN KEY (plan) REFERENCES public.plans(name);

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_team_id_workspace_id_fkey FOREIGN KEY (team_id, workspace_id) REFERENCES public.workspaces(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.quotas
    ADD CONSTRAINT quotas_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_user_id_session_id_fkey FOREIGN KEY (user_id, session_id) REFERENCES public.sessions(user_id, id) ON DELETE CASCADE;

ALTER TABLE public.room_events
    ADD CONSTRAINT room_events_team_id_room_id_fkey FOREIGN KEY (team_id, room_id) REFERENCES public.rooms(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.rooms
    ADD CONSTRAINT rooms_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.run_artifacts
    ADD CONSTRAINT run_artifacts_team_id_run_id_fkey FOREIGN KEY (team_id, run_id) REFERENCES public.runs(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_team_id_project_id_fkey FOREIGN KEY (team_id, project_id) REFERENCES public.projects(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_team_id_tree_sha256_fkey FOREIGN KEY (team_id, tree_sha256) REFERENCES public.trees(team_id, sha256);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

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

ALTER TABLE ONLY public.teams
    ADD CONSTRAINT teams_plan_fkey FOREIGN KEY (plan) REFERENCES public.plans(name);

ALTER TABLE ONLY public.trees
    ADD CONSTRAINT trees_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_team_id_run_id_fkey FOREIGN KEY (team_id, run_id) REFERENCES public.runs(team_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE public.blobs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.connections ENABLE ROW LEVEL SECURITY;

CREATE POLICY door ON public.connections TO slipway_door USING (true);

CREATE POLICY door ON public.files TO slipway_door USING (true);

CREATE POLICY door ON public.projects TO slipway_door USING (true);

CREATE POLICY door ON public.refresh_tokens TO slipway_door USING (true);

CREATE POLICY door ON public.run_artifacts TO slipway_door USING (true);

CREATE POLICY door ON public.runs TO slipway_door USING (true);

CREATE POLICY door ON public.sessions TO slipway_door USING (true);

CREATE POLICY door ON public.socket_tickets TO slipway_door USING (true);

CREATE POLICY door ON public.subscriptions TO slipway_door USING (true);

CREATE POLICY door ON public.team_members TO slipway_door USING (true);

CREATE POLICY door ON public.teams TO slipway_door USING (true);

CREATE POLICY door ON public.users TO slipway_door USING (true);

CREATE POLICY door ON public.workspaces TO slipway_door USING (true);

ALTER TABLE public.file_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.files ENABLE ROW LEVEL SECURITY;

CREATE POLICY own ON public.connections TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own ON public.refresh_tokens TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own ON public.sessions TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own ON public.socket_tickets TO slipway_app USING ((user_id = ( SELECT app.user_id() AS user_id)));

CREATE POLICY own ON public.users TO slipway_app USING ((id = ( SELECT app.user_id() AS user_id)));

ALTER TABLE public.projects ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.quotas ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.refresh_tokens ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.room_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rooms ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.run_artifacts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.socket_tickets ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.subscriptions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.team_members ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.teams ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON public.blobs TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.file_versions TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.files TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.projects TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.quotas TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.room_events TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.rooms TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.run_artifacts TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.runs TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.subscriptions TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.team_members TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.teams TO slipway_app USING ((id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.trees TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

CREATE POLICY tenant ON public.workspaces TO slipway_app USING ((team_id = ANY (( SELECT app.teams() AS teams)::uuid[])));

ALTER TABLE public.trees ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.workspaces ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA app TO slipway_app;
GRANT USAGE ON SCHEMA app TO slipway_door;
GRANT USAGE ON SCHEMA app TO slipway_reader;

GRANT USAGE ON SCHEMA public TO slipway_app;
GRANT USAGE ON SCHEMA public TO slipway_door;
GRANT USAGE ON SCHEMA public TO slipway_reader;

REVOKE ALL ON FUNCTION app.begin_request(p_user uuid, p_kind text, p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.begin_request(p_user uuid, p_kind text, p_id uuid) TO slipway_app;

REVOKE ALL ON FUNCTION app.begin_run(p_token_hash bytea, p_run uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.begin_run(p_token_hash bytea, p_run uuid) TO slipway_app;

REVOKE ALL ON FUNCTION app.begin_team(p_team uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.begin_team(p_team uuid) TO slipway_app;

REVOKE ALL ON FUNCTION app.begin_user(p_user uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.begin_user(p_user uuid) TO slipway_app;

REVOKE ALL ON FUNCTION app.create_team(p_id uuid, p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.create_team(p_id uuid, p_name text) TO slipway_app;

REVOKE ALL ON FUNCTION app.drop_connections(p_ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.drop_connections(p_ids text[]) TO slipway_app;

REVOKE ALL ON FUNCTION app.drop_partitions(months integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.drop_partitions(months integer) TO slipway_app;

REVOKE ALL ON FUNCTION app.expire() FROM PUBLIC;
GRANT ALL ON FUNCTION app.expire() TO slipway_app;

REVOKE ALL ON FUNCTION app.login_user(p_email text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.login_user(p_email text) TO slipway_app;

REVOKE ALL ON FUNCTION app.make_partitions(months integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.make_partitions(months integer) TO slipway_app;

REVOKE ALL ON FUNCTION app.next_queued_runs(p_limit bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION app.next_queued_runs(p_limit bigint) TO slipway_app;

REVOKE ALL ON FUNCTION app.outbox_sent(ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.outbox_sent(ids uuid[]) TO slipway_app;

REVOKE ALL ON FUNCTION app.overdue_runs(p_waiting interval, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.overdue_runs(p_waiting interval, p_limit integer) TO slipway_app;

REVOKE ALL ON FUNCTION app.refresh_token_user(p_token_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION app.refresh_token_user(p_token_hash bytea) TO slipway_app;

REVOKE ALL ON FUNCTION app.take_socket_ticket(p_token_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION app.take_socket_ticket(p_token_hash bytea) TO slipway_app;

REVOKE ALL ON FUNCTION app.teams() FROM PUBLIC;
GRANT ALL ON FUNCTION app.teams() TO slipway_app;
GRANT ALL ON FUNCTION app.teams() TO slipway_door;
GRANT ALL ON FUNCTION app.teams() TO slipway_reader;

REVOKE ALL ON FUNCTION app.user_id() FROM PUBLIC;
GRANT ALL ON FUNCTION app.user_id() TO slipway_app;
GRANT ALL ON FUNCTION app.user_id() TO slipway_door;
GRANT ALL ON FUNCTION app.user_id() TO slipway_reader;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.blobs TO slipway_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.connections TO slipway_app;
GRANT SELECT,DELETE ON TABLE public.connections TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.file_versions TO slipway_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.files TO slipway_app;
GRANT SELECT ON TABLE public.files TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox TO slipway_app;

GRANT SELECT ON TABLE public.plan_limits TO slipway_app;
GRANT SELECT ON TABLE public.plan_limits TO slipway_reader;

GRANT SELECT ON TABLE public.plans TO slipway_app;
GRANT SELECT ON TABLE public.plans TO slipway_reader;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.projects TO slipway_app;
GRANT SELECT ON TABLE public.projects TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.quotas TO slipway_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.refresh_tokens TO slipway_app;
GRANT SELECT ON TABLE public.refresh_tokens TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.room_events TO slipway_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rooms TO slipway_app;

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

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.team_members TO slipway_app;
GRANT SELECT,INSERT ON TABLE public.team_members TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.teams TO slipway_app;
GRANT SELECT,INSERT ON TABLE public.teams TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.trees TO slipway_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO slipway_app;
GRANT SELECT ON TABLE public.users TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.workers TO slipway_app;
GRANT SELECT,DELETE ON TABLE public.workers TO slipway_door;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.workspaces TO slipway_app;
GRANT SELECT ON TABLE public.workspaces TO slipway_door;
