-- By what the office finds a message of a hospital: control id, patient number, type, interface, fault.
CREATE TABLE hl7_index (
    network_id TEXT NOT NULL,
    term TEXT NOT NULL,
    intake_id TEXT NOT NULL,
    PRIMARY KEY (network_id, term, intake_id)
) STRICT, WITHOUT ROWID;
