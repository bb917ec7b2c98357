-- Links with hospital systems: the sequence number that is expected next of each sender (MSH-13) ...
CREATE TABLE link_numbers (
    network_id TEXT COLLATE "C" NOT NULL REFERENCES networks,
    interface TEXT COLLATE "C" NOT NULL,
    application TEXT COLLATE "C" NOT NULL,
    facility TEXT COLLATE "C" NOT NULL,
    expected BIGINT NOT NULL,
    PRIMARY KEY (network_id, interface, application, facility)
);

-- ... and the application answers of enhanced mode until the sender's listener has taken them.
CREATE TABLE application_answers (
    network_id TEXT COLLATE "C" NOT NULL,
    interface TEXT COLLATE "C" NOT NULL,
    intake_id TEXT COLLATE "C" NOT NULL,
    answer BYTEA NOT NULL,
    owed_at BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    ended_at BIGINT,
    refusal TEXT COLLATE "C",
    PRIMARY KEY (network_id, interface, intake_id),
    FOREIGN KEY (network_id, intake_id) REFERENCES intakes
);
CREATE INDEX application_answers_owed ON application_answers (network_id, interface, owed_at, intake_id)
    WHERE ended_at IS NULL;

-- 連携期限 that a post starts for its members, as computed when it was posted.
ALTER TABLE posts ADD COLUMN liaison TEXT COLLATE "C";
