-- The schema of kakehashi, version 1, for PostgreSQL. The same tables with the same number lie in
-- ../sqlite. Every key begins with network_id, so no row can be found without naming its network
-- and the tables can be distributed by it. Times are UTC microseconds, JSON is text read in Rust.
-- COLLATE "C": keys sort by their bytes, as on SQLite, whatever the locale of the database.

CREATE TABLE networks (
    network_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    office_name TEXT COLLATE "C" NOT NULL,
    office_phone TEXT COLLATE "C" NOT NULL,
    office_hours TEXT COLLATE "C" NOT NULL,
    gateway_fax TEXT COLLATE "C" NOT NULL,
    mail_domain TEXT COLLATE "C" NOT NULL,
    public_url TEXT COLLATE "C" NOT NULL
);

CREATE TABLE facility_types (
    network_id TEXT COLLATE "C" NOT NULL REFERENCES networks,
    code TEXT COLLATE "C" NOT NULL,
    ja TEXT COLLATE "C" NOT NULL,
    en TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (network_id, code)
);

CREATE TABLE professions (
    network_id TEXT COLLATE "C" NOT NULL REFERENCES networks,
    code TEXT COLLATE "C" NOT NULL,
    ja TEXT COLLATE "C" NOT NULL,
    en TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (network_id, code)
);

CREATE TABLE facilities (
    network_id TEXT COLLATE "C" NOT NULL REFERENCES networks,
    facility_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    short_name TEXT COLLATE "C" NOT NULL,
    facility_type TEXT COLLATE "C" NOT NULL,
    phone TEXT COLLATE "C",
    business_hours TEXT COLLATE "C" NOT NULL,
    is_network_office BOOLEAN NOT NULL,
    PRIMARY KEY (network_id, facility_id)
);

CREATE TABLE staff_members (
    network_id TEXT COLLATE "C" NOT NULL,
    staff_id TEXT COLLATE "C" NOT NULL,
    facility_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    left_at BIGINT,
    PRIMARY KEY (network_id, staff_id),
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
);
CREATE INDEX staff_members_of_facility ON staff_members (network_id, facility_id);

CREATE TABLE staff_professions (
    network_id TEXT COLLATE "C" NOT NULL,
    staff_id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    profession TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (network_id, staff_id, position),
    FOREIGN KEY (network_id, staff_id) REFERENCES staff_members
);

CREATE TABLE endpoints (
    network_id TEXT COLLATE "C" NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    facility_id TEXT COLLATE "C" NOT NULL,
    channel TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    settings TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (network_id, endpoint_id),
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
);
CREATE INDEX endpoints_by_address ON endpoints (network_id, address, channel);
CREATE INDEX endpoints_of_facility ON endpoints (network_id, facility_id);

CREATE TABLE patients (
    network_id TEXT COLLATE "C" NOT NULL REFERENCES networks,
    patient_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    kana TEXT COLLATE "C" NOT NULL,
    birth_date TEXT COLLATE "C",
    sex TEXT COLLATE "C",
    summary TEXT COLLATE "C",
    folded_name TEXT COLLATE "C" NOT NULL,
    folded_kana TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (network_id, patient_id)
);
CREATE INDEX patients_by_birth_date ON patients (network_id, birth_date);
CREATE INDEX patients_by_name ON patients (network_id, folded_name);
CREATE INDEX patients_by_kana ON patients (network_id, folded_kana);

CREATE TABLE patient_identifiers (
    network_id TEXT COLLATE "C" NOT NULL,
    facility_id TEXT COLLATE "C" NOT NULL,
    identifier TEXT COLLATE "C" NOT NULL,
    patient_id TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (network_id, facility_id, identifier),
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities,
    FOREIGN KEY (network_id, patient_id) REFERENCES patients
);
CREATE INDEX patient_identifiers_of_patient ON patient_identifiers (network_id, patient_id);

CREATE TABLE patient_groups (
    network_id TEXT COLLATE "C" NOT NULL,
    group_id TEXT COLLATE "C" NOT NULL,
    patient_id TEXT COLLATE "C" NOT NULL,
    alias TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (network_id, group_id),
    FOREIGN KEY (network_id, patient_id) REFERENCES patients
);
CREATE UNIQUE INDEX patient_groups_by_address ON patient_groups (network_id, address);
CREATE INDEX patient_groups_by_alias ON patient_groups (network_id, alias);
CREATE INDEX patient_groups_of_patient ON patient_groups (network_id, patient_id);

