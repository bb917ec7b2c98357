-- A picture that the office has turned upright; turned_from: the picture as it was read, by which the
-- Envelope still knows it.
ALTER TABLE attachments ADD COLUMN turned_from TEXT;

-- Results of FAX jobs that came before the job itself was stored: a provider can answer faster than we write.
-- Kept for a day. route: the provider that told it over HTTP, empty where the mail does not say.
CREATE TABLE early_reports (
    network_id TEXT NOT NULL REFERENCES networks,
    job TEXT NOT NULL,
    route TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (network_id, job, route)
);
CREATE INDEX early_reports_by_time ON early_reports (network_id, received_at);
