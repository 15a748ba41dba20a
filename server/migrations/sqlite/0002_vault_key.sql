-- Which master key the vault seals under (an id that tells nothing about the key), so that a key file that was lost or
-- mixed up is noticed at start instead of at the first record that doesn't open.
ALTER TABLE desk ADD COLUMN vault_key TEXT;
