-- Links with hospital systems: the sequence number that is expected next of each sender (MSH-13) ...
CREATE TABLE link_numbers (
    network_id TEXT NOT NULL REFERENCES networks,
    interface TEXT NOT NULL,
    application TEXT NOT NULL,
    facility TEXT NOT NULL,
    expected INTEGER NOT NULL,
    PRIMARY KEY (network_id, interface, application, facility)
) STRICT;

-- ... and the application answers of enhanced mode until the sender's listener has taken them.
CREATE TABLE application_answers (
    network_id TEXT NOT NULL,
    interface TEXT NOT NULL,
    intake_id TEXT NOT NULL,
    answer BLOB NOT NULL,
    owed_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    ended_at INTEGER,
    refusal TEXT,
    PRIMARY KEY (network_id, interface, intake_id),
    FOREIGN KEY (network_id, intake_id) REFERENCES intakes
) STRICT;
CREATE INDEX application_answers_owed ON application_answers (network_id, interface, owed_at, intake_id)
    WHERE ended_at IS NULL;

-- 連携期限 that a post starts for its members, as computed when it was posted.
ALTER TABLE posts ADD COLUMN liaison TEXT;
