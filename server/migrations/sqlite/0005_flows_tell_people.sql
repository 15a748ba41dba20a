-- Where a request's flow stands. One timer a request wakes it, whatever is due next.
ALTER TABLE requests ADD COLUMN course TEXT;
UPDATE timers SET kind = 'flow' WHERE kind = 'expire';

-- Whom admins added to a running step: they see the request, whatever its flow says.
CREATE TABLE also_asked (
    request_id TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    PRIMARY KEY (user_id, request_id)
);

-- What is to be told to whom over which channel, and what became of it. `due_at` of one that waits is when it is tried
-- next, and while somebody tries it, until when that one has it.
CREATE TABLE deliveries (
    id         TEXT   PRIMARY KEY,
    request_id TEXT,
    step       BIGINT NOT NULL,
    notice     TEXT   NOT NULL,
    round      BIGINT NOT NULL,
    channel    TEXT   NOT NULL,
    recipient  TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    due_at     BIGINT NOT NULL,
    taken      BIGINT NOT NULL DEFAULT 0,
    attempts   BIGINT NOT NULL,
    error      TEXT,
    created_at BIGINT NOT NULL,
    ended_at   BIGINT
);
CREATE UNIQUE INDEX deliveries_once ON deliveries (request_id, step, notice, round, recipient, channel);
CREATE INDEX deliveries_by_due ON deliveries (due_at) WHERE state = 'waiting';
CREATE INDEX deliveries_by_state ON deliveries (state, created_at, id);
CREATE INDEX deliveries_by_recipient ON deliveries (recipient, channel, notice, state);
CREATE INDEX deliveries_by_time ON deliveries (created_at, id);

-- Where browsers take pushes.
CREATE TABLE push_subscriptions (
    id         TEXT   PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id),
    endpoint   TEXT   NOT NULL UNIQUE,
    p256dh     TEXT   NOT NULL,
    auth       TEXT   NOT NULL,
    label      TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX push_subscriptions_by_user ON push_subscriptions (user_id);

-- How a person wants to be told.
ALTER TABLE users ADD COLUMN preferences TEXT;

-- The key that pushes are signed with (RFC 8292), sealed.
ALTER TABLE desk ADD COLUMN push_key BLOB;

-- How long an agent's MCP calls are held, where it hears of ends, and whether it has to cool down.
ALTER TABLE agents ADD COLUMN wait_budget_seconds BIGINT;
ALTER TABLE agents ADD COLUMN callback_url TEXT;
ALTER TABLE agents ADD COLUMN callback_secret BLOB;
ALTER TABLE agents ADD COLUMN denials_in_a_row BIGINT NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN cools_until BIGINT;

CREATE INDEX requests_by_agent_asked ON requests (agent_id, created_at) WHERE flow_id IS NOT NULL;

-- Out of office: who is asked in whose place, and until when.
CREATE TABLE delegations (
    id         TEXT   PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id),
    to_user_id TEXT   NOT NULL REFERENCES users (id),
    from_at    BIGINT NOT NULL,
    until_at   BIGINT NOT NULL,
    ended_at   BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX delegations_by_end ON delegations (until_at);
