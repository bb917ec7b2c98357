-- The schema of kakehashi, version 1, for SQLite. The same tables with the same number lie in
-- ../postgres. Every key begins with network_id, so no row can be found without naming its network
-- and the tables can be distributed by it. Times are UTC microseconds, JSON is text read in Rust.

CREATE TABLE networks (
    network_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    office_name TEXT NOT NULL,
    office_phone TEXT NOT NULL,
    office_hours TEXT NOT NULL,
    gateway_fax TEXT NOT NULL,
    mail_domain TEXT NOT NULL,
    public_url TEXT NOT NULL
) STRICT;

CREATE TABLE facility_types (
    network_id TEXT NOT NULL REFERENCES networks,
    code TEXT NOT NULL,
    ja TEXT NOT NULL,
    en TEXT NOT NULL,
    PRIMARY KEY (network_id, code)
) STRICT;

CREATE TABLE professions (
    network_id TEXT NOT NULL REFERENCES networks,
    code TEXT NOT NULL,
    ja TEXT NOT NULL,
    en TEXT NOT NULL,
    PRIMARY KEY (network_id, code)
) STRICT;

CREATE TABLE facilities (
    network_id TEXT NOT NULL REFERENCES networks,
    facility_id TEXT NOT NULL,
    name TEXT NOT NULL,
    short_name TEXT NOT NULL,
    facility_type TEXT NOT NULL,
    phone TEXT,
    business_hours TEXT NOT NULL,
    is_network_office INTEGER NOT NULL CHECK (is_network_office IN (0, 1)),
    PRIMARY KEY (network_id, facility_id)
) STRICT;

CREATE TABLE staff_members (
    network_id TEXT NOT NULL,
    staff_id TEXT NOT NULL,
    facility_id TEXT NOT NULL,
    name TEXT NOT NULL,
    left_at INTEGER,
    PRIMARY KEY (network_id, staff_id),
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
) STRICT;
CREATE INDEX staff_members_of_facility ON staff_members (network_id, facility_id);

CREATE TABLE staff_professions (
    network_id TEXT NOT NULL,
    staff_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    profession TEXT NOT NULL,
    PRIMARY KEY (network_id, staff_id, position),
    FOREIGN KEY (network_id, staff_id) REFERENCES staff_members
) STRICT;

CREATE TABLE endpoints (
    network_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    facility_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    state TEXT NOT NULL,
    settings TEXT NOT NULL,
    PRIMARY KEY (network_id, endpoint_id),
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
) STRICT;
CREATE INDEX endpoints_by_address ON endpoints (network_id, address, channel);
CREATE INDEX endpoints_of_facility ON endpoints (network_id, facility_id);

CREATE TABLE patients (
    network_id TEXT NOT NULL REFERENCES networks,
    patient_id TEXT NOT NULL,
    name TEXT NOT NULL,
    kana TEXT NOT NULL,
    birth_date TEXT,
    sex TEXT,
    summary TEXT,
    folded_name TEXT NOT NULL,
    folded_kana TEXT NOT NULL,
    PRIMARY KEY (network_id, patient_id)
) STRICT;
CREATE INDEX patients_by_birth_date ON patients (network_id, birth_date);
CREATE INDEX patients_by_name ON patients (network_id, folded_name);
CREATE INDEX patients_by_kana ON patients (network_id, folded_kana);

CREATE TABLE patient_identifiers (
    network_id TEXT NOT NULL,
    facility_id TEXT NOT NULL,
    identifier TEXT NOT NULL,
    patient_id TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (network_id, facility_id, identifier),
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities,
    FOREIGN KEY (network_id, patient_id) REFERENCES patients
) STRICT;
CREATE INDEX patient_identifiers_of_patient ON patient_identifiers (network_id, patient_id);

CREATE TABLE patient_groups (
    network_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    patient_id TEXT NOT NULL,
    alias TEXT NOT NULL,
    address TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (network_id, group_id),
    FOREIGN KEY (network_id, patient_id) REFERENCES patients
) STRICT;
CREATE UNIQUE INDEX patient_groups_by_address ON patient_groups (network_id, address);
CREATE INDEX patient_groups_by_alias ON patient_groups (network_id, alias);
CREATE INDEX patient_groups_of_patient ON patient_groups (network_id, patient_id);

CREATE TABLE memberships (
    network_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    facility_id TEXT NOT NULL,
    since INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (network_id, group_id, facility_id),
    FOREIGN KEY (network_id, group_id) REFERENCES patient_groups,
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
) STRICT;
CREATE INDEX memberships_of_facility ON memberships (network_id, facility_id);

