-- The read path's users. Safe to run again.
BEGIN;

CREATE TABLE IF NOT EXISTS schema_migrations (
    version text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS users (
    id text PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL,
    plan text NOT NULL,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz
);

INSERT INTO schema_migrations (version) VALUES ('001_users') ON CONFLICT DO NOTHING;

COMMIT;
