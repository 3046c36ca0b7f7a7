-- migrate:up lock_timeout=5s
-- Identities: people at OpenID Connect providers, and which user each of them is here.

-- Who came through a provider has no password, until a letter's link sets one.
alter table users alter column password_hash drop not null;

-- `issuer` and `subject` say who it is, for good; `provider` is how the settings called it, `email` what it said last.
create table identities (
  user_id      uuid not null references users on delete cascade,
  id           uuid not null unique,
  provider     text not null,
  issuer       text not null,
  subject      text not null,
  email        text not null default '',
  created_at   timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  primary key (user_id, id),
  unique (issuer, subject)
);

-- Single use: the ids of the logins that are over. A state lives for ten minutes, so an hour remembers each for long enough.
create table oidc_logins (
  id       uuid primary key,
  taken_at timestamptz not null default now()
);
create index oidc_logins_age on oidc_logins (taken_at);

alter table identities enable row level security;
alter table identities force row level security;
create policy own on identities to slipway_app using (user_id = (select app.user_id()));
create policy door on identities to slipway_door using (true);
grant select, insert, update, delete on identities to slipway_app;
grant select on identities to slipway_door;
grant select, insert, delete on oidc_logins to slipway_door;

-- ── Doors ───────────────────────────────────────────────────────────────────────────────────────────────────────

-- A provider's assertion has come: whose the identity is, and who has the address.
create function app.find_identity(p_issuer text, p_subject text, p_email text, out user_id uuid, out holder_id uuid)
language sql stable security definer set search_path = pg_catalog, public as $$
  select (select i.user_id from identities i where i.issuer = p_issuer and i.subject = p_subject),
         (select u.id from users u where u.email = p_email)
$$;

-- False when this login was used before. Of two at once one waits for the other's end.
create function app.take_oidc_login(p_id uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  insert into oidc_logins (id) values (p_id) on conflict do nothing;
  return found;
end $$;

-- Every hour.
create function app.expire_oidc_logins() returns void
language sql security definer set search_path = pg_catalog, public as $$
  delete from oidc_logins where taken_at < now() - interval '1 hour';
$$;

grant create on schema app to slipway_door;
do $$
declare
  name text;
begin
  foreach name in array array['find_identity(text, text, text)', 'take_oidc_login(uuid)', 'expire_oidc_logins()'] loop
    execute format('alter function app.%s owner to slipway_door', name);
    execute format('revoke execute on function app.%s from public', name);
    execute format('grant execute on function app.%s to slipway_app', name);
  end loop;
end $$;
revoke create on schema app from slipway_door;
