-- pushwarden's ledger: the names of objects that were scanned and found clean, in two generations.
-- A file of its own: it is no part of the record, and may be deleted at any time.
CREATE TABLE clean_0 (
    first  INTEGER PRIMARY KEY,
    second INTEGER NOT NULL
) STRICT;

CREATE TABLE clean_1 (
    first  INTEGER PRIMARY KEY,
    second INTEGER NOT NULL
) STRICT;

CREATE TABLE young (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    clean INTEGER NOT NULL CHECK (clean IN (0, 1)) -- which of the two takes new rows
) STRICT;

INSERT INTO young (only, clean) VALUES (1, 0);
