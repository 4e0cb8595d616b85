-- The layers in which a secret stands, outermost first: a JSON array of text.
ALTER TABLE occurrence ADD COLUMN layers TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(layers));

-- Two parts of one archive stand at one place of the object.
DROP INDEX occurrence_place;
CREATE UNIQUE INDEX occurrence_place ON occurrence
    (incident, push, container, object, ifnull(commit_id, ''), ifnull(path, ''), start, stop, layers);
