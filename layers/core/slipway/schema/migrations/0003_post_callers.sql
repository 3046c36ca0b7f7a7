-- migrate:up lock_timeout=5s
-- When no function of the previous release runs any more.
alter table rooms alter column workspace_id set not null;
drop function app.begin_request(uuid, text, uuid);
drop function app.take_socket_ticket(bytea);
