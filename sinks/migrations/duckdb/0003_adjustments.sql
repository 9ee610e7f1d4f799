-- What people's word about false alarms changed, for whom, and within which bounds: an audit.
CREATE TABLE adjustments (
    grid VARCHAR NOT NULL,
    journal_offset BIGINT NOT NULL,
    journal_index BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    household VARCHAR NOT NULL,
    incident VARCHAR NOT NULL,
    body VARCHAR NOT NULL
);