CREATE TABLE consents (
    network_id TEXT NOT NULL,
    consent_id TEXT NOT NULL,
    patient_id TEXT NOT NULL,
    channels TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_until INTEGER,
    PRIMARY KEY (network_id, consent_id),
    FOREIGN KEY (network_id, patient_id) REFERENCES patients
) STRICT;
CREATE INDEX consents_of_patient ON consents (network_id, patient_id);

CREATE TABLE consent_facilities (
    network_id TEXT NOT NULL,
    consent_id TEXT NOT NULL,
    facility_id TEXT NOT NULL,
    PRIMARY KEY (network_id, consent_id, facility_id),
    FOREIGN KEY (network_id, consent_id) REFERENCES consents,
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
) STRICT;

CREATE TABLE login_users (
    network_id TEXT NOT NULL,
    login_user_id TEXT NOT NULL,
    login_name TEXT NOT NULL,
    facility_id TEXT NOT NULL,
    staff_id TEXT,
    display_name TEXT NOT NULL,
    role TEXT NOT NULL,
    locale TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    PRIMARY KEY (network_id, login_user_id),
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
) STRICT;
CREATE UNIQUE INDEX login_users_by_name ON login_users (network_id, login_name);

CREATE TABLE sessions (
    network_id TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    login_user_id TEXT NOT NULL,
    csrf_token TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (network_id, token_hash),
    FOREIGN KEY (network_id, login_user_id) REFERENCES login_users
) STRICT;
CREATE INDEX sessions_by_end ON sessions (network_id, expires_at);

CREATE TABLE read_marks (
    network_id TEXT NOT NULL,
    login_user_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    read_at INTEGER NOT NULL,
    PRIMARY KEY (network_id, login_user_id, group_id)
) STRICT;

-- raw holds messages of at most 64 KiB; larger ones lie in the blob that content_hash names.
CREATE TABLE intakes (
    network_id TEXT NOT NULL,
    intake_id TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    channel TEXT NOT NULL,
    format TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    sender_message_id TEXT,
    origin TEXT NOT NULL,
    raw BLOB,
    state TEXT NOT NULL,
    claimed_by TEXT,
    lease_until INTEGER,
    attempt_count INTEGER NOT NULL,
    retry_at INTEGER NOT NULL,
    settled_at INTEGER,
    envelopes TEXT,
    decided TEXT,
    PRIMARY KEY (network_id, intake_id)
) STRICT;
CREATE UNIQUE INDEX intakes_by_dedup_key ON intakes (network_id, dedup_key);
CREATE INDEX intakes_waiting ON intakes (network_id, intake_id) WHERE state = 'accepted';

CREATE TABLE intake_decisions (
    network_id TEXT NOT NULL,
    intake_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    rule TEXT,
    decided_at INTEGER NOT NULL,
    PRIMARY KEY (network_id, intake_id, position)
) STRICT;
CREATE INDEX intake_decisions_by_rule ON intake_decisions (network_id, decided_at, rule)
    WHERE rule IS NOT NULL;

CREATE TABLE posts (
    network_id TEXT NOT NULL,
    post_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    topic_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    corrects TEXT,
    version INTEGER NOT NULL,
    facility_id TEXT NOT NULL,
    staff_id TEXT,
    author_name TEXT,
    proxy TEXT,
    channel TEXT NOT NULL,
    urgency TEXT NOT NULL,
    expectation TEXT NOT NULL,
    due_at INTEGER,
    title TEXT,
    body TEXT NOT NULL,
    quoted TEXT,
    signature TEXT,
    document_kind TEXT,
    occurred_at INTEGER,
    received_at INTEGER NOT NULL,
    posted_at INTEGER NOT NULL,
    intake_id TEXT,
    event_key TEXT,
    decided_by TEXT NOT NULL,
    PRIMARY KEY (network_id, post_id),
    FOREIGN KEY (network_id, group_id) REFERENCES patient_groups,
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
) STRICT;
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
    network_id TEXT NOT NULL,
    post_id TEXT NOT NULL,
    facility_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    topic_id TEXT NOT NULL,
    expectation TEXT NOT NULL,
    answered_at INTEGER,
    answered_by TEXT,
    PRIMARY KEY (network_id, post_id, facility_id),
    FOREIGN KEY (network_id, post_id) REFERENCES posts
) STRICT;
CREATE INDEX post_addressees_open ON post_addressees (network_id, group_id, topic_id)
    WHERE answered_at IS NULL;
CREATE INDEX post_addressees_of_topic ON post_addressees (network_id, topic_id);

