-- The desk itself: one row. `config_version` grows with every change of people, agents, connectors, policies or
-- flows, so that a running server sees what another process changed.
CREATE TABLE desk (
    one             BIGINT PRIMARY KEY CHECK (one = 1),
    id              TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    public_url      TEXT,
    rp_id           TEXT,
    set_up_at       BIGINT,
    probe_key       TEXT   NOT NULL,
    settings        TEXT   NOT NULL,
    config_version  BIGINT NOT NULL,
    created_at      BIGINT NOT NULL
);

-- The last number given out of each gapless sequence, taken inside the write transaction.
CREATE TABLE heads (
    name  TEXT   PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO heads (name, value) VALUES ('audit', 0), ('events', 0);

CREATE TABLE users (
    id           TEXT   PRIMARY KEY,
    email        TEXT   NOT NULL UNIQUE,
    name         TEXT   NOT NULL,
    role         TEXT   NOT NULL,
    groups       TEXT   NOT NULL,
    active       BIGINT NOT NULL,
    from_file    BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT
);

CREATE TABLE passkeys (
    id            TEXT   PRIMARY KEY,
    user_id       TEXT   NOT NULL REFERENCES users (id),
    credential_id TEXT   NOT NULL UNIQUE,
    passkey       TEXT   NOT NULL,
    name          TEXT   NOT NULL,
    usable_from   BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    last_used_at  BIGINT
);
CREATE INDEX passkeys_by_user ON passkeys (user_id);

CREATE TABLE sessions (
    id          TEXT   PRIMARY KEY,
    token_hash  TEXT   NOT NULL UNIQUE,
    user_id     TEXT   NOT NULL REFERENCES users (id),
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    asserted_at BIGINT
);
CREATE INDEX sessions_by_user ON sessions (user_id);

-- One-time links: setup, invitation, sign-in. Only the token's hash is kept.
CREATE TABLE links (
    id         TEXT   PRIMARY KEY,
    kind       TEXT   NOT NULL,
    token_hash TEXT   NOT NULL UNIQUE,
    user_id    TEXT,
    invitation TEXT,
    expires_at BIGINT,
    reusable   BIGINT NOT NULL,
    used_at    BIGINT,
    created_at BIGINT NOT NULL
);

-- Passkey ceremonies that have begun; each is consumed once.
CREATE TABLE ceremonies (
    id         TEXT   PRIMARY KEY,
    kind       TEXT   NOT NULL,
    user_id    TEXT,
    request_id TEXT,
    state      TEXT   NOT NULL,
    purpose    TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX ceremonies_by_expiry ON ceremonies (expires_at);

CREATE TABLE agents (
    id           TEXT   PRIMARY KEY,
    name         TEXT   NOT NULL UNIQUE,
    owner_id     TEXT   NOT NULL REFERENCES users (id),
    status       TEXT   NOT NULL,
    key_hash     TEXT   UNIQUE,
    key_hint     TEXT,
    public_key   TEXT,
    connectors   TEXT,
    may_act_for  TEXT   NOT NULL,
    from_file    BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT
);

-- Token ids seen, until they could not be replayed any more.
CREATE TABLE jwt_ids (
    agent_id   TEXT   NOT NULL,
    jti        TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (agent_id, jti)
);

CREATE TABLE connectors (
    id            TEXT   PRIMARY KEY,
    slug          TEXT   NOT NULL UNIQUE,
    name          TEXT   NOT NULL,
    kind          TEXT   NOT NULL,
    settings      TEXT   NOT NULL,
    version       BIGINT NOT NULL,
    active        BIGINT NOT NULL,
    discovered    BIGINT NOT NULL,
    status        TEXT   NOT NULL,
    status_reason TEXT,
    checked_at    BIGINT,
    from_file     BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE TABLE credentials (
    id           TEXT   PRIMARY KEY,
    connector_id TEXT   NOT NULL REFERENCES connectors (id),
    placement    TEXT   NOT NULL,
    name         TEXT,
    env          TEXT,
    sealed       BLOB   NOT NULL,
    version      BIGINT NOT NULL,
    active       BIGINT NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE INDEX credentials_by_connector ON credentials (connector_id);

CREATE TABLE tools (
    connector_id TEXT   NOT NULL REFERENCES connectors (id),
    name         TEXT   NOT NULL,
    title        TEXT,
    description  TEXT,
    method       TEXT,
    path         TEXT,
    input_schema TEXT   NOT NULL,
    schema_hash  TEXT   NOT NULL,
    effect       TEXT   NOT NULL,
    effect_set   BIGINT NOT NULL,
    state        TEXT   NOT NULL,
    PRIMARY KEY (connector_id, name)
);

CREATE TABLE flows (
    id         TEXT   PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,
    body       TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    active     BIGINT NOT NULL,
    from_file  BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Every version of every flow: requests keep the flow as it was.
CREATE TABLE flow_versions (
    flow_id TEXT   NOT NULL,
    version BIGINT NOT NULL,
    body    TEXT   NOT NULL,
    PRIMARY KEY (flow_id, version)
);

CREATE TABLE policies (
    id         TEXT   PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,
    body       TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    active     BIGINT NOT NULL,
    from_file  BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE policy_versions (
    policy_id TEXT   NOT NULL,
    version   BIGINT NOT NULL,
    body      TEXT   NOT NULL,
    PRIMARY KEY (policy_id, version)
);

-- Names beside ids (requester_name and so on) are what the list sorts by, as they were when it was asked.
CREATE TABLE requests (
    id                 TEXT   PRIMARY KEY,
    kind               TEXT   NOT NULL,
    state              TEXT   NOT NULL,
    agent_id           TEXT   NOT NULL,
    owner_id           TEXT   NOT NULL,
    requester_id       TEXT   NOT NULL,
    requester_name     TEXT   NOT NULL,
    requester_email    TEXT   NOT NULL,
    on_behalf_of       BIGINT NOT NULL,
    connector_id       TEXT   NOT NULL,
    connector_version  BIGINT NOT NULL,
    connector_slug     TEXT   NOT NULL,
    connector_name     TEXT   NOT NULL,
    connector_kind     TEXT   NOT NULL,
    tool               TEXT   NOT NULL,
    effect             TEXT   NOT NULL,
    schema_hash        TEXT   NOT NULL,
    arguments          BLOB   NOT NULL,
    target             TEXT   NOT NULL,
    credential_id      TEXT,
    credential_version BIGINT,
    policy_id          TEXT,
    policy_version     BIGINT,
    policy_name        TEXT,
    policy_priority    BIGINT,
    flow_id            TEXT,
    flow_version       BIGINT,
    digest             TEXT   NOT NULL,
    note               TEXT,
    ip                 TEXT,
    bare               BIGINT NOT NULL,
    step               BIGINT NOT NULL,
    approvals          BIGINT NOT NULL,
    expires_at         BIGINT NOT NULL,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    approved_at        BIGINT,
    executed_at        BIGINT,
    ended_at           BIGINT,
    decided_by         TEXT,
    decided_at         BIGINT,
    comment            TEXT,
    result             BYTEA,
    error              TEXT,
    error_code         TEXT,
    claimed_at         BIGINT,
    outcome            TEXT,
    outcome_at         BIGINT
);
CREATE INDEX requests_by_time ON requests (created_at, id);
CREATE INDEX requests_by_state_time ON requests (state, created_at, id);
CREATE INDEX requests_by_state_name ON requests (state, requester_name, id);
CREATE INDEX requests_by_state_email ON requests (state, requester_email, id);
CREATE INDEX requests_by_state_connector ON requests (state, connector_name, id);
CREATE INDEX requests_by_name ON requests (requester_name, id);
CREATE INDEX requests_by_email ON requests (requester_email, id);
CREATE INDEX requests_by_connector ON requests (connector_name, id);
CREATE INDEX requests_by_slug_time ON requests (connector_slug, created_at, id);
CREATE INDEX requests_by_agent ON requests (agent_id, state);

-- One vote per person and request. What was signed stands beside it.
CREATE TABLE decisions (
    id                 TEXT   PRIMARY KEY,
    request_id         TEXT   NOT NULL REFERENCES requests (id),
    user_id            TEXT   NOT NULL,
    vote               TEXT   NOT NULL,
    step               BIGINT NOT NULL,
    comment            TEXT,
    at                 BIGINT NOT NULL,
    statement          TEXT,
    rp_id              TEXT,
    origin             TEXT,
    credential_id      TEXT,
    public_key         TEXT,
    authenticator_data TEXT,
    client_data_json   TEXT,
    signature          TEXT,
    UNIQUE (request_id, user_id)
);

CREATE TABLE idempotency (
    agent_id   TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    body_hash  TEXT   NOT NULL,
    request_id TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (agent_id, key)
);
CREATE INDEX idempotency_by_time ON idempotency (created_at);

-- What is due when. A row is deleted in the transaction that does what it is for.
CREATE TABLE timers (
    request_id  TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    due_at      BIGINT NOT NULL,
    PRIMARY KEY (request_id, kind)
);
CREATE INDEX timers_by_due ON timers (due_at);

-- What happened to requests, in order, for streams that resume.
CREATE TABLE events (
    seq        BIGINT PRIMARY KEY,
    request_id TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX events_by_request ON events (request_id, seq);

-- The record. `leaf_hash` = SHA-256(0x00 || JCS(row)): a leaf of an RFC 6962 tree.
CREATE TABLE audit (
    seq        BIGINT PRIMARY KEY,
    at         BIGINT NOT NULL,
    actor      TEXT   NOT NULL,
    action     TEXT   NOT NULL,
    request_id TEXT,
    subject    TEXT   NOT NULL,
    metadata   TEXT   NOT NULL,
    leaf_hash  TEXT   NOT NULL
);
CREATE INDEX audit_by_request ON audit (request_id, seq);
