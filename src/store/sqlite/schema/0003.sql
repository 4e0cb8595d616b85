-- Which values were known when a text was compared with them: a word that is drawn anew whenever that
-- changes. It is random and no count, so that a restored backup, whose word comes back, never comes
-- to the word that other values had.
CREATE TABLE known_epoch (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    epoch BLOB    NOT NULL CHECK (length(epoch) = 16)
) STRICT;

INSERT INTO known_epoch (only, epoch) VALUES (1, randomblob(16));

CREATE TRIGGER known_secret_is_added AFTER INSERT ON known_secret
BEGIN
    UPDATE known_epoch SET epoch = randomblob(16);
END;

CREATE TRIGGER known_secret_is_changed AFTER UPDATE OF fingerprint, tag ON known_secret
BEGIN
    UPDATE known_epoch SET epoch = randomblob(16);
END;

CREATE TRIGGER known_secret_is_removed AFTER DELETE ON known_secret
BEGIN
    UPDATE known_epoch SET epoch = randomblob(16);
END;

CREATE TRIGGER incident_is_leaked AFTER INSERT ON incident
WHEN NEW.leaked = 1 AND NEW.state <> 'false-positive'
BEGIN
    UPDATE known_epoch SET epoch = randomblob(16);
END;

CREATE TRIGGER incident_leaks_or_is_dismissed AFTER UPDATE OF leaked, state ON incident
WHEN (NEW.leaked = 1 AND NEW.state <> 'false-positive')
    <> (OLD.leaked = 1 AND OLD.state <> 'false-positive')
BEGIN
    UPDATE known_epoch SET epoch = randomblob(16);
END;