CREATE TABLE memberships (
    network_id TEXT COLLATE "C" NOT NULL,
    group_id TEXT COLLATE "C" NOT NULL,
    facility_id TEXT COLLATE "C" NOT NULL,
    since BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (network_id, group_id, facility_id),
    FOREIGN KEY (network_id, group_id) REFERENCES patient_groups,
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
);
CREATE INDEX memberships_of_facility ON memberships (network_id, facility_id);

CREATE TABLE consents (
    network_id TEXT COLLATE "C" NOT NULL,
    consent_id TEXT COLLATE "C" NOT NULL,
    patient_id TEXT COLLATE "C" NOT NULL,
    channels TEXT COLLATE "C" NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_until BIGINT,
    PRIMARY KEY (network_id, consent_id),
    FOREIGN KEY (network_id, patient_id) REFERENCES patients
);
CREATE INDEX consents_of_patient ON consents (network_id, patient_id);

CREATE TABLE consent_facilities (
    network_id TEXT COLLATE "C" NOT NULL,
    consent_id TEXT COLLATE "C" NOT NULL,
    facility_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (network_id, consent_id, facility_id),
    FOREIGN KEY (network_id, consent_id) REFERENCES consents,
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
);

CREATE TABLE login_users (
    network_id TEXT COLLATE "C" NOT NULL,
    login_user_id TEXT COLLATE "C" NOT NULL,
    login_name TEXT COLLATE "C" NOT NULL,
    facility_id TEXT COLLATE "C" NOT NULL,
    staff_id TEXT COLLATE "C",
    display_name TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    locale TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (network_id, login_user_id),
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
);
CREATE UNIQUE INDEX login_users_by_name ON login_users (network_id, login_name);

CREATE TABLE sessions (
    network_id TEXT COLLATE "C" NOT NULL,
    token_hash TEXT COLLATE "C" NOT NULL,
    login_user_id TEXT COLLATE "C" NOT NULL,
    csrf_token TEXT COLLATE "C" NOT NULL,
    opened_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (network_id, token_hash),
    FOREIGN KEY (network_id, login_user_id) REFERENCES login_users
);
CREATE INDEX sessions_by_end ON sessions (network_id, expires_at);

CREATE TABLE read_marks (
    network_id TEXT COLLATE "C" NOT NULL,
    login_user_id TEXT COLLATE "C" NOT NULL,
    group_id TEXT COLLATE "C" NOT NULL,
    read_at BIGINT NOT NULL,
    PRIMARY KEY (network_id, login_user_id, group_id)
);

-- raw holds messages of at most 64 KiB; larger ones lie in the blob that content_hash names.
CREATE TABLE intakes (
    network_id TEXT COLLATE "C" NOT NULL,
    intake_id TEXT COLLATE "C" NOT NULL,
    dedup_key TEXT COLLATE "C" NOT NULL,
    channel TEXT COLLATE "C" NOT NULL,
    format TEXT COLLATE "C" NOT NULL,
    received_at BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    content_hash TEXT COLLATE "C" NOT NULL,
    sender_message_id TEXT COLLATE "C",
    origin TEXT COLLATE "C" NOT NULL,
    raw BYTEA,
    state TEXT COLLATE "C" NOT NULL,
    claimed_by TEXT COLLATE "C",
    lease_until BIGINT,
    attempt_count BIGINT NOT NULL,
    retry_at BIGINT NOT NULL,
    settled_at BIGINT,
    envelopes TEXT COLLATE "C",
    decided TEXT COLLATE "C",
    PRIMARY KEY (network_id, intake_id)
);
CREATE UNIQUE INDEX intakes_by_dedup_key ON intakes (network_id, dedup_key);
CREATE INDEX intakes_waiting ON intakes (network_id, intake_id) WHERE state = 'accepted';

CREATE TABLE intake_decisions (
    network_id TEXT COLLATE "C" NOT NULL,
    intake_id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    rule TEXT COLLATE "C",
    decided_at BIGINT NOT NULL,
    PRIMARY KEY (network_id, intake_id, position)
);
CREATE INDEX intake_decisions_by_rule ON intake_decisions (network_id, decided_at, rule)
    WHERE rule IS NOT NULL;