CREATE TABLE attachments (
    network_id TEXT NOT NULL,
    attachment_id TEXT NOT NULL,
    intake_id TEXT,
    post_id TEXT,
    position INTEGER NOT NULL,
    role TEXT NOT NULL,
    name TEXT,
    media_type TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    pages INTEGER,
    PRIMARY KEY (network_id, attachment_id)
) STRICT;
CREATE INDEX attachments_of_post ON attachments (network_id, post_id, position) WHERE post_id IS NOT NULL;
CREATE INDEX attachments_of_intake ON attachments (network_id, intake_id, position)
    WHERE intake_id IS NOT NULL;

-- person is the staff id, else the name as signed, else empty: one 了解 of each person of a facility.
CREATE TABLE acknowledgements (
    network_id TEXT NOT NULL,
    post_id TEXT NOT NULL,
    facility_id TEXT NOT NULL,
    person TEXT NOT NULL,
    staff_id TEXT,
    person_name TEXT,
    channel TEXT NOT NULL,
    acknowledged_at INTEGER NOT NULL,
    identity_level TEXT NOT NULL,
    intake_id TEXT,
    delivery_id TEXT,
    proxy TEXT,
    withdrawn_at INTEGER,
    PRIMARY KEY (network_id, post_id, facility_id, person),
    FOREIGN KEY (network_id, post_id) REFERENCES posts,
    FOREIGN KEY (network_id, facility_id) REFERENCES facilities
) STRICT;

CREATE TABLE deliveries (
    network_id TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    endpoint_id TEXT,
    facility_id TEXT,
    channel TEXT NOT NULL,
    notice TEXT,
    address TEXT,
    mode TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    state_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    report_by INTEGER,
    job TEXT,
    resend_possible INTEGER NOT NULL CHECK (resend_possible IN (0, 1)),
    attempt_count INTEGER NOT NULL,
    claimed_by TEXT,
    lease_until INTEGER,
    code TEXT,
    code_expires_at INTEGER,
    last_detail TEXT,
    PRIMARY KEY (network_id, delivery_id),
    FOREIGN KEY (network_id, endpoint_id) REFERENCES endpoints,
    CHECK ((notice IS NULL) = (endpoint_id IS NOT NULL)),
    CHECK ((notice IS NULL) = (address IS NULL))
) STRICT;
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
    network_id TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    endpoint_id TEXT NOT NULL,
    post_id TEXT NOT NULL,
    code TEXT NOT NULL,
    dropped_at INTEGER,
    PRIMARY KEY (network_id, delivery_id, position),
    FOREIGN KEY (network_id, delivery_id) REFERENCES deliveries,
    FOREIGN KEY (network_id, post_id) REFERENCES posts
) STRICT;
-- Nobody is paged twice: one post goes to one endpoint once.
CREATE UNIQUE INDEX delivery_items_once ON delivery_items (network_id, post_id, endpoint_id);

-- Written before sending: an attempt without an end is an attempt whose worker died.
CREATE TABLE delivery_attempts (
    network_id TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    worker TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT,
    detail TEXT,
    PRIMARY KEY (network_id, delivery_id, attempt),
    FOREIGN KEY (network_id, delivery_id) REFERENCES deliveries
) STRICT;

CREATE TABLE reply_codes (
    network_id TEXT NOT NULL,
    code TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    post_id TEXT,
    facility_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (network_id, code),
    FOREIGN KEY (network_id, delivery_id) REFERENCES deliveries
) STRICT;

CREATE TABLE rules (
    network_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    source TEXT NOT NULL,
    loaded_at INTEGER NOT NULL,
    PRIMARY KEY (network_id, version)
) STRICT;

CREATE TABLE triage_items (
    network_id TEXT NOT NULL,
    triage_id TEXT NOT NULL,
    intake_id TEXT NOT NULL,
    envelope_index INTEGER NOT NULL,
    reasons TEXT NOT NULL,
    candidates TEXT NOT NULL,
    quarantined INTEGER NOT NULL CHECK (quarantined IN (0, 1)),
    opened_at INTEGER NOT NULL,
    outcome TEXT,
    closed_at INTEGER,
    closed_by TEXT,
    note TEXT,
    PRIMARY KEY (network_id, triage_id),
    FOREIGN KEY (network_id, intake_id) REFERENCES intakes
) STRICT;
CREATE INDEX triage_items_open ON triage_items (network_id, quarantined, triage_id) WHERE outcome IS NULL;
CREATE UNIQUE INDEX triage_items_once ON triage_items (network_id, intake_id, envelope_index);

CREATE TABLE audit_heads (
    network_id TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;

CREATE TABLE audit_entries (
    network_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (network_id, seq)
) STRICT;
CREATE TRIGGER audit_entries_stay BEFORE UPDATE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'audit entries are never changed');
END;
CREATE TRIGGER audit_entries_remain BEFORE DELETE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'audit entries are never deleted');
END;
