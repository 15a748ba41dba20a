-- Links by which people outside look at one step of one request and decide on it. Of token and code only hashes are kept.
-- `decisions.user_id` holds `email:<address>` or `phone:<number>` of who decided by one, so that its unique constraint
-- gives each address one vote too.
CREATE TABLE outside_links (
    id          TEXT   PRIMARY KEY,
    request_id  TEXT   NOT NULL REFERENCES requests (id),
    delivery_id TEXT   NOT NULL,
    step        BIGINT NOT NULL,
    recipient   TEXT   NOT NULL,
    token_hash  TEXT   NOT NULL UNIQUE,
    code_hash   TEXT   NOT NULL,
    wrong_codes BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT,
    created_at  BIGINT NOT NULL
);
CREATE INDEX outside_links_by_request ON outside_links (request_id, created_at, id);
CREATE INDEX outside_links_by_expiry ON outside_links (expires_at);
