CREATE TABLE moneykit_positions (
	link_id      TEXT NOT NULL PRIMARY KEY,
	cursor       BYTEA NOT NULL,
	refreshed_at TEXT NOT NULL,
	generation   BIGINT NOT NULL,
	rebuilding   BOOLEAN NOT NULL,
	partial      BOOLEAN NOT NULL,
	updated_at   TIMESTAMPTZ NOT NULL
);

CREATE TABLE moneykit_transactions (
	link_id         TEXT NOT NULL,
	id              TEXT NOT NULL,
	account_id      TEXT NOT NULL,
	type            TEXT NOT NULL,
	amount          NUMERIC NOT NULL,
	currency        TEXT NOT NULL,
	date            DATE NOT NULL,
	datetime        TEXT,
	original_id     TEXT,
	pending         BOOLEAN NOT NULL,
	description     TEXT NOT NULL,
	raw_description TEXT NOT NULL,
	category        TEXT,
	subcategory     TEXT,
	merchant        TEXT,
	enrichment      JSONB,
	extra           JSONB,
	generation      BIGINT NOT NULL,
	PRIMARY KEY (link_id, id)
);

CREATE INDEX moneykit_transactions_by_date ON moneykit_transactions (link_id, date);

CREATE INDEX moneykit_transactions_pending ON moneykit_transactions (link_id) WHERE pending;

CREATE TABLE moneykit_links (
	link_id          TEXT NOT NULL PRIMARY KEY,
	user_id          TEXT NOT NULL,
	institution_id   TEXT NOT NULL,
	institution_name TEXT NOT NULL,
	state            TEXT NOT NULL,
	error            TEXT NOT NULL,
	state_at         TIMESTAMPTZ,
	created_at       TIMESTAMPTZ NOT NULL,
	updated_at       TIMESTAMPTZ NOT NULL
);

CREATE INDEX moneykit_links_by_user ON moneykit_links (user_id, created_at, link_id);

CREATE TABLE moneykit_inbox (
	link_id     TEXT NOT NULL,
	event_key   TEXT NOT NULL,
	type        TEXT NOT NULL,
	received_at BIGINT NOT NULL,
	PRIMARY KEY (link_id, event_key)
);

CREATE INDEX moneykit_inbox_by_age ON moneykit_inbox (received_at);

CREATE TABLE moneykit_work (
	link_id   TEXT NOT NULL,
	task      TEXT NOT NULL,
	requested BIGINT NOT NULL,
	done      BIGINT NOT NULL,
	claim     TEXT NOT NULL,
	leased_to BIGINT NOT NULL,
	PRIMARY KEY (link_id, task)
);

CREATE TABLE moneykit_claims (
	event_key TEXT NOT NULL PRIMARY KEY,
	claim     TEXT NOT NULL,
	done      BOOLEAN NOT NULL,
	leased_to BIGINT NOT NULL
);

CREATE INDEX moneykit_claims_by_age ON moneykit_claims (leased_to);

CREATE TABLE moneykit_tokens (
	name         TEXT NOT NULL PRIMARY KEY,
	access_token TEXT NOT NULL,
	expires_at   BIGINT,
	renew_at     BIGINT,
	claim        TEXT NOT NULL,
	leased_to    BIGINT NOT NULL
);

CREATE TABLE moneykit_slots (
	budget  TEXT NOT NULL,
	slot    BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	PRIMARY KEY (budget, slot)
);

CREATE INDEX moneykit_slots_by_age ON moneykit_slots (used_at);

INSERT INTO moneykit_tokens (name, access_token, claim, leased_to) VALUES ('default', '', '', 0);
