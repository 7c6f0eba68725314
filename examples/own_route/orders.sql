CREATE TABLE IF NOT EXISTS orders (
    id text PRIMARY KEY,
    user_id text NOT NULL,
    total numeric(12, 2) NOT NULL,
    placed_at timestamptz NOT NULL,
    cancelled_at timestamptz
);
CREATE TABLE IF NOT EXISTS order_lines (
    order_id text NOT NULL REFERENCES orders (id),
    position integer NOT NULL,
    sku text NOT NULL,
    PRIMARY KEY (order_id, position)
);
INSERT INTO orders VALUES
    ('order-1', 'user-1', 10.50, '2026-01-02T09:00:00Z', NULL),
    ('order-2', 'user-1', 0.10, '2026-01-03T09:00:00Z', NULL),
    ('order-3', 'user-2', 99.00, '2026-01-04T09:00:00Z', '2026-01-05T09:00:00Z');
INSERT INTO order_lines VALUES ('order-1', 1, 'tea'), ('order-1', 2, 'cup'), ('order-2', 1, 'spoon'), ('order-3', 1, 'pot');
