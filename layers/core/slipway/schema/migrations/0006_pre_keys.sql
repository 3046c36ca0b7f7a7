-- migrate:up lock_timeout=5s
-- API keys: their makers see and end them wherever they are, the authorizer says why one is refused, and a WebSocket
-- that was opened with a key (or in a session) hears nothing more once that has ended.

-- A person's own keys, also those in a team that they have left. A key is never changed but to end.
create policy own on api_keys for select to slipway_app using (user_id = (select app.user_id()));
create policy own_end on api_keys for update to slipway_app using (user_id = (select app.user_id()));
revoke update on api_keys from slipway_app;
grant update (expires_at, revoked_at) on api_keys to slipway_app;
create index api_keys_list on api_keys (user_id, id);
drop index api_keys_user;

-- Whose key has this hash, and has it ended; all NULL when nobody's. Remembers the minute of a good one's use.
drop function app.find_key(bytea);
create function app.find_key(p_token_hash bytea, out id uuid, out user_id uuid, out ended boolean)
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  select k.id, k.user_id, k.revoked_at is not null or coalesce(k.expires_at <= now(), false)
    into id, user_id, ended from api_keys k where k.token_hash = p_token_hash;
  if not ended then
    update api_keys k set last_used_at = date_trunc('minute', now())
     where k.token_hash = p_token_hash and (k.last_used_at is null or k.last_used_at < date_trunc('minute', now()));
  end if;
end $$;

-- Both NULL: opened by the previous release, and gone two hours after it.
alter table connections add column session_id uuid, add column key_id uuid references api_keys (id) on delete cascade;
alter table connections add foreign key (user_id, session_id) references sessions on delete cascade;
create index connections_key on connections (key_id) where key_id is not null;
create index connections_session on connections (user_id, session_id);
drop index connections_user;

-- As in 0002, and only connections whose credential is still good. Each is looked up by its key: joined, a large table
-- would be read whole. In plpgsql, which keeps the plan: planning this anew took as long as running it.
create or replace function app.listeners(p_team uuid, p_room uuid, p_roles text[]) returns text[]
language plpgsql security definer set search_path = pg_catalog, public as $$
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

grant create on schema app to slipway_door;
alter function app.find_key(bytea) owner to slipway_door;
revoke create on schema app from slipway_door;
revoke execute on function app.find_key(bytea) from public;
grant execute on function app.find_key(bytea) to slipway_app;
