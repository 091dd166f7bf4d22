-- AUTOINCREMENT: an id is never given twice, or a new user might meet the sessions of an erased one.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Typed as anyone likes, but there is one `Ada` only.
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    full_name TEXT NOT NULL,
    -- In the PHC format, which says how it was made: `$argon2id$v=19$..`.
    password_hash TEXT NOT NULL
);
