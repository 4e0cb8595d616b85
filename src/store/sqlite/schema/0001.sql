-- pushwarden's store, schema 1.
--
-- Times are microseconds since 1970-01-01T00:00:00Z. Words are those of the JSON that people see.
-- Counts are never negative. Nothing here is, or leads back to, the clear text of a secret:
-- fingerprints are keyed hashes, previews are masked.

PRAGMA application_id = 0x50575244; -- "PWRD": tells our file from any other

-- A push that was not clean: refused, reported, let in unscanned, or failed.
CREATE TABLE push (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT    NOT NULL CHECK (length(id) = 32),  -- the hook's nonce
    origin          TEXT    NOT NULL CHECK (origin IN ('daemon', 'git-account')),
    spool_nonce     TEXT    UNIQUE   CHECK (length(spool_nonce) = 32),
    at              INTEGER NOT NULL,
    repository      TEXT    NOT NULL,                          -- absolute path, escaped
    repository_name TEXT,
    server          TEXT    NOT NULL,
    pusher_name     TEXT,
    pusher_source   TEXT    NOT NULL,
    pusher_trust    TEXT    NOT NULL,
    verdict         TEXT    NOT NULL CHECK (verdict IN ('accepted', 'refused', 'failed')),
    reason          TEXT    NOT NULL,
    objects         INTEGER NOT NULL CHECK (objects >= 0),
    bytes           INTEGER NOT NULL CHECK (bytes >= 0),
    duration_ms     INTEGER NOT NULL CHECK (duration_ms >= 0),
    findings        INTEGER NOT NULL CHECK (findings >= 0),
    unscanned       INTEGER NOT NULL CHECK (unscanned >= 0),   -- with those that are only counted
    -- The daemon and a spool entry may tell of the same push, each once.
    UNIQUE (id, origin),
    CHECK ((spool_nonce IS NULL) OR (origin = 'git-account'))
) STRICT;

CREATE INDEX push_repository ON push (repository);

-- One distinct secret, and what became of it.
CREATE TABLE incident (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint       BLOB    NOT NULL UNIQUE CHECK (length(fingerprint) = 32),
    tag               INTEGER NOT NULL,                        -- SipHash, the 64 bits as signed
    secret_bytes      INTEGER NOT NULL CHECK (secret_bytes >= 0),
    rule              TEXT    NOT NULL,
    confidence        TEXT    NOT NULL CHECK (confidence IN ('low', 'medium', 'high')),
    severity          TEXT    NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    preview           TEXT    NOT NULL,
    facts             TEXT    NOT NULL CHECK (json_valid(facts)),
    known_as          TEXT,
    owner             TEXT    NOT NULL,
    owner_source      TEXT    NOT NULL,
    owner_confidence  TEXT    NOT NULL,
    owner_chain       TEXT    NOT NULL CHECK (json_valid(owner_chain)),
    state             TEXT    NOT NULL CHECK (state IN ('open', 'reopened', 'false-positive')),
    state_at          INTEGER NOT NULL,
    disposition       TEXT    CHECK (disposition IN ('false-positive', 'test-value')),
    disposed_by       TEXT,
    disposed_reason   TEXT,
    exposure          TEXT    NOT NULL CHECK (exposure IN ('refused', 'unknown', 'accepted', 'landed')),
    leaked            INTEGER NOT NULL CHECK (leaked IN (0, 1)), -- ever decided `refuse`
    last_action       TEXT    NOT NULL CHECK (last_action IN ('ignore', 'report', 'refuse')),
    last_reason       TEXT    NOT NULL,
    occurrences_total INTEGER NOT NULL DEFAULT 0 CHECK (occurrences_total >= occurrences_kept),
    occurrences_kept  INTEGER NOT NULL DEFAULT 0 CHECK (occurrences_kept >= 0),
    pushes_total      INTEGER NOT NULL DEFAULT 0 CHECK (pushes_total >= 0),
    first_seen        INTEGER NOT NULL,
    last_seen         INTEGER NOT NULL,
    CHECK ((state = 'false-positive') = (disposition IS NOT NULL)),
    CHECK ((disposition IS NULL) = (disposed_by IS NULL)),
    CHECK ((disposition IS NULL) = (disposed_reason IS NULL)),
    CHECK (first_seen <= last_seen)
) STRICT;

CREATE INDEX incident_tag ON incident (tag) WHERE leaked = 1;
CREATE INDEX incident_owner ON incident (owner);

-- What was decided about a secret in a push.
CREATE TABLE incident_push (
    incident    INTEGER NOT NULL REFERENCES incident (id),
    push        INTEGER NOT NULL REFERENCES push (seq),
    action      TEXT    NOT NULL CHECK (action IN ('ignore', 'report', 'refuse')),
    reason      TEXT    NOT NULL,
    occurrences INTEGER NOT NULL CHECK (occurrences >= 0), -- with those that are only counted
    grant_id    INTEGER REFERENCES "grant" (id),
    PRIMARY KEY (incident, push)
) STRICT, WITHOUT ROWID;

CREATE INDEX incident_push_push ON incident_push (push);

-- One place of one secret in one push.
CREATE TABLE occurrence (
    id        INTEGER PRIMARY KEY,
    incident  INTEGER NOT NULL,
    push      INTEGER NOT NULL,
    container TEXT    NOT NULL,
    object    TEXT    NOT NULL,             -- hex; empty for ref names and push options
    commit_id TEXT,
    subject   TEXT,
    path      TEXT,
    start     INTEGER NOT NULL CHECK (start >= 0),
    stop      INTEGER NOT NULL CHECK (stop >= start),
    line      INTEGER NOT NULL CHECK (line >= 0),
    "column"  INTEGER NOT NULL CHECK ("column" >= 0),
    end_line  INTEGER NOT NULL CHECK (end_line >= line),
    age       TEXT    NOT NULL CHECK (age IN ('new', 'old-reachable', 'old-in-parents')),
    FOREIGN KEY (incident, push) REFERENCES incident_push (incident, push)
) STRICT;

