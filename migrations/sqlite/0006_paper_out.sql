-- Paper that leaves. sheet: the SheetOrder of a delivery that carries no post. cover: NULL, the pages go as
-- they are; 'wanted', a 表紙 must go first; the key of that 表紙's delivery while its code is awaited;
-- 'returned', it came back. route and pages: which provider took the job last, and how many pages it was.
ALTER TABLE deliveries ADD COLUMN sheet TEXT;
ALTER TABLE deliveries ADD COLUMN cover TEXT;
ALTER TABLE deliveries ADD COLUMN route TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN pages INTEGER NOT NULL DEFAULT 0;
-- Ids of the people whose names were printed beside the boxes, in their order, as JSON.
ALTER TABLE deliveries ADD COLUMN printed_staff TEXT;
-- 「このまま返送＝了解」 was printed on it.
ALTER TABLE deliveries ADD COLUMN untouched_acknowledges INTEGER NOT NULL DEFAULT 0;
CREATE INDEX deliveries_covers ON deliveries (network_id, due_at) WHERE cover = 'wanted';
CREATE INDEX deliveries_of_fax ON deliveries (network_id, delivery_id) WHERE channel = 'fax';
CREATE INDEX deliveries_of_endpoint ON deliveries (network_id, endpoint_id, created_at);

ALTER TABLE paper_settings ADD COLUMN untouched_acknowledges INTEGER NOT NULL DEFAULT 0;
-- Most pages of one facility a day; what is urgent goes all the same.
ALTER TABLE paper_settings ADD COLUMN pages_a_day INTEGER NOT NULL DEFAULT 60;
-- What a page costs, in hundredths of a yen.
ALTER TABLE paper_settings ADD COLUMN page_cost INTEGER NOT NULL DEFAULT 0;

-- What became of an endpoint: kind is settings, number, verified, stale or suspended. A changed number is
-- made by one person and checked by another; a changed setting can be undone for a day.
CREATE TABLE endpoint_changes (
    network_id TEXT NOT NULL,
    change_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    checked_at INTEGER,
    checked_by TEXT,
    undone_at INTEGER,
    PRIMARY KEY (network_id, change_id),
    FOREIGN KEY (network_id, endpoint_id) REFERENCES endpoints
) STRICT;
CREATE INDEX endpoint_changes_of_endpoint ON endpoint_changes (network_id, endpoint_id, made_at);

-- Receipts of acts: each is printed on the next regular delivery to its endpoint, never on a page of its own.
CREATE TABLE endpoint_notes (
    network_id TEXT NOT NULL,
    note_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    words TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    delivery_id TEXT,
    PRIMARY KEY (network_id, note_id),
    FOREIGN KEY (network_id, endpoint_id) REFERENCES endpoints
) STRICT;
CREATE INDEX endpoint_notes_open ON endpoint_notes (network_id, endpoint_id, note_id);

-- Breakers of FAX providers, shared by all processes of a network.
CREATE TABLE fax_routes (
    network_id TEXT NOT NULL REFERENCES networks,
    route TEXT NOT NULL,
    faults INTEGER NOT NULL,
    last_fault_at INTEGER,
    open_until INTEGER,
    last_detail TEXT NOT NULL DEFAULT '',
    last_taken_at INTEGER,
    PRIMARY KEY (network_id, route)
) STRICT;
