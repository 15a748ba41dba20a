-- The queue of one connector in any order: without these all of its requests were sorted for each page. The state stands
-- at the end, so that a row of another state is passed over without being read.
CREATE INDEX requests_by_slug_state_time ON requests (connector_slug, state, created_at, id);
CREATE INDEX requests_by_slug_name ON requests (connector_slug, requester_name, id, state);
CREATE INDEX requests_by_slug_email ON requests (connector_slug, requester_email, id, state);
CREATE INDEX requests_by_slug_connector ON requests (connector_slug, connector_name, id, state);