-- NULLs differ in a unique index, so places without commit or path are made equal by hand.
CREATE UNIQUE INDEX occurrence_place ON occurrence
    (incident, push, container, object, ifnull(commit_id, ''), ifnull(path, ''), start, stop);
CREATE INDEX occurrence_object ON occurrence (incident, object);

-- The built-in queue: one ticket for an incident. It mirrors work; its state is not the incident's.
CREATE TABLE ticket (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    incident           INTEGER NOT NULL UNIQUE REFERENCES incident (id),
    state              TEXT    NOT NULL CHECK (state IN ('open', 'reopened', 'closed')),
    title              TEXT    NOT NULL,
    body               TEXT    NOT NULL,
    opened_at          INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    events             INTEGER NOT NULL DEFAULT 0 CHECK (events >= 0),
    comments_unwritten INTEGER NOT NULL DEFAULT 0 CHECK (comments_unwritten >= 0)
) STRICT;

CREATE TABLE ticket_event (
    ticket INTEGER NOT NULL REFERENCES ticket (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    kind   TEXT    NOT NULL CHECK (kind IN ('opened', 'commented', 'reopened', 'closed')),
    at     INTEGER NOT NULL,
    by     TEXT    NOT NULL,
    text   TEXT    NOT NULL,
    PRIMARY KEY (ticket, number)
) STRICT, WITHOUT ROWID;

-- What a ticket is called in another tracker.
CREATE TABLE ticket_link (
    ticket   INTEGER NOT NULL REFERENCES ticket (id),
    sink     TEXT    NOT NULL,
    external TEXT    NOT NULL,
    PRIMARY KEY (ticket, sink)
) STRICT, WITHOUT ROWID;

-- A way through the gate for one secret. Its state follows from these columns and the time.
CREATE TABLE "grant" (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    incident       INTEGER NOT NULL REFERENCES incident (id),
    repository     TEXT    NOT NULL,                       -- path, name or glob
    pusher         TEXT,
    uses           INTEGER NOT NULL CHECK (uses >= 1),
    used           INTEGER NOT NULL DEFAULT 0 CHECK (used BETWEEN 0 AND uses),
    expires_at     INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    created_by     TEXT    NOT NULL,
    created_at     INTEGER NOT NULL CHECK (created_at < expires_at),
    revoked_by     TEXT,
    revoked_at     INTEGER,
    CHECK ((revoked_by IS NULL) = (revoked_at IS NULL))
) STRICT;

CREATE INDEX grant_incident ON "grant" (incident);

-- The inventory: secrets of the organisation, by fingerprint.
CREATE TABLE known_secret (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT    NOT NULL UNIQUE,
    identity     TEXT,
    owner        TEXT,
    key_id       TEXT,
    fingerprint  BLOB    NOT NULL UNIQUE CHECK (length(fingerprint) = 32),
    tag          INTEGER NOT NULL,
    secret_bytes INTEGER NOT NULL CHECK (secret_bytes >= 0),
    added_by     TEXT    NOT NULL,
    added_at     INTEGER NOT NULL
) STRICT;

-- What a push brought and nobody scanned.
CREATE TABLE unscanned (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    push           INTEGER NOT NULL REFERENCES push (seq),
    object         TEXT,
    reason         TEXT    NOT NULL,
    detail         TEXT    NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('open', 'rescanned', 'accepted')),
    settled_by     TEXT,
    settled_at     INTEGER,
    settled_reason TEXT,
    CHECK ((state = 'open') = (settled_by IS NULL)),
    CHECK ((settled_by IS NULL) = (settled_at IS NULL)),
    CHECK ((settled_by IS NULL) = (settled_reason IS NULL))
) STRICT;

CREATE INDEX unscanned_push ON unscanned (push);

-- What must happen outside, written with what makes it necessary.
CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT    NOT NULL,
    stream      TEXT    NOT NULL,                          -- its rows happen in their order
    dedupe_key  TEXT    NOT NULL UNIQUE,
    payload     TEXT    NOT NULL CHECK (json_valid(payload)),
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'leased', 'done', 'dead')),
    attempts    INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    not_before  INTEGER NOT NULL,
    lease_until INTEGER,
    last_error  TEXT,
    CHECK ((state = 'leased') = (lease_until IS NOT NULL))
) STRICT;

CREATE INDEX outbox_due ON outbox (id) WHERE state IN ('pending', 'leased');
CREATE INDEX outbox_stream ON outbox (stream, id) WHERE state IN ('pending', 'leased');

-- The audit log: a hash chain that only grows.
CREATE TABLE audit (
    seq       INTEGER PRIMARY KEY CHECK (seq >= 1),
    at        INTEGER NOT NULL,
    actor     TEXT    NOT NULL,
    action    TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    detail    TEXT    NOT NULL,                            -- JSON, the very bytes that are hashed
    prev_hash BLOB    NOT NULL CHECK (length(prev_hash) = 32),
    hash      BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TRIGGER audit_keeps_what_it_holds BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END;

CREATE TRIGGER audit_forgets_nothing BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit events are never removed'); END;

-- Where the chain ends, kept beside it so that a log cut off at its end is noticed.
CREATE TABLE audit_head (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    seq  INTEGER NOT NULL CHECK (seq >= 0),
    hash BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

INSERT INTO audit_head (only, seq, hash) VALUES (1, 0, zeroblob(32));

-- The latest proof that the store can be written.
CREATE TABLE probe (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    at   INTEGER NOT NULL
) STRICT;
