-- Paper that leaves. sheet: the SheetOrder of a delivery that carries no post. cover: NULL, the pages go as
-- they are; 'wanted', a 表紙 must go first; the key of that 表紙's delivery while its code is awaited;
-- 'returned', it came back. route and pages: which provider took the job last, and how many pages it was.
ALTER TABLE deliveries ADD COLUMN sheet TEXT COLLATE "C";
ALTER TABLE deliveries ADD COLUMN cover TEXT COLLATE "C";
ALTER TABLE deliveries ADD COLUMN route TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN pages BIGINT NOT NULL DEFAULT 0;
-- Ids of the people whose names were printed beside the boxes, in their order, as JSON.
ALTER TABLE deliveries ADD COLUMN printed_staff TEXT COLLATE "C";
-- 「このまま返送＝了解」 was printed on it.
ALTER TABLE deliveries ADD COLUMN untouched_acknowledges BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX deliveries_covers ON deliveries (network_id, due_at) WHERE cover = 'wanted';
CREATE INDEX deliveries_of_fax ON deliveries (network_id, delivery_id) WHERE channel = 'fax';
CREATE INDEX deliveries_of_endpoint ON deliveries (network_id, endpoint_id, created_at);

ALTER TABLE paper_settings ADD COLUMN untouched_acknowledges BOOLEAN NOT NULL DEFAULT FALSE;
-- Most pages of one facility a day; what is urgent goes all the same.
ALTER TABLE paper_settings ADD COLUMN pages_a_day BIGINT NOT NULL DEFAULT 60;
-- What a page costs, in hundredths of a yen.
ALTER TABLE paper_settings ADD COLUMN page_cost BIGINT NOT NULL DEFAULT 0;

-- What became of an endpoint: kind is settings, number, verified, stale or suspended. A changed number is
-- made by one person and checked by another; a changed setting can be undone for a day.
CREATE TABLE endpoint_changes (
    network_id TEXT COLLATE "C" NOT NULL,
    change_id TEXT COLLATE "C" NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    before TEXT COLLATE "C" NOT NULL,
    after TEXT COLLATE "C" NOT NULL,
    made_at BIGINT NOT NULL,
    made_by TEXT COLLATE "C" NOT NULL,
    checked_at BIGINT,
    checked_by TEXT COLLATE "C",
    undone_at BIGINT,
    PRIMARY KEY (network_id, change_id),
    FOREIGN KEY (network_id, endpoint_id) REFERENCES endpoints
);
CREATE INDEX endpoint_changes_of_endpoint ON endpoint_changes (network_id, endpoint_id, made_at);

-- Receipts of acts: each is printed on the next regular delivery to its endpoint, never on a page of its own.
CREATE TABLE endpoint_notes (
    network_id TEXT COLLATE "C" NOT NULL,
    note_id TEXT COLLATE "C" NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    words TEXT COLLATE "C" NOT NULL,
    made_at BIGINT NOT NULL,
    delivery_id TEXT COLLATE "C",
    PRIMARY KEY (network_id, note_id),
    FOREIGN KEY (network_id, endpoint_id) REFERENCES endpoints
);
CREATE INDEX endpoint_notes_open ON endpoint_notes (network_id, endpoint_id, note_id);

-- Breakers of FAX providers, shared by all processes of a network.
CREATE TABLE fax_routes (
    network_id TEXT COLLATE "C" NOT NULL REFERENCES networks,
    route TEXT COLLATE "C" NOT NULL,
    faults BIGINT NOT NULL,
    last_fault_at BIGINT,
    open_until BIGINT,
    last_detail TEXT COLLATE "C" NOT NULL DEFAULT '',
    last_taken_at BIGINT,
    PRIMARY KEY (network_id, route)
);
