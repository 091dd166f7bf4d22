-- AUTOINCREMENT: an id is never given twice, or a new user might meet what was cached of an erased one.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL
);

CREATE TABLE classes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL
);

CREATE TABLE enrolments (
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    class_id INTEGER NOT NULL REFERENCES classes ON DELETE CASCADE,
    PRIMARY KEY (user_id, class_id)
);

CREATE TABLE assignments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    class_id INTEGER NOT NULL REFERENCES classes ON DELETE CASCADE,
    title TEXT NOT NULL
);

CREATE TABLE grades (
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    assignment_id INTEGER NOT NULL REFERENCES assignments ON DELETE CASCADE,
    score REAL NOT NULL,
    feedback TEXT NOT NULL,
    PRIMARY KEY (user_id, assignment_id)
);
