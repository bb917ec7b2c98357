-- A delivery item is a post, or the 了解 of a facility to it on its way to the post's author: then receipt_of
-- names that facility and the time of its 了解, so that each is told once.
ALTER TABLE delivery_items ADD COLUMN receipt_of TEXT NOT NULL DEFAULT '';
DROP INDEX delivery_items_once;
CREATE UNIQUE INDEX delivery_items_once ON delivery_items (network_id, post_id, endpoint_id, receipt_of);
-- An interface is served in order, one message in flight: whoever claims looks for what stands before.
CREATE INDEX deliveries_queue ON deliveries (network_id, endpoint_id, delivery_id)
    WHERE state = 'held' AND channel = 'hl7';
