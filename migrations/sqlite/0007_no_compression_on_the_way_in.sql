-- SQLite does not compress rows. The number exists because both databases count alike.
SELECT 1;