CREATE TABLE posts (
    network_id TEXT COLLATE "C" NOT NULL,
    post_id TEXT COLLATE "C" NOT NULL,
    group_id TEXT COLLATE "C" NOT NULL,
    topic_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    corrects TEXT COLLATE "C",
    version BIGINT NOT NULL,
    facility_id TEXT COLLATE "C" NOT NULL,
    staff_id TEXT COLLATE "C",
    author_name TEXT COLLATE "C",
    proxy TEXT COLLATE "C",
    channel TEXT COLLATE "C" NOT NULL,
    urgency TEXT COLLATE "C" NOT NULL,
    expectation TEXT COLLATE "C" NOT NULL,
    due_at BIGINT,
    title TEXT COLLATE "C",
    body TEXT COLLATE "C" NOT NULL,
    quoted TEXT COLLATE "C",
    signature TEXT COLLATE "C",
    document_kind TEXT COLLATE "C",
    occurred_at BIGINT,
    received_at BIGINT NOT NULL,
    posted_at BIGINT NOT NULL,
    intake_id TEXT COLLATE "C",
    event_key TEXT COLLATE "C",
    decided_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (network_id, post_id),
    FOREIGN KEY (network_id, group_id) REFERENCES patient_groups,
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
);
CREATE INDEX posts_topics ON posts (network_id, group_id, post_id) WHERE kind = 'topic';
CREATE INDEX posts_of_topic ON posts (network_id, topic_id, post_id);
CREATE INDEX posts_by_time ON posts (network_id, group_id, posted_at);
CREATE INDEX posts_of_intake ON posts (network_id, intake_id) WHERE intake_id IS NOT NULL;
CREATE INDEX posts_by_event ON posts (network_id, facility_id, event_key) WHERE event_key IS NOT NULL;
-- One clinical event opens one topic, however many workers read its copies at the same time.
CREATE UNIQUE INDEX posts_one_topic_per_event ON posts (network_id, group_id, facility_id, event_key)
    WHERE kind = 'topic' AND event_key IS NOT NULL;
CREATE UNIQUE INDEX posts_one_version ON posts (network_id, corrects, version) WHERE corrects IS NOT NULL;

-- What is asked of whom, and when it was answered; open rows are the requests of a facility.
CREATE TABLE post_addressees (
    network_id TEXT COLLATE "C" NOT NULL,
    post_id TEXT COLLATE "C" NOT NULL,
    facility_id TEXT COLLATE "C" NOT NULL,
    group_id TEXT COLLATE "C" NOT NULL,
    topic_id TEXT COLLATE "C" NOT NULL,
    expectation TEXT COLLATE "C" NOT NULL,
    answered_at BIGINT,
    answered_by TEXT COLLATE "C",
    PRIMARY KEY (network_id, post_id, facility_id),
    FOREIGN KEY (network_id, post_id) REFERENCES posts
);
CREATE INDEX post_addressees_open ON post_addressees (network_id, group_id, topic_id)
    WHERE answered_at IS NULL;
CREATE INDEX post_addressees_of_topic ON post_addressees (network_id, topic_id);

CREATE TABLE attachments (
    network_id TEXT COLLATE "C" NOT NULL,
    attachment_id TEXT COLLATE "C" NOT NULL,
    intake_id TEXT COLLATE "C",
    post_id TEXT COLLATE "C",
    position BIGINT NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C",
    media_type TEXT COLLATE "C" NOT NULL,
    size_bytes BIGINT NOT NULL,
    content_hash TEXT COLLATE "C" NOT NULL,
    pages BIGINT,
    PRIMARY KEY (network_id, attachment_id)
);
CREATE INDEX attachments_of_post ON attachments (network_id, post_id, position) WHERE post_id IS NOT NULL;
CREATE INDEX attachments_of_intake ON attachments (network_id, intake_id, position)
    WHERE intake_id IS NOT NULL;

-- person is the staff id, else the name as signed, else empty: one 了解 of each person of a facility.
CREATE TABLE acknowledgements (
    network_id TEXT COLLATE "C" NOT NULL,
    post_id TEXT COLLATE "C" NOT NULL,
    facility_id TEXT COLLATE "C" NOT NULL,
    person TEXT COLLATE "C" NOT NULL,
    staff_id TEXT COLLATE "C",
    person_name TEXT COLLATE "C",
    channel TEXT COLLATE "C" NOT NULL,
    acknowledged_at BIGINT NOT NULL,
    identity_level TEXT COLLATE "C" NOT NULL,
    intake_id TEXT COLLATE "C",
    delivery_id TEXT COLLATE "C",
    proxy TEXT COLLATE "C",
    withdrawn_at BIGINT,
    PRIMARY KEY (network_id, post_id, facility_id, person),
    FOREIGN KEY (network_id, post_id) REFERENCES posts,
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
);

