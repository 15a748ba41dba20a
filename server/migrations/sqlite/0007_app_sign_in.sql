-- Codes that the desktop app exchanges for a session (RFC 7636). Only their hash is kept.
CREATE TABLE app_codes (
    code_hash      TEXT   PRIMARY KEY,
    user_id        TEXT   NOT NULL REFERENCES users (id),
    code_challenge TEXT   NOT NULL,
    expires_at     BIGINT NOT NULL
);
