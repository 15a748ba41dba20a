-- What an upstream says a tool does, passed on to agents as it came.
ALTER TABLE tools ADD COLUMN annotations TEXT;
ALTER TABLE tools ADD COLUMN output_schema TEXT;

-- By which door a request came, and whether its caller can be reached: `handed_at` says that it was given an id to come
-- back with, `away_at` that it left without one. `fingerprint` stands as long as the same ask joins this request.
ALTER TABLE requests ADD COLUMN door TEXT NOT NULL DEFAULT 'http';
ALTER TABLE requests ADD COLUMN session_id TEXT;
ALTER TABLE requests ADD COLUMN fingerprint TEXT;
ALTER TABLE requests ADD COLUMN handed_at BIGINT;
ALTER TABLE requests ADD COLUMN away_at BIGINT;
CREATE INDEX requests_by_fingerprint ON requests (fingerprint) WHERE fingerprint IS NOT NULL;

-- An ask for access: the tools with their effects and schemas, and for how long.
ALTER TABLE requests ADD COLUMN access TEXT;

-- How far an approval's leave goes, and for which of the tools.
ALTER TABLE decisions ADD COLUMN leave_kind TEXT;
ALTER TABLE decisions ADD COLUMN leave_tools TEXT;

-- Leave for more calls, made by a decision. It ends when anything that it is bound to changes.
CREATE TABLE grants (
    id                 TEXT   PRIMARY KEY,
    request_id         TEXT   NOT NULL REFERENCES requests (id),
    kind               TEXT   NOT NULL,
    agent_id           TEXT   NOT NULL,
    requester_id       TEXT   NOT NULL,
    connector_id       TEXT   NOT NULL,
    connector_version  BIGINT NOT NULL,
    tool               TEXT   NOT NULL,
    schema_hash        TEXT   NOT NULL,
    credential_id      TEXT,
    credential_version BIGINT,
    policy_id          TEXT   NOT NULL,
    policy_version     BIGINT NOT NULL,
    session_id         TEXT,
    created_at         BIGINT NOT NULL,
    expires_at         BIGINT NOT NULL,
    revoked_at         BIGINT,
    revoked_by         TEXT
);
CREATE INDEX grants_by_agent ON grants (agent_id, expires_at);
CREATE INDEX grants_by_request ON grants (request_id);

-- The grant that a call was made under.
ALTER TABLE requests ADD COLUMN grant_id TEXT;

-- How MCP clients of the older revisions began their sessions, so that these outlive a restart. Only the id's hash is kept.
CREATE TABLE mcp_sessions (
    id_hash    TEXT   PRIMARY KEY,
    agent_id   TEXT   NOT NULL,
    initialize TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX mcp_sessions_by_agent ON mcp_sessions (agent_id, created_at);