CREATE TABLE deliveries (
    network_id TEXT COLLATE "C" NOT NULL,
    delivery_id TEXT COLLATE "C" NOT NULL,
    endpoint_id TEXT COLLATE "C",
    facility_id TEXT COLLATE "C",
    channel TEXT COLLATE "C" NOT NULL,
    notice TEXT COLLATE "C",
    address TEXT COLLATE "C",
    mode TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    due_at BIGINT NOT NULL,
    state_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    report_by BIGINT,
    job TEXT COLLATE "C",
    resend_possible BOOLEAN NOT NULL,
    attempt_count BIGINT NOT NULL,
    claimed_by TEXT COLLATE "C",
    lease_until BIGINT,
    code TEXT COLLATE "C",
    code_expires_at BIGINT,
    last_detail TEXT COLLATE "C",
    PRIMARY KEY (network_id, delivery_id),
    FOREIGN KEY (network_id, endpoint_id) REFERENCES endpoints,
    CHECK ((notice IS NULL) = (endpoint_id IS NOT NULL)),
    CHECK ((notice IS NULL) = (address IS NULL))
);
CREATE INDEX deliveries_due ON deliveries (network_id, due_at, delivery_id)
    WHERE state = 'held' AND claimed_by IS NULL;
CREATE INDEX deliveries_claimed ON deliveries (network_id, lease_until) WHERE claimed_by IS NOT NULL;
CREATE INDEX deliveries_handed_off ON deliveries (network_id, report_by) WHERE state = 'handed_off';
CREATE INDEX deliveries_by_state ON deliveries (network_id, state, delivery_id);
CREATE INDEX deliveries_by_job ON deliveries (network_id, job) WHERE job IS NOT NULL;
-- One open digest per endpoint and time, so that posts committed together still share one page.
CREATE UNIQUE INDEX deliveries_open_digest ON deliveries (network_id, endpoint_id, due_at)
    WHERE mode = 'digest' AND state = 'held' AND attempt_count = 0;

CREATE TABLE delivery_items (
    network_id TEXT COLLATE "C" NOT NULL,
    delivery_id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    post_id TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    dropped_at BIGINT,
    PRIMARY KEY (network_id, delivery_id, position),
    FOREIGN KEY (network_id, delivery_id) REFERENCES deliveries,
    FOREIGN KEY (network_id, post_id) REFERENCES posts
);
-- Nobody is paged twice: one post goes to one endpoint once.
CREATE UNIQUE INDEX delivery_items_once ON delivery_items (network_id, post_id, endpoint_id);

-- Written before sending: an attempt without an end is an attempt whose worker died.
CREATE TABLE delivery_attempts (
    network_id TEXT COLLATE "C" NOT NULL,
    delivery_id TEXT COLLATE "C" NOT NULL,
    attempt BIGINT NOT NULL,
    worker TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    outcome TEXT COLLATE "C",
    detail TEXT COLLATE "C",
    PRIMARY KEY (network_id, delivery_id, attempt),
    FOREIGN KEY (network_id, delivery_id) REFERENCES deliveries
);

CREATE TABLE reply_codes (
    network_id TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    delivery_id TEXT COLLATE "C" NOT NULL,
    post_id TEXT COLLATE "C",
    facility_id TEXT COLLATE "C" NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (network_id, code),
    FOREIGN KEY (network_id, delivery_id) REFERENCES deliveries
);

CREATE TABLE rules (
    network_id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    content_hash TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    loaded_at BIGINT NOT NULL,
    PRIMARY KEY (network_id, version)
);

CREATE TABLE triage_items (
    network_id TEXT COLLATE "C" NOT NULL,
    triage_id TEXT COLLATE "C" NOT NULL,
    intake_id TEXT COLLATE "C" NOT NULL,
    envelope_index BIGINT NOT NULL,
    reasons TEXT COLLATE "C" NOT NULL,
    candidates TEXT COLLATE "C" NOT NULL,
    quarantined BOOLEAN NOT NULL,
    opened_at BIGINT NOT NULL,
    outcome TEXT COLLATE "C",
    closed_at BIGINT,
    closed_by TEXT COLLATE "C",
    note TEXT COLLATE "C",
    PRIMARY KEY (network_id, triage_id),
    FOREIGN KEY (network_id, intake_id) REFERENCES intakes
);
CREATE INDEX triage_items_open ON triage_items (network_id, quarantined, triage_id) WHERE outcome IS NULL;
CREATE UNIQUE INDEX triage_items_once ON triage_items (network_id, intake_id, envelope_index);

CREATE TABLE audit_heads (
    network_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL
);

CREATE TABLE audit_entries (
    network_id TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    detail TEXT COLLATE "C" NOT NULL,
    prev_hash TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (network_id, seq)
);
CREATE FUNCTION audit_entries_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are never changed or deleted';
END;
$$;
CREATE TRIGGER audit_entries_stay BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_entries_refuse();
CREATE TRIGGER audit_entries_remain BEFORE TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_refuse();
