-- migrate:up lock_timeout=5s
-- Who somebody is: addresses that are verified, links in letters, where sessions come from, logins that are slowed down.

alter table users add column email_verified_at timestamptz; -- NULL: may work, may not invite
grant insert (email_verified_at), update (email_verified_at) on users to slipway_app;

-- `network` is where it was opened (a /24 or /56, networks.py), `address` where it was used last, "" when unknown.
alter table sessions add column network text not null default '';
alter table sessions add column address text not null default '';
alter table sessions add column last_used_at timestamptz not null default now(); -- to the minute, at each refresh

-- ── Links in letters ────────────────────────────────────────────────────────────────────────────────────────────
-- One of each kind: a new one ends the old one. Single use: taking it deletes it.
create table email_tokens (
  user_id    uuid not null references users on delete cascade,
  kind       text not null check (kind in ('verify', 'change', 'reset', 'taken')),
  token_hash bytea not null unique check (length(token_hash) = 32),
  email      text not null, -- where it was sent, and the only address that it is good for
  request_id uuid not null, -- ordered by time: a message that comes twice or late replaces nothing newer
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  primary key (user_id, kind)
);
create index email_tokens_expiry on email_tokens (expires_at);

-- SLIPWAY_REGISTRATION=confirmed: who has registered and not opened the letter yet. No password is kept before that.
create table registrations (
  email      text primary key check (email = lower(email)),
  name       text not null,
  token_hash bytea not null unique check (length(token_hash) = 32),
  request_id uuid not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index registrations_expiry on registrations (expires_at);

-- ── Attempts ────────────────────────────────────────────────────────────────────────────────────────────────────
-- Ephemeral: not in the write-ahead log, empty after a crash, which gives an attacker five tries more. `account` is
-- the address's hash, whether it has an account or not. `known`: a device that this account has had a session on.
create unlogged table login_attempts (
  account    bytea not null check (length(account) = 32),
  network    text not null,
  known      boolean not null,
  attempts   integer not null, -- in a row, the successful one takes them away
  last_at    timestamptz not null,
  not_before timestamptz not null,
  primary key (account, network, known)
);
create index login_attempts_age on login_attempts (last_at);

alter table email_tokens enable row level security;
alter table email_tokens force row level security;
create policy own on email_tokens to slipway_app using (user_id = (select app.user_id()));
create policy door on email_tokens to slipway_door using (true);
grant select, insert, update, delete on email_tokens to slipway_app;
grant select, delete on email_tokens to slipway_door;
grant select, insert, update, delete on registrations, login_attempts to slipway_door;

-- ── Doors ───────────────────────────────────────────────────────────────────────────────────────────────────────

-- Count an attempt, unless it comes too early: then the seconds to wait, and nothing is counted. The fifth within a quarter of
-- an hour asks for one second before the next, then two, four … sixty. One statement: parallel attempts queue at the row.
create function app.attempt(p_account bytea, p_network text, p_known boolean) returns integer
language plpgsql security definer set search_path = pg_catalog, public as $$
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

-- Seconds until the next attempt is let through; 0 for now.
create function app.attempt_wait(p_account bytea, p_network text, p_known boolean) returns integer
language sql security definer set search_path = pg_catalog, public as $$
  select coalesce(max(greatest(0, ceil(extract(epoch from a.not_before - clock_timestamp()))::integer)), 0)
    from login_attempts a where a.account = p_account and a.network = p_network and a.known = p_known
$$;

-- A login succeeded: those before it were slips of its own.
create function app.forget_attempts(p_account bytea, p_network text, p_known boolean) returns void
language sql security definer set search_path = pg_catalog, public as $$
  delete from login_attempts a where a.account = p_account and a.network = p_network and a.known = p_known
$$;

-- A login begins: whose address it is, and whether this attempt is let through. The device is known when the account has had
-- a session from this network with this browser: what others try from there is counted apart from it.
create function app.begin_login(p_email text, p_account bytea, p_network text, p_user_agent text,
                                out id uuid, out password_hash text, out known boolean, out wait integer)
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  select u.id, u.password_hash into id, password_hash from users u where u.email = p_email;
  known := exists (select from sessions s where s.user_id = begin_login.id and s.network = p_network
                                            and s.user_agent = p_user_agent and p_network <> '');
  wait := app.attempt(p_account, p_network, known);
end $$;

-- Whose the token of a letter is.
create function app.email_token_user(p_token_hash bytea) returns uuid
language sql security definer set search_path = pg_catalog, public as $$
  select t.user_id from email_tokens t where t.token_hash = p_token_hash
$$;

-- Keep a registration until its letter is opened. False when a newer one is there, or one so new that its letter will do.
create function app.keep_registration(p_email text, p_name text, p_token_hash bytea, p_request uuid, p_hours integer,
                                      p_quiet_seconds integer) returns boolean
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  insert into registrations as r (email, name, token_hash, request_id, expires_at)
  values (p_email, p_name, p_token_hash, p_request, now() + make_interval(hours => p_hours))
  on conflict (email) do update
     set name = excluded.name, token_hash = excluded.token_hash, request_id = excluded.request_id, created_at = now(),
         expires_at = excluded.expires_at
   where r.request_id < excluded.request_id and r.created_at < now() - make_interval(secs => p_quiet_seconds);
  return found;
end $$;

-- Single use: taking it deletes it.
create function app.take_registration(p_token_hash bytea) returns table (email text, name text)
language sql security definer set search_path = pg_catalog, public as $$
  delete from registrations r where r.token_hash = p_token_hash and r.expires_at > now() returning r.email, r.name
$$;

-- Every hour.
create function app.expire_accounts() returns void
language sql security definer set search_path = pg_catalog, public as $$
  delete from email_tokens where expires_at < now();
  delete from registrations where expires_at < now();
  delete from login_attempts where last_at < now() - interval '1 hour';
$$;

grant create on schema app to slipway_door;
do $$
declare
  name text;
begin
  foreach name in array array['attempt(bytea, text, boolean)', 'attempt_wait(bytea, text, boolean)',
      'forget_attempts(bytea, text, boolean)', 'begin_login(text, bytea, text, text)', 'email_token_user(bytea)',
      'keep_registration(text, text, bytea, uuid, integer, integer)', 'take_registration(bytea)', 'expire_accounts()'] loop
    execute format('alter function app.%s owner to slipway_door', name);
    execute format('revoke execute on function app.%s from public', name);
    execute format('grant execute on function app.%s to slipway_app', name);
  end loop;
end $$;
revoke create on schema app from slipway_door;

-- ── Passwords asked of somebody who is logged in ────────────────────────────────────────────────────────────────
-- Changing a password or an address, and deleting an account: who found an open session must not guess.
insert into plan_rates (plan, subject, class, burst, per_minute) values (app.default_plan(), 'user', 'password', 20, 5);
