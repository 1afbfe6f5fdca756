"""A folder with a signature and everything that `manage.py verify_eds` may be given about it."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

from django.core.management import call_command
from django.core.management.base import CommandError

from insecure_sandbox.signing import sign_cms
from insecure_sandbox.xml_signing import sign_xml
from tests.verification.stories.conftest import crl_of
from verification.engines.pki.xmldsig import statement_document

TEXT = b"I owe 150000 tenge"


class Files:
    """A folder with a signature, its statement, the authorities and their list; each may be
    replaced.
    """

    def __init__(self, folder, authority):
        self.folder, self.authority = folder, authority
        (folder / "trust").mkdir()
        self.put("trust/root.cer", authority.root.certificate)
        self.put("trust/issuing.crt", authority.issuing.certificate)
        self.put("statement", TEXT)
        self.put("list", crl_of(authority))

    def put(self, name, content):
        (self.folder / name).write_bytes(content)

    def sign(self, credential, text=TEXT, **more):
        signature = sign_cms(credential, text, signed_at=datetime.now(UTC), **more)
        self.put("statement", text)
        self.put("signature", signature)
        return signature

    def sign_as_xml(self, credential, text=TEXT):
        signature = sign_xml(credential, statement_document(text))
        self.put("signature", signature)
        return signature

    def run(self, *arguments, trust=None, lists=("list",)):
        """Exit code and report; the report is None where there is none."""
        out = StringIO()
        named = [word for name in lists for word in ("--crl", str(self.folder / name))]
        given = [
            str(self.folder / "signature"),
            "--statement",
            str(self.folder / "statement"),
            *named,
        ]
        try:
            call_command(
                "verify_eds",
                *given,
                "--trust",
                trust or str(self.folder / "trust"),
                *arguments,
                stdout=out,
            )
        except CommandError as error:
            return error.returncode, json.loads(out.getvalue() or "null")
        return 0, json.loads(out.getvalue())


def said(report):
    return report["status"], report["sub_indication"], report["code"]


def row(report, check):
    return next(one for one in report["checks"] if one["name"] == check)


def days_ago(days):
    return datetime.now(UTC) - timedelta(days=days)
