CREATE TABLE rows (
    key INTEGER PRIMARY KEY,
    version INTEGER NOT NULL
);

-- `applied_at`: when its invalidation had returned `Applied`, on the clock of all processes.
CREATE TABLE writes (
    id INTEGER PRIMARY KEY,
    worker INTEGER NOT NULL,
    incarnation INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    applied_at INTEGER
);

CREATE TABLE commits (
    write_id INTEGER NOT NULL REFERENCES writes,
    key INTEGER NOT NULL REFERENCES rows,
    version INTEGER NOT NULL
);
