-- migrate:up lock_timeout=5s
-- Who changed what. Every team has a chain of events: each one's hash covers the one before it, so that a row that was
-- changed, removed or put in between is found by walking the chain, and a chain that was cut off or made again by
-- comparing its head with one that was noted down elsewhere. docs/audit.md says what that proves and what it does not.

-- ── The team's chain ────────────────────────────────────────────────────────────────────────────────────────────

-- The chain's end. Its row is the lock that orders a team's changes: it is taken last, right before the commit.
create table audit_heads (
  team_id uuid primary key references teams on delete cascade,
  seq     bigint not null,
  hash    bytea not null check (length(hash) = 32),
  at      timestamptz not null
);

-- No foreign key to users: an event outlives the person's account, as an id that resolves to nobody.
create table audit_events (
  team_id       uuid not null references audit_heads on delete cascade,
  seq           bigint not null check (seq > 0),
  at            timestamptz not null,
  user_id       uuid,
  credential    text not null check (credential in ('session', 'key', 'operator', 'platform')),
  credential_id uuid,
  action        text not null,
  target        text not null,
  before        jsonb,
  after         jsonb,
  address       text not null,
  user_agent    text not null,
  request_id    text not null,
  previous      bytea not null check (length(previous) = 32),
  hash          bytea not null check (length(hash) = 32),
  primary key (team_id, seq, at)
) partition by range (at);
create table audit_events_rest partition of audit_events default;
create index audit_events_target on audit_events (team_id, target, seq);
create index audit_events_user on audit_events (team_id, user_id, seq);

select app.make_partitions('audit_events', 2); -- kept as long as the team

-- What an event's hash is taken of, after the hash before it: one JSON array, as Postgres writes jsonb as text, in UTF-8.
create function app.audit_bytes(e audit_events) returns bytea language sql stable
  return convert_to(jsonb_build_array(e.team_id, e.seq, (extract(epoch from e.at) * 1000000)::bigint::text, e.user_id,
    e.credential, e.credential_id, e.action, e.target, e.before, e.after, e.address, e.user_agent, e.request_id)::text,
    'UTF8');

-- What the first event follows: every team's chain begins with a value of its own.
create function app.audit_genesis(p_team uuid) returns bytea language sql immutable
  return sha256(convert_to('slipway audit ' || p_team::text, 'UTF8'));

-- Number the events and chain them to the team's head, which stays locked until the commit. The person is the one that
-- began the transaction, not one that is told; who is neither in the team nor one of its guests must be an operator, and
-- the event says so. A team that is gone in this transaction has taken its log along.
create function app.append_audit(p_team uuid, p_events jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, public as $$
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

-- Walk the p_count numbers after p_after, whose hash is p_hash (number 0: the team's beginning): how many events there
-- were, the hash that it ended with, the head in the same snapshot, and the first number that is missing, doubled, does
-- not fit or contradicts the head.
create function app.walk_audit(p_team uuid, p_after bigint, p_hash bytea, p_count integer,
                               out events bigint, out hash bytea, out broken_seq bigint, out head_seq bigint, out head_hash bytea)
language sql stable as $$
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

-- For the daily check: the teams that have changed since, after one team in the order of their ids.
create function app.audited_teams(p_since timestamptz, p_after uuid, p_limit integer) returns setof uuid
language sql stable security definer set search_path = pg_catalog, public as $$
  select h.team_id from audit_heads h
   where h.team_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') and h.at >= p_since
   order by h.team_id limit p_limit
$$;

-- Nobody rewrites history by a slip: not even the owner, who could drop this trigger, and then the chain would tell.
-- What is deleted with its whole team is gone.
create function app.refuse_rewriting() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if tg_op = 'DELETE' then
    if not exists (select from teams t where t.id = old.team_id) then return old; end if;
  end if;
  raise exception '% is append-only: % is refused', tg_table_name, lower(tg_op);
end $$;
create trigger append_only before update or delete on audit_events for each row execute function app.refuse_rewriting();
create trigger append_only_whole before truncate on audit_events for each statement execute function app.refuse_rewriting();
create trigger append_only before delete on audit_heads for each row execute function app.refuse_rewriting();
create trigger append_only_whole before truncate on audit_heads for each statement execute function app.refuse_rewriting();

-- ── One's own account ───────────────────────────────────────────────────────────────────────────────────────────
-- Logins, passwords, sessions, keys: what concerns a person and no team.

create table account_events (
  user_id       uuid not null references users on delete cascade,
  id            uuid not null,
  at            timestamptz not null default now(),
  action        text not null,
  credential    text not null check (credential in ('none', 'session', 'key')),
  credential_id uuid,
  address       text not null,
  user_agent    text not null,
  request_id    text not null,
  details       jsonb not null,
  primary key (user_id, id)
);
create index account_events_age on account_events (at);

create function app.expire_account_events() returns void
language sql security definer set search_path = pg_catalog, public as $$
  delete from account_events where at < now() - interval '1 year';
$$;

-- ── Who may ─────────────────────────────────────────────────────────────────────────────────────────────────────

do $$
declare
  name text;
begin
  foreach name in array array['audit_heads', 'audit_events'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy tenant on %I for select to slipway_app using (team_id = any ((select app.teams())::uuid[]))',
      name);
    execute format('create policy door on %I to slipway_door using (true)', name);
  end loop;
end $$;
alter table account_events enable row level security;
alter table account_events force row level security;
create policy own on account_events to slipway_app using (user_id = (select app.user_id()));
create policy door on account_events to slipway_door using (true);

grant select on audit_heads, audit_events to slipway_app;
grant select, insert on account_events to slipway_app;
grant select, insert, update on audit_heads to slipway_door;
grant insert on audit_events to slipway_door;
grant select (at), delete on account_events to slipway_door;

grant create on schema app to slipway_door;
do $$
declare
  name text;
begin
  foreach name in array array['append_audit(uuid, jsonb)', 'audited_teams(timestamptz, uuid, integer)',
                              'refuse_rewriting()', 'expire_account_events()'] loop
    execute format('alter function app.%s owner to slipway_door', name);
  end loop;
end $$;
revoke create on schema app from slipway_door;
revoke execute on function app.append_audit(uuid, jsonb), app.audited_teams(timestamptz, uuid, integer),
  app.refuse_rewriting(), app.expire_account_events(), app.audit_bytes(audit_events), app.audit_genesis(uuid),
  app.walk_audit(uuid, bigint, bytea, integer) from public;
grant execute on function app.append_audit(uuid, jsonb), app.audited_teams(timestamptz, uuid, integer),
  app.expire_account_events(), app.walk_audit(uuid, bigint, bytea, integer) to slipway_app;
grant execute on function app.audit_bytes(audit_events), app.audit_genesis(uuid) to slipway_app, slipway_door, slipway_reader;
