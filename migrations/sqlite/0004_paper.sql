-- Paper: how far a network trusts the reading of its sheets. pilot_sheets: so many sheets in a row must be
-- read as a person reads them before a sheet acts alone (試行).
CREATE TABLE paper_settings (
    network_id TEXT NOT NULL PRIMARY KEY REFERENCES networks,
    pilot_sheets INTEGER NOT NULL
) STRICT;

-- What machine and person read on one sheet. agrees: yes, the machine would have acted rightly; no,
-- falsely; empty, it would not have acted.
CREATE TABLE sheet_checks (
    network_id TEXT NOT NULL,
    intake_id TEXT NOT NULL,
    envelope_index INTEGER NOT NULL,
    marks TEXT NOT NULL,
    said TEXT NOT NULL,
    decided TEXT NOT NULL,
    agrees TEXT NOT NULL,
    checked_at INTEGER NOT NULL,
    checked_by TEXT NOT NULL,
    PRIMARY KEY (network_id, intake_id, envelope_index),
    FOREIGN KEY (network_id, intake_id) REFERENCES intakes
) STRICT;
CREATE INDEX sheet_checks_agrees ON sheet_checks (network_id, agrees, checked_at);
