"""The tables, and two kinds of triggers.

Those of the log refuse changes: the second line behind the role's grants. Those of verifications add each change to
the monthly counts, in the transaction of the change, for every writer and without another statement.
"""

import functools
from collections.abc import Sequence
from typing import Any, Final

import django.db.models.deletion
import django.db.models.fields.json
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.db.models.lookups
import verification.core.ids
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TABLES: Final = (
    "verification_auditentry",
    "verification_auditleaf",
    "verification_auditcheckpoint",
    "verification_receipt",
)
REFUSAL: Final = "what is on record is neither changed nor deleted"


def protect(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Puts the triggers up. Statements go one by one: SQLite's own splitting does not understand triggers."""
    for statement in protecting(schema_editor.connection.vendor):
        schema_editor.execute(statement)


def lift(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Takes the triggers down: for going back a migration, and for test databases that are emptied."""
    for statement in lifting(schema_editor.connection.vendor):
        schema_editor.execute(statement)


def drop_pattern_indexes(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Leaves out the second index that Django makes on PostgreSQL for each key that is a string, to be asked by LIKE.

    No query asks for part of an id or a hash, and a case would write some hundred entries into such indexes.
    """
    schema_editor.deferred_sql[:] = [one for one in schema_editor.deferred_sql if "_pattern_ops" not in str(one)]


def count(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Puts the triggers of the monthly counts up."""
    for statement in counting(schema_editor.connection.vendor):
        schema_editor.execute(statement)


def counting(vendor: str) -> Sequence[str]:
    """The statements that put up the triggers of the monthly counts; raises `ValueError` for another vendor."""
    began, left = _change("NEW", "+1", vendor), _change("OLD", "-1", vendor)
    moved = f"({_counted_as('OLD')}) IS DISTINCT FROM ({_counted_as('NEW')})"
    if vendor == "sqlite":
        moved = moved.replace("IS DISTINCT FROM", "<>")  # row values; none of these columns is ever NULL
        on = "ON verification_verification"
        return [
            f"CREATE TRIGGER verification_began AFTER INSERT {on} BEGIN {began}; END",
            f"CREATE TRIGGER verification_moved AFTER UPDATE OF status, route, code, last_failure {on} "
            f"WHEN {moved} BEGIN {left}; {began}; END",
        ]
    if vendor == "postgresql":
        return [
            "CREATE FUNCTION verification_began() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$BEGIN {began}; RETURN NULL; END$$",
            "CREATE FUNCTION verification_moved() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$BEGIN {left}; {began}; RETURN NULL; END$$",
            "CREATE TRIGGER verification_began AFTER INSERT ON verification_verification "
            "FOR EACH ROW EXECUTE FUNCTION verification_began()",
            "CREATE TRIGGER verification_moved AFTER UPDATE OF status, route, code, last_failure "
            "ON verification_verification "
            f"FOR EACH ROW WHEN ({moved}) EXECUTE FUNCTION verification_moved()",
        ]
    raise ValueError(f"no triggers are written for {vendor}")


def _counted_as(row: str) -> str:
    """A row's route, status, code and last failure as the counts have them: one status and no code while it is open.

    The last failure counts only where used-up tries are the reason: elsewhere the code says as much.
    """
    is_open = f"{row}.status IN ('requires_input', 'processing', 'in_review')"
    status, code = f"CASE WHEN {is_open} THEN 'open' ELSE {row}.status END", f"CASE WHEN {is_open} THEN '' ELSE {row}.code END"
    failure = f"CASE WHEN NOT {is_open} AND {row}.code = 'attempts_exhausted' THEN {row}.last_failure ELSE '' END"
    return f"{row}.route, {status}, {code}, {failure}"


def _change(row: str, number: str, vendor: str) -> str:
    # The month is that of Astana, UTC+5 since March 2024. SQLite rounds what is below a millisecond, so it is cut off.
    month = f"date_trunc('month', {row}.created_at AT TIME ZONE 'Asia/Almaty')::date"
    if vendor == "sqlite":
        month = f"date(substr({row}.created_at, 1, 19), '+5 hours', 'start of month')"
    return (
        "INSERT INTO verification_monthlychange (mode, month, route, status, code, last_failure, number) "
        f"VALUES ({row}.mode, {month}, {_counted_as(row)}, {number})"
    )


def protecting(vendor: str) -> Sequence[str]:
    """The statements that put the triggers up, for `sqlite` or `postgresql`; raises `ValueError` for another."""
    if vendor == "sqlite":
        return [_sqlite_trigger(table, verb) for table in TABLES for verb in ("UPDATE", "DELETE")]
    if vendor == "postgresql":
        return [_POSTGRESQL_FUNCTION, *(_postgresql_trigger(table) for table in TABLES)]
    raise ValueError(f"no triggers are written for {vendor}")


def lifting(vendor: str) -> Sequence[str]:
    """The statements that take the triggers down."""
    if vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {table}_no_{verb}" for table in TABLES for verb in ("update", "delete")]
    if vendor == "postgresql":
        dropped = [f"DROP TRIGGER IF EXISTS {table}_no_change ON {table}" for table in TABLES]
        return [*dropped, "DROP FUNCTION IF EXISTS verification_refuse_change()"]
    raise ValueError(f"no triggers are written for {vendor}")


def _sqlite_trigger(table: str, verb: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )


def _postgresql_trigger(table: str) -> str:
    # For each statement, so that TRUNCATE and a change of no rows are refused as well.
    return (
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION verification_refuse_change()"
    )


_POSTGRESQL_FUNCTION: Final = (
    "CREATE OR REPLACE FUNCTION verification_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$BEGIN RAISE EXCEPTION '{REFUSAL}'; END$$"
)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('lenders', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.CharField(default=functools.partial(verification.core.ids.new_id, 'evt'), editable=False, max_length=30, primary_key=True, serialize=False)),
                ('log', models.CharField(max_length=4)),
                ('type', models.CharField(max_length=40)),
                ('at', models.DateTimeField()),
                ('verification_sequence', models.PositiveIntegerField(null=True)),
                ('body', models.JSONField()),
                ('lender', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='lenders.lender')),
            ],
        ),
        migrations.CreateModel(
            name='AuditHead',
            fields=[
                ('log', models.CharField(max_length=4, primary_key=True, serialize=False)),
                ('size', models.PositiveBigIntegerField(default=0)),
                ('lease_until', models.DateTimeField(null=True)),
                ('fence', models.CharField(blank=True, max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name='Verification',
            fields=[
                ('id', models.CharField(default=functools.partial(verification.core.ids.new_id, 'ver'), editable=False, max_length=30, primary_key=True, serialize=False)),
                ('mode', models.CharField(max_length=4)),
                ('renews', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='renewals', to='verification.verification')),
                ('client_reference', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('in_review_since', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('redacted_at', models.DateTimeField(null=True)),
                ('redaction_requested_at', models.DateTimeField(null=True)),
                ('consent_withdrawn_at', models.DateTimeField(null=True)),
                ('kept_until', models.DateTimeField(null=True)),
                ('disputed_at', models.DateTimeField(null=True)),
                ('handed_over_at', models.DateTimeField(null=True)),
                ('obligation_opened_at', models.DateTimeField(null=True)),
                ('obligation_closed_at', models.DateTimeField(null=True)),
                ('frames_until', models.DateTimeField(null=True)),
                ('contract_signed_at', models.DateTimeField(null=True)),
                ('release_not_before', models.DateTimeField(null=True)),
                ('advanced_seconds', models.PositiveIntegerField(default=0)),
                ('status', models.CharField(max_length=16)),
                ('code', models.CharField(blank=True, max_length=64)),
                ('last_failure', models.CharField(blank=True, max_length=64)),
                ('locale', models.CharField(max_length=2)),
                ('profile_id', models.CharField(max_length=32)),
                ('profile_sha256', models.BinaryField()),
                ('combinations', models.JSONField()),
                ('combination', models.JSONField(default=list)),
                ('passed_routes', models.JSONField(default=list)),
                ('route', models.CharField(blank=True, max_length=32)),
                ('stage', models.CharField(blank=True, max_length=32)),
                ('turn', models.PositiveIntegerField(default=0)),
                ('sealed_case', models.BinaryField()),
                ('borrower_index', models.BinaryField(null=True)),
                ('borrower_index_version', models.PositiveSmallIntegerField(default=1)),
                ('step', models.CharField(blank=True, max_length=8)),
                ('queue', models.CharField(blank=True, max_length=16)),
                ('due_at', models.DateTimeField(null=True)),
                ('reserved_until', models.DateTimeField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('fence', models.CharField(blank=True, max_length=32)),
                ('faults', models.PositiveSmallIntegerField(default=0)),
                ('sequence', models.PositiveIntegerField(default=0)),
                ('lender', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='lenders.lender')),
            ],
        ),
        migrations.CreateModel(
            name='MonthlyChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(max_length=4)),
                ('month', models.DateField()),
                ('route', models.CharField(blank=True, max_length=32)),
                ('status', models.CharField(max_length=16)),
                ('code', models.CharField(blank=True, max_length=64)),
                ('last_failure', models.CharField(blank=True, max_length=64)),
                ('number', models.SmallIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Pulse',
            fields=[
                ('id', models.CharField(editable=False, max_length=30, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=8)),
                ('queues', models.CharField(blank=True, max_length=100)),
                ('seen_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='SubjectRequest',
            fields=[
                ('id', models.CharField(default=functools.partial(verification.core.ids.new_id, 'sub'), editable=False, max_length=30, primary_key=True, serialize=False)),
                ('is_in_person', models.BooleanField(default=False)),
                ('act', models.CharField(blank=True, max_length=30)),
                ('digest', models.BinaryField(unique=True)),
                ('sealed', models.BinaryField()),
                ('sealed_signature', models.BinaryField(null=True)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('entry', models.CharField(blank=True, max_length=30)),
                ('due_at', models.DateTimeField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('fence', models.CharField(blank=True, max_length=32)),
                ('faults', models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='subject_request_due')],
            },
        ),
        migrations.CreateModel(
            name='SharedEvidence',
            fields=[
                ('sha256', models.BinaryField(primary_key=True, serialize=False)),
                ('size', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.CharField(default=functools.partial(verification.core.ids.new_id, 'att'), editable=False, max_length=30, primary_key=True, serialize=False)),
                ('mode', models.CharField(max_length=4)),
                ('borrower_index', models.BinaryField(null=True)),
                ('route', models.CharField(max_length=32)),
                ('stage', models.CharField(max_length=32)),
                ('counted', models.BooleanField(default=False)),
                ('burnt', models.BooleanField(default=False)),
                ('status', models.CharField(max_length=8)),
                ('code', models.CharField(blank=True, max_length=64)),
                ('notice', models.CharField(blank=True, max_length=64)),
                ('turn', models.PositiveIntegerField()),
                ('answers', models.PositiveSmallIntegerField(default=0)),
                ('sealed_memory', models.BinaryField()),
                ('opened_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('lender', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='lenders.lender')),
                ('verification', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='verification.verification')),
            ],
        ),
        migrations.CreateModel(
            name='AuditCheckpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('log', models.CharField(max_length=4)),
                ('size', models.PositiveBigIntegerField()),
                ('note', models.TextField()),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('log', 'size'), name='one_checkpoint_per_size')],
            },
        ),
        migrations.CreateModel(
            name='AuditPending',
            fields=[
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='pending', serialize=False, to='verification.auditentry')),
                ('refused', models.BooleanField(default=False)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('refused', True)), fields=['entry'], name='refused_entry')],
            },
        ),
        migrations.CreateModel(
            name='AuditTile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('log', models.CharField(max_length=4)),
                ('level', models.PositiveSmallIntegerField()),
                ('index', models.PositiveBigIntegerField()),
                ('hashes', models.BinaryField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('log', 'level', 'index'), name='one_tile_per_place')],
            },
        ),
        migrations.CreateModel(
            name='DataKey',
            fields=[
                ('verification', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='key', serialize=False, to='verification.verification')),
                ('wrapped_key', models.BinaryField(null=True)),
                ('created_at', models.DateTimeField()),
                ('destroyed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Access',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=16)),
                ('digest', models.BinaryField(unique=True)),
                ('second_digest', models.BinaryField(null=True, unique=True)),
                ('turn', models.PositiveIntegerField(null=True)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(null=True)),
                ('spent_at', models.DateTimeField(null=True)),
                ('outcome', models.CharField(blank=True, max_length=64)),
                ('number', models.CharField(blank=True, max_length=4)),
                ('sealed', models.BinaryField(null=True)),
                ('parent', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='verification.access')),
                ('verification', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='access', to='verification.verification')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('kind', 'session'), ('spent_at', None)), fields=('verification',), name='one_live_session_per_verification'), models.CheckConstraint(condition=models.Q(models.Q(('expires_at__isnull', False), ('kind', 'link'), ('parent', None), ('turn', None)), models.Q(('expires_at', None), ('kind', 'session'), ('parent', None), ('turn', None)), models.Q(('expires_at__isnull', False), ('kind', 'hand_over'), ('parent__isnull', False), ('turn', None)), models.Q(('expires_at__isnull', False), ('kind', 'mobile_signing'), ('parent__isnull', False), ('turn__isnull', False)), _connector='OR'), name='access_fits_its_kind')],
            },
        ),
        migrations.AddField(
            model_name='auditentry',
            name='verification',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='verification.verification'),
        ),
        migrations.CreateModel(
            name='EvidenceItem',
            fields=[
                ('id', models.CharField(default=functools.partial(verification.core.ids.new_id, 'evd'), editable=False, max_length=30, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=64)),
                ('sealed_sha256', models.BinaryField()),
                ('offset', models.PositiveIntegerField(default=0)),
                ('sealed', models.BinaryField(null=True)),
                ('wrapped_key', models.BinaryField(null=True)),
                ('lent_key', models.BinaryField(null=True)),
                ('destroyed_at', models.DateTimeField(null=True)),
                ('commitment', models.BinaryField()),
                ('seen_index', models.BinaryField(null=True)),
                ('size', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField()),
                ('attempt', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='evidence', to='verification.attempt')),
                ('verification', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='evidence', to='verification.verification')),
            ],
        ),
        migrations.CreateModel(
            name='MonthlyCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(max_length=4)),
                ('month', models.DateField()),
                ('route', models.CharField(blank=True, max_length=32)),
                ('status', models.CharField(max_length=16)),
                ('code', models.CharField(blank=True, max_length=64)),
                ('last_failure', models.CharField(blank=True, max_length=64)),
                ('number', models.BigIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('mode', 'month', 'route', 'status', 'code', 'last_failure'), name='one_count_per_month')],
            },
        ),
        migrations.CreateModel(
            name='QuotaUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(max_length=32)),
                ('value_index', models.BinaryField()),
                ('day', models.DateField(db_index=True)),
                ('used', models.PositiveIntegerField(default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('purpose', 'value_index', 'day'), name='one_count_per_day')],
            },
        ),
        migrations.CreateModel(
            name='RateCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=64)),
                ('starts_at', models.DateTimeField()),
                ('number', models.PositiveIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('name', 'starts_at'), name='one_count_per_window')],
            },
        ),
        migrations.CreateModel(
            name='Receipt',
            fields=[
                ('verification', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='receipt', serialize=False, to='verification.verification')),
                ('jws', models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name='ReviewVote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('person', models.CharField(max_length=30)),
                ('passes', models.BooleanField()),
                ('created_at', models.DateTimeField()),
                ('attempt', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='votes', to='verification.attempt')),
            ],
        ),
        migrations.CreateModel(
            name='SharedEvidenceUse',
            fields=[
                ('pk', models.CompositePrimaryKey('attempt', 'kind', blank=True, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=64)),
                ('attempt', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='shared', to='verification.attempt')),
                ('evidence', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='verification.sharedevidence')),
            ],
        ),
        migrations.CreateModel(
            name='CaptureWord',
            fields=[
                ('pk', models.CompositePrimaryKey('attempt', 'word', blank=True, editable=False, primary_key=True, serialize=False)),
                ('word', models.BigIntegerField()),
                ('attempt', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='verification.attempt')),
            ],
            options={
                'indexes': [models.Index(fields=['word', 'attempt'], name='capture_word')],
            },
        ),
        migrations.CreateModel(
            name='AuditLeaf',
            fields=[
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='leaf', serialize=False, to='verification.auditentry')),
                ('log', models.CharField(max_length=4)),
                ('leaf_index', models.PositiveBigIntegerField()),
                ('told_to', models.CharField(blank=True, max_length=30)),
                ('lender_sequence', models.PositiveBigIntegerField(null=True)),
                ('leaf_hash', models.BinaryField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('log', 'leaf_index'), name='one_leaf_per_index'), models.UniqueConstraint(condition=models.Q(('lender_sequence__isnull', False)), fields=('log', 'told_to', 'lender_sequence'), name='one_leaf_per_lender_sequence')],
            },
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['queue', 'lender', 'due_at'], name='verification_due'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(condition=models.Q(('status', 'requires_input')), fields=['expires_at'], name='verification_expiry'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(condition=models.Q(('frames_until__isnull', False)), fields=['frames_until'], name='verification_frames'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(condition=models.Q(('kept_until__isnull', False)), fields=['kept_until'], name='verification_kept'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(condition=models.Q(('status', 'in_review')), fields=['lender', 'mode', 'in_review_since', 'id'], name='verification_in_review'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(condition=models.Q(('status', 'in_review')), fields=['in_review_since'], name='verification_overdue'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(fields=['lender', 'mode', 'client_reference', 'created_at', 'id'], name='verification_by_reference'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(fields=['lender', 'mode', 'created_at', 'id'], name='verification_of_lender'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(fields=['lender', 'mode', 'status', 'created_at', 'id'], name='of_lender_by_status'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(fields=['lender', 'mode', 'route', 'created_at', 'id'], name='of_lender_by_route'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(fields=['lender', 'mode', 'route', 'status', 'created_at', 'id'], name='of_lender_by_both'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(fields=['mode', 'created_at', 'id'], name='verification_by_mode'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(fields=['mode', 'status', 'created_at', 'id'], name='verification_by_status'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(fields=['mode', 'route', 'created_at', 'id'], name='verification_by_route'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(fields=['mode', 'route', 'status', 'created_at', 'id'], name='verification_by_both'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(fields=['borrower_index', 'mode', 'created_at', 'id'], name='verification_by_borrower'),
        ),
        migrations.AddConstraint(
            model_name='verification',
            constraint=models.UniqueConstraint(condition=models.Q(('renews', None), ('status__in', ['in_review', 'processing', 'requires_input'])), fields=('client_reference', 'lender', 'mode'), name='one_open_verification_per_reference'),
        ),
        migrations.AddConstraint(
            model_name='verification',
            constraint=models.UniqueConstraint(condition=models.Q(('renews__isnull', False), ('status__in', ['in_review', 'processing', 'requires_input'])), fields=('renews',), name='one_open_renewal'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(condition=models.Q(('type', 'log.heartbeat')), fields=['log', 'at'], name='heartbeat_by_time'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(condition=models.Q(('type__in', ('key.certified', 'key.revoked', 'law.taken'))), fields=['log', 'type'], name='entry_of_root'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(condition=models.Q(('type__in', ('contract.reported', 'clearance.requested', 'clearance.issued', 'clearance.refused', 'clearance.consumed', 'clearance.frozen'))), fields=['verification'], name='crediting_of_verification'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(models.F('log'), django.db.models.functions.comparison.Cast(django.db.models.fields.json.KeyTextTransform('actor', 'body'), models.TextField()), condition=models.Q(('type__in', ('actor.person', 'actor.lender', 'actor.key', 'actor.endpoint', 'actor.source', 'actor.process'))), name='statement_of_actor'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(models.F('log'), django.db.models.functions.comparison.Cast(django.db.models.fields.json.KeyTextTransform('verification', 'body'), models.TextField()), condition=models.Q(('type__in', ('document.read', 'document.lent', 'receipt.read', 'document.downloaded', 'review.viewed', 'subject.read', 'oversight.viewed', 'replay.read'))), name='look_at_case'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(condition=models.Q(('type', 'clearance.consumed')), fields=['lender', 'log', 'at', 'id'], name='payout_by_time'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(models.F('log'), django.db.models.functions.comparison.Cast(django.db.models.fields.json.KeyTextTransform('person', 'body'), models.TextField()), models.F('at'), models.F('id'), condition=models.Q(('type__in', ('oversight.searched', 'oversight.viewed', 'oversight.counted'))), name='reading_by_person'),
        ),
        migrations.AddConstraint(
            model_name='auditentry',
            constraint=models.UniqueConstraint(condition=models.Q(('type__in', ('verification.verified', 'verification.declined', 'verification.expired', 'verification.canceled', 'verification.failed'))), fields=('verification',), name='one_decision_per_verification'),
        ),
        migrations.AddConstraint(
            model_name='auditentry',
            constraint=models.UniqueConstraint(fields=('verification', 'verification_sequence'), name='one_entry_per_sequence'),
        ),
        migrations.AddConstraint(
            model_name='auditentry',
            constraint=models.CheckConstraint(condition=django.db.models.lookups.LessThanOrEqual(django.db.models.functions.text.Length(django.db.models.functions.comparison.Cast('body', models.TextField())), 65535), name='body_is_no_longer_than_a_leaf'),
        ),
        migrations.AddIndex(
            model_name='attempt',
            index=models.Index(condition=models.Q(('status', 'open')), fields=['expires_at'], name='attempt_expiry'),
        ),
        migrations.AddIndex(
            model_name='attempt',
            index=models.Index(condition=models.Q(('burnt', True)), fields=['borrower_index', 'lender', 'stage', 'closed_at'], name='attempt_burnt'),
        ),
        migrations.AddIndex(
            model_name='attempt',
            index=models.Index(fields=['borrower_index', 'opened_at'], name='attempt_of_borrower'),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.UniqueConstraint(condition=models.Q(('counted', True), ('status__in', ('open', 'judging'))), fields=('lender', 'mode', 'borrower_index', 'stage'), name='one_open_attempt_per_borrower'),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ('open', 'judging'))), fields=('verification',), name='one_open_attempt_per_verification'),
        ),
        migrations.AddConstraint(
            model_name='evidenceitem',
            constraint=models.UniqueConstraint(fields=('attempt', 'kind'), name='one_item_per_kind_and_attempt'),
        ),
        migrations.AddIndex(
            model_name='evidenceitem',
            index=models.Index(condition=models.Q(('seen_index__isnull', False)), fields=['seen_index'], name='evidence_seen'),
        ),
        migrations.AddIndex(
            model_name='evidenceitem',
            index=models.Index(condition=models.Q(('lent_key__isnull', False)), fields=['verification'], name='evidence_lent'),
        ),
        migrations.AddConstraint(
            model_name='reviewvote',
            constraint=models.UniqueConstraint(fields=('attempt', 'person'), name='one_vote_per_person'),
        ),
        migrations.CreateModel(
            name='Clearance',
            fields=[
                ('id', models.CharField(default=functools.partial(verification.core.ids.new_id, 'clr'), editable=False, max_length=30, primary_key=True, serialize=False)),
                ('mode', models.CharField(max_length=4)),
                ('status', models.CharField(default='processing', max_length=16)),
                ('code', models.CharField(blank=True, max_length=64)),
                ('profile_id', models.CharField(max_length=32)),
                ('contract_sha256', models.CharField(max_length=64)),
                ('cap_tiyn', models.BigIntegerField()),
                ('created_at', models.DateTimeField()),
                ('issued_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('fresh_until', models.DateTimeField(null=True)),
                ('iin_index', models.BinaryField(null=True)),
                ('account_index', models.BinaryField(null=True)),
                ('gates', models.JSONField(default=list)),
                ('consumed_at', models.DateTimeField(null=True)),
                ('amount_tiyn', models.BigIntegerField(null=True)),
                ('frozen_at', models.DateTimeField(null=True)),
                ('lender', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='lenders.lender')),
                ('verification', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='clearances', to='verification.verification')),
            ],
            options={
                'indexes': [models.Index(fields=['verification', 'created_at'], name='clearance_of_verification'), models.Index(fields=['lender', 'mode', 'contract_sha256'], name='clearance_of_contract'), models.Index(fields=['lender', 'mode', 'created_at', 'id'], name='clearance_of_lender'), models.Index(fields=['lender', 'mode', 'status', 'created_at', 'id'], name='clearance_by_status'), models.Index(condition=models.Q(('code__in', ['age_confirmation_required', 'in_person_required']), ('status', 'refused')), fields=['lender', 'mode', 'created_at'], name='clearance_to_attest')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ('issued', 'processing'))), fields=('verification',), name='one_open_clearance'), models.UniqueConstraint(condition=models.Q(('status', 'consumed')), fields=('verification',), name='one_consumed_clearance'), models.UniqueConstraint(condition=models.Q(('status', 'consumed')), fields=('lender', 'mode', 'contract_sha256'), name='one_payout_per_contract')],
            },
        ),
        migrations.RunPython(protect, lift),
        migrations.RunPython(count, migrations.RunPython.noop),
        migrations.RunPython(drop_pattern_indexes, migrations.RunPython.noop),
    ]
