-- 休止: who rests from when until when, and who stands in. endpoint_id names an address or number that rests,
-- staff_id a person; with neither, by_person tells a person who is not known from the whole facility.
-- until_at is the first moment after it. ended_how: over (its time came), resumed (earlier), undone (a slip).
CREATE TABLE pauses (
    network_id TEXT COLLATE "C" NOT NULL,
    pause_id TEXT COLLATE "C" NOT NULL,
    facility_id TEXT COLLATE "C" NOT NULL,
    endpoint_id TEXT COLLATE "C",
    staff_id TEXT COLLATE "C",
    by_person BOOLEAN NOT NULL,
    from_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    substitute_staff_id TEXT COLLATE "C",
    substitute_facility_id TEXT COLLATE "C",
    made_at BIGINT NOT NULL,
    made_by TEXT COLLATE "C" NOT NULL,
    ended_at BIGINT,
    ended_how TEXT COLLATE "C",
    PRIMARY KEY (network_id, pause_id),
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
);
CREATE INDEX pauses_of_facility ON pauses (network_id, facility_id, until_at);
CREATE INDEX pauses_open ON pauses (network_id, until_at) WHERE ended_at IS NULL;

-- The latest mails of a facility, to know what it puts below every one of them.
CREATE INDEX posts_by_mail ON posts (network_id, facility_id, post_id) WHERE channel = 'email';
