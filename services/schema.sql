-- What the three services read. Safe to run again; run by the bench, and by the Compose stack on first start.

CREATE TABLE IF NOT EXISTS items (
    id integer PRIMARY KEY,
    name text NOT NULL,
    price_cents integer NOT NULL
);

INSERT INTO items (id, name, price_cents)
SELECT n, format('item %s', n), 100 + (n * 37) % 900
FROM generate_series(1, 1000) AS n
ON CONFLICT (id) DO NOTHING;

-- One row that a fault holds while requests of work_kind `lock` wait for it.
CREATE TABLE IF NOT EXISTS locks (id integer PRIMARY KEY);
INSERT INTO locks (id) VALUES (1) ON CONFLICT (id) DO NOTHING;

-- work_kind `cpu`: a fixed number of iterations on one core of the database, never a loop until a clock.
CREATE OR REPLACE FUNCTION burn(units bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    total bigint := 0;
BEGIN
    FOR i IN 1..units LOOP
        total := total + i % 7;
    END LOOP;
    RETURN total;
END
$$;

-- A backend whose client has gone ends within half a second, also in the middle of a statement.
ALTER ROLE CURRENT_USER SET client_connection_check_interval = '500ms';

ANALYZE items;
