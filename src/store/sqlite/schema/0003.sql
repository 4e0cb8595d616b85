-- Which values were known when a text was compared with them. The word is drawn anew whenever a
-- value becomes known, and only then: while it stands, values are only ever forgotten. It is random
-- and no count, so that a restored backup does not come to the same word with other values.
CREATE TABLE known_epoch (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    epoch BLOB    NOT NULL CHECK (length(epoch) = 16)
) STRICT;

INSERT INTO known_epoch (only, epoch) VALUES (1, randomblob(16));

CREATE TRIGGER known_secret_is_new AFTER INSERT ON known_secret
BEGIN
    UPDATE known_epoch SET epoch = randomblob(16);
END;

CREATE TRIGGER known_secret_is_another AFTER UPDATE OF fingerprint, tag ON known_secret
BEGIN
    UPDATE known_epoch SET epoch = randomblob(16);
END;

CREATE TRIGGER incident_is_leaked AFTER INSERT ON incident
WHEN NEW.leaked = 1 AND NEW.state <> 'false-positive'
BEGIN
    UPDATE known_epoch SET epoch = randomblob(16);
END;

CREATE TRIGGER incident_becomes_leaked AFTER UPDATE OF leaked, state ON incident
WHEN NEW.leaked = 1 AND NEW.state <> 'false-positive'
    AND NOT (OLD.leaked = 1 AND OLD.state <> 'false-positive')
BEGIN
    UPDATE known_epoch SET epoch = randomblob(16);
END;
