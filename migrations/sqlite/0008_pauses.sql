-- 休止: who rests from when until when, and who stands in. endpoint_id names an address or number that rests,
-- staff_id a person; with neither, by_person tells a person who is not known (1) from the whole facility (0).
-- until_at is the first moment after it. ended_how: over (its time came), resumed (earlier), undone (a slip).
CREATE TABLE pauses (
    network_id TEXT NOT NULL,
    pause_id TEXT NOT NULL,
    facility_id TEXT NOT NULL,
    endpoint_id TEXT,
    staff_id TEXT,
    by_person INTEGER NOT NULL CHECK (by_person IN (0, 1)),
    from_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    substitute_staff_id TEXT,
    substitute_facility_id TEXT,
    made_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    ended_at INTEGER,
    ended_how TEXT,
    PRIMARY KEY (network_id, pause_id),
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
) STRICT;
CREATE INDEX pauses_of_facility ON pauses (network_id, facility_id, until_at);
CREATE INDEX pauses_open ON pauses (network_id, until_at) WHERE ended_at IS NULL;

-- The latest mails of a facility, to know what it puts below every one of them.
CREATE INDEX posts_by_mail ON posts (network_id, facility_id, post_id) WHERE channel = 'email';
