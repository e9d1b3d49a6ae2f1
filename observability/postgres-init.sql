-- Run once, by the Compose stack's PostgreSQL, after services/schema.sql.
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
