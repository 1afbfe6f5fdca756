"""Grants each process's PostgreSQL role what it needs. Run by the owner after `migrate`."""

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection, transaction
from psycopg import sql

from config import rights
from verification.core.errors import Misconfigured


class Command(BaseCommand):
    """Safe to repeat: earlier grants are revoked first."""

    help = (
        "Grant each role of TULGA_PROCESS_ROLES, or else the user of DATABASE_URL for all"
        " processes, its rights on the tables. PostgreSQL only."
    )

    def handle(self, **_: object) -> None:
        """Revokes all rights, then grants by table."""
        if connection.vendor != "postgresql":
            self.stdout.write("SQLite has no roles: nothing to grant")
            return
        roles = settings.TULGA_PROCESS_ROLES or {rights.SHARED: settings.TULGA_APPLICATION_ROLE}
        owner = connection.settings_dict["USER"]
        if not all(roles.values()) or owner in roles.values():
            raise Misconfigured(
                "the owner of MIGRATION_DATABASE_URL must be another role than those of the"
                " processes, in TULGA_PROCESS_ROLES or DATABASE_URL"
            )
        with transaction.atomic(), connection.cursor() as cursor:
            tables = connection.introspection.table_names(cursor)
            if strange := sorted(set(tables) - rights.RIGHTS.keys()):
                raise Misconfigured(f"config/rights.py does not say who may use {strange[0]}")
            for process, role in roles.items():
                to = sql.Identifier(role)
                # Sequences are granted as a whole: they hold no data.
                statements = [
                    "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}",
                    "GRANT USAGE ON SCHEMA public TO {}",
                    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
                ]
                for statement in statements:
                    cursor.execute(sql.SQL(statement).format(to).as_string(connection.connection))
                for table in tables:
                    if words := rights.cell(process, table):
                        # Names cannot be parameters of a statement: `Identifier` quotes them.
                        # The words are a table of ours.
                        spelled = sql.SQL("GRANT {} ON {} TO {}").format(
                            sql.SQL(words), sql.Identifier(table), to
                        )
                        cursor.execute(spelled.as_string(connection.connection))
                self.stdout.write(f"granted: {process} to {role}")
