-- migrate:up lock_timeout=5s
-- Invitations into a team or, as a guest, into one workspace; and versions, so that two people who change a name at the
-- same time do not overwrite each other.

alter table teams add column version bigint not null default 1;
alter table workspaces add column version bigint not null default 1;
alter table projects add column version bigint not null default 1;

-- ── Invitations ─────────────────────────────────────────────────────────────────────────────────────────────────
-- Good once, until they expire or are revoked, and as long as who invited may still invite. With an address only the
-- account that has verified it may accept: a forwarded letter lets nobody else in.

create table invitations (
  team_id      uuid not null references teams on delete cascade,
  id           uuid not null unique,
  workspace_id uuid,          -- NULL: into the team
  email        text check (email = lower(email)), -- NULL: for whoever holds the link
  role         text not null,
  token_hash   bytea not null unique check (length(token_hash) = 32),
  invited_by   uuid not null,
  created_at   timestamptz not null default now(),
  expires_at   timestamptz not null,
  accepted_at  timestamptz,
  accepted_by  uuid,
  revoked_at   timestamptz,
  primary key (team_id, id),
  foreign key (team_id, workspace_id) references workspaces on delete cascade,
  check (role in ('admin', 'editor', 'viewer', 'billing')), -- nobody is invited as an owner
  check (workspace_id is null or role in ('editor', 'viewer')),
  check ((accepted_at is null) = (accepted_by is null))
);
create index invitations_workspace on invitations (team_id, workspace_id) where workspace_id is not null;
create index invitations_age on invitations (expires_at);

-- ── Row-level security ──────────────────────────────────────────────────────────────────────────────────────────

alter table invitations enable row level security;
alter table invitations force row level security;
create policy tenant on invitations to slipway_app using (team_id = any ((select app.teams())::uuid[]));
create policy door on invitations to slipway_door using (true);

grant select, insert, update (revoked_at) on invitations to slipway_app;
revoke insert, update on team_members from slipway_app; -- they come through doors
grant update (role) on team_members to slipway_app;
grant select, update (accepted_at, accepted_by), delete on invitations to slipway_door;
grant insert, delete on workspace_members to slipway_door;
grant update (version) on teams, workspaces to slipway_door; -- for the locks that a change of members takes

-- ── Doors ───────────────────────────────────────────────────────────────────────────────────────────────────────

-- Whether the user is a member of the team. A key that is bound to a workspace does not see the team's members, but its
-- maker may be one of them, and then manages the workspace's guests; a guest is none and does not.
create function app.is_member(p_team uuid) returns boolean
language sql stable security definer set search_path = pg_catalog, public
  return exists (select from public.team_members m where m.team_id = p_team and m.user_id = app.user_id());

-- A team's people with their names, which row-level security keeps to themselves. p_user NULL: all of them, a page.
create function app.team_people(p_team uuid, p_user uuid, p_before uuid, p_limit bigint)
  returns table (user_id uuid, name text, email text, role text, joined_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public as $$
  select m.user_id, u.name, u.email, m.role, m.created_at from team_members m join users u on u.id = m.user_id
   where p_team = any (app.teams()) and m.team_id = p_team and m.user_id < p_before
     and (p_user is null or m.user_id = p_user)
   order by m.user_id desc limit p_limit
$$;

-- The same for a workspace's guests.
create function app.workspace_guests(p_team uuid, p_workspace uuid, p_user uuid, p_before uuid, p_limit bigint)
  returns table (user_id uuid, name text, email text, role text, joined_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public as $$
  select g.user_id, u.name, u.email, g.role, g.created_at from workspace_members g join users u on u.id = g.user_id
   where (p_team = any (app.teams()) or (p_workspace = any (app.workspaces()) and app.is_member(p_team)))
     and g.team_id = p_team and g.workspace_id = p_workspace and g.user_id < p_before
     and (p_user is null or g.user_id = p_user)
   order by g.user_id desc limit p_limit
$$;

-- The invitation of a token, if it is still good. p_inviters: the roles that may invite.
create function app.open_invitation(p_token_hash bytea, p_inviters text[]) returns setof invitations
language sql security definer set search_path = pg_catalog, public as $$
  select i.* from invitations i
    join team_members m on m.team_id = i.team_id and m.user_id = i.invited_by and m.role = any (p_inviters)
   where i.token_hash = p_token_hash and i.accepted_at is null and i.revoked_at is null and i.expires_at > now()
$$;

-- What the holder of a link is told. `acceptable`: it is for whoever holds it, or for the user's own verified address.
create function app.preview_invitation(p_token_hash bytea, p_inviters text[])
  returns table (team_id uuid, team_name text, workspace_id uuid, workspace_name text, role text, invited_by_name text,
                 expires_at timestamptz, acceptable boolean)
language plpgsql security definer set search_path = pg_catalog, public as $$
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

-- Accept it for the user. `outcome`: accepted, or why not: invalid, other_address, unverified, member. The team's row is
-- locked first, as by every change of members: whoever invited still may. What has been joined is visible from here on.
create function app.accept_invitation(p_token_hash bytea, p_inviters text[])
  returns table (outcome text, team_id uuid, workspace_id uuid, id uuid, role text)
language plpgsql security definer set search_path = pg_catalog, public as $$
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

-- Every hour: addresses of people who were invited a month ago and more are nobody's business any longer.
create function app.expire_invitations() returns void
language sql security definer set search_path = pg_catalog, public as $$
  delete from invitations where expires_at < now() - interval '30 days';
$$;

grant create on schema app to slipway_door;
do $$
declare
  name text;
begin
  foreach name in array array['is_member(uuid)', 'team_people(uuid, uuid, uuid, bigint)',
      'workspace_guests(uuid, uuid, uuid, uuid, bigint)', 'open_invitation(bytea, text[])',
      'preview_invitation(bytea, text[])', 'accept_invitation(bytea, text[])', 'expire_invitations()'] loop
    execute format('alter function app.%s owner to slipway_door', name);
    execute format('revoke execute on function app.%s from public', name);
  end loop;
end $$;
revoke create on schema app from slipway_door;
grant execute on function app.is_member(uuid), app.team_people(uuid, uuid, uuid, bigint),
  app.workspace_guests(uuid, uuid, uuid, uuid, bigint), app.preview_invitation(bytea, text[]),
  app.accept_invitation(bytea, text[]), app.expire_invitations() to slipway_app;

create policy manager on workspace_members to slipway_app
  using (workspace_id = any ((select app.workspaces())::uuid[]) and app.is_member(team_id));

-- A guest may go.
create policy leaving on workspace_members for delete to slipway_app using (user_id = (select app.user_id()));
