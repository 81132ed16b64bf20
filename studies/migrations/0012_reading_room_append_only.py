"""What is only ever added among the tables of the reading room, and a notice that may be mailed once."""

from django.db import migrations

from bonefrac.db import append_only

ONLY_SEEN_OR_MAILED = """
CREATE OR REPLACE FUNCTION bonefrac_refuse_but_seen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
        AND to_jsonb(OLD) - ARRAY['seen_at', 'mailed_at'] = to_jsonb(NEW) - ARRAY['seen_at', 'mailed_at']
        AND (OLD.seen_at IS NULL OR OLD.seen_at IS NOT DISTINCT FROM NEW.seen_at)
        AND (OLD.mailed_at IS NULL OR OLD.mailed_at IS NOT DISTINCT FROM NEW.mailed_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a notice stays as it is, but that it is seen and mailed once: % refused', TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'studies_notice_only_seen';
END $$
"""

ONLY_SEEN = """
CREATE OR REPLACE FUNCTION bonefrac_refuse_but_seen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.seen_at IS NULL AND to_jsonb(OLD) - 'seen_at' = to_jsonb(NEW) - 'seen_at' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a notice stays as it is, but that it is seen once: % refused', TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'studies_notice_only_seen';
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("studies", "0011_reading_room")]

    operations = [
        append_only("studies_unlocatedfinding"),
        append_only("studies_communication"),
        append_only("studies_skip"),
        migrations.RunSQL(ONLY_SEEN_OR_MAILED, ONLY_SEEN),
    ]
