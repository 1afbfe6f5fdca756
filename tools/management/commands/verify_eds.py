"""`manage.py verify_eds`: the checks of `statement` on files, and its report as JSON. Never uses
the network.
"""

import json
from argparse import ArgumentTypeError
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from tools import eds_files, judging
from tools.judging import JudgingCommand, read_by
from verification import clock
from verification.core.errors import TulgaError
from verification.core.ids import Iin
from verification.stages.statement.checks import CHECKS, report_statement
from verification.stages.statement.measure import measure_statement
from verification.stages.statement.policy import POLICY, StatementPolicy

EXIT = {"TOTAL-PASSED": 0, "TOTAL-FAILED": 1, "INDETERMINATE": 2}
UNREADABLE = 3
IDENTITY, REVOCATION, FRESH = "eds.identity", "eds.revocation", "eds.statement"
# A legal entity's signing policy before 2022.
_LEGAL_POLICY = "1.2.398.3.3.2.1"
_YEARS = range(1950, 2100)  # years that certificates spell with two digits, and some more


class Command(JudgingCommand):
    """Exits with 0 for TOTAL-PASSED, 1 for TOTAL-FAILED, 2 for INDETERMINATE, 3 for unreadable
    input.
    """

    help = (
        "Verify a signature over a statement from files, offline, and print the report (EN 319"
        " 102-1) as JSON. Exit 0 TOTAL-PASSED, 1 TOTAL-FAILED, 2 INDETERMINATE, 3 malformed input"
        " or usage."
    )
    # It judges files, on a machine that may have no database and no deployment.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The command line."""
        parser.add_argument(
            "signature", type=Path, help="signed XML, or a CMS as DER, PEM or base64"
        )
        parser.add_argument(
            "--statement", type=Path, required=True, help="the bytes that must have been signed"
        )
        parser.add_argument(
            "--iin",
            type=read_by(Iin.parse),
            help="the signer's IIN; step 7 is left out without it",
        )
        parser.add_argument(
            "--at",
            type=_time,
            metavar="ISO8601",
            help=("time of judgement, UTC by default; now if left out"),
        )
        parser.add_argument(
            "--trust",
            default="live",
            metavar="live|test|DIR",
            help="installed certificates, or yours",
        )
        for name, description in (
            ("--ocsp", "an answer of the responder"),
            ("--crl", "a list, or a list of changes"),
        ):
            parser.add_argument(
                name,
                type=Path,
                action="extend",
                nargs="+",
                default=[],
                metavar="FILE",
                help=description,
            )
        parser.add_argument(
            "--allow-stale-revocation",
            action="store_true",
            help=(
                "judge answers and lists as of their own day; without any, step 8 is reported and"
                " does not decide"
            ),
        )
        parser.add_argument(
            "--allow-test-roles", action="store_true", help="organisations and systems may sign too"
        )
        parser.add_argument(
            "--allow-expired-anchors",
            action="store_true",
            help="an anchor's own dates do not matter",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the report, and raises `CommandError` with a non-zero exit code."""
        policy, notes = _policy(options)
        try:
            statement = eds_files.read_statement(options["statement"])
            if not eds_files.is_ours(statement):
                notes.append("no statement of ours: its words were not compared")
            trusted = eds_files.read_trust(options["trust"])
            evidence = eds_files.evidence(
                # Text may be twice as long as its content; one byte more, and the checks call it
                # too large.
                signature=eds_files.read(
                    options["signature"], max_bytes=2 * policy.signature_max_bytes
                ),
                statement=statement,
                trust=trusted,
                ocsp=options["ocsp"],
                crls=options["crl"],
                at=options["at"] or clock.now(),
                policy=policy,
            )
            case = judging.empty_case(options["iin"])
            facts = measure_statement(case, evidence, policy)
            if options["allow_stale_revocation"] and REVOCATION not in policy.not_asked:
                # An old revocation is judged as of its own day.
                of_old = replace(evidence, at=eds_files.youngest(evidence, policy=policy))
                facts = replace(
                    facts, revocation=measure_statement(case, of_old, policy).revocation
                )
                notes.append(
                    f"step 8 was judged as of {of_old.at.isoformat()}: --allow-stale-revocation"
                )
            results = tuple(
                check(facts, policy)
                for name, check in CHECKS.items()
                if name not in policy.not_asked
            )
            report: dict[str, Any] = json.loads(report_statement(facts, policy, results))
        except TulgaError as error:
            raise CommandError(
                f"cannot verify: {error.detail or error.code}", returncode=UNREADABLE
            ) from None
        report |= {"trust": options["trust"], "notes": [*trusted.notes, *notes]}
        # In ASCII: names of files may contain undisplayable characters.
        self.stdout.write(json.dumps(report, indent=2))
        is_unreadable = report["checks"][0]["code"] in ("eds_malformed", "eds_too_large")
        if code := UNREADABLE if is_unreadable else EXIT[report["status"]]:
            raise CommandError(
                f"{report['status']} {report['sub_indication']}: {report['code']}", returncode=code
            )


def _policy(options: dict[str, Any]) -> tuple[StatementPolicy, list[str]]:
    """The route's policy with the flags' changes, and a sentence for each step that is left out."""
    left_out = {
        FRESH: (
            "step 10 is not asked: only a verification knows what it had asked and what it was"
            " shown before"
        )
    }
    if options["iin"] is None:
        left_out[IDENTITY] = "step 7 is not asked: no --iin was given"
    if options["allow_stale_revocation"] and not options["ocsp"] + options["crl"]:
        left_out[REVOCATION] = (
            "step 8 is not asked: no revocation file was given, and --allow-stale-revocation was"
        )
    policy = replace(POLICY, not_asked=tuple(name for name in CHECKS if name in left_out))
    if options["allow_test_roles"]:
        accepted = (*policy.certificate_policies, _LEGAL_POLICY)
        policy = replace(policy, accepts_any_role=True, certificate_policies=accepted)
    if options["allow_stale_revocation"]:
        policy = replace(policy, accepts_unknown_timestamp_revocation=True)
    if options["allow_expired_anchors"]:
        policy = replace(policy, accepts_expired_anchors=True)
    flags = [
        name
        for name in ("stale_revocation", "test_roles", "expired_anchors")
        if options[f"allow_{name}"]
    ]
    version = "+".join([policy.version, *(f"allow-{name.replace('_', '-')}" for name in flags)])
    return replace(policy, version=version), [left_out[name] for name in policy.not_asked]


def _time(untrusted: str) -> datetime:
    try:
        moment = datetime.fromisoformat(untrusted)
    except ValueError:
        raise ArgumentTypeError("a time is spelled like 2026-11-24T12:00:00Z") from None
    if moment.year not in _YEARS:
        raise ArgumentTypeError(f"a time is between {_YEARS[0]} and {_YEARS[-1]}")
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
