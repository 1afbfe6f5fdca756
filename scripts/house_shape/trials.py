"""What another field of an opening, and another route of known stages, touch: tried on a copy of
the repository.

An edit adds text before a place that stands in its file once. Nothing is counted unless the scenes
of the trial and the tests of what is there already pass in the copy.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Edit:
    """`added` stands before `place` afterwards, in the file of this path."""

    path: str
    place: str
    added: str


NEW_FIELD = (
    Edit(
        "verification/core/opening.py",
        "    opened_by: Annotated[\n",
        '    branch: Annotated[str, impersonal(40, help="Your branch that opened this.")] = ""\n',
    ),
    Edit(
        "clients/python/tulga/resources.py",
        "    opened_by: str | None = None\n    metadata: Mapping[str, str] | None = None\n",
        "    branch: str | None = None\n",
    ),
    Edit("tests/clients/test_package.py", '    opened_by="x",\n', '    branch="x",\n'),
)
"""An optional field that a lender may send, and that is sealed with the case."""
NEW_ROUTE = (
    Edit(
        "verification/routes.py",
        "ROUTES = {",
        """SIGNED_CODE = Route(
    name="signed_code",
    title=_("EDS and a code"),
    label=_("Signature and code"),
    explanation=_("Your own key, then a code by SMS."),
    stages=(
        statement.STAGE,
        code.STAGE.differing(
            checks={name: each for name, each in code.STAGE.checks.items() if name != "code.owner"}
        ),
    ),
)
""",
    ),
    Edit("verification/routes.py", "EDS, BIOMETRIC, LIVE_FACE, RENEWAL)}", "SIGNED_CODE, "),
    Edit("config/settings.py", '"eds", "biometric", "live_face", "renewal"]', '"signed_code", '),
    Edit(
        "verification/core/profiles.py",
        '("eds",), ("biometric",), ("live_face",))',
        '("signed_code",), ',
    ),
    Edit(
        "verification/core/releases.py",
        '        Release("eds", ',
        '        Release("signed_code", '
        '(_CONSENT, _STATEMENT, _QUESTION, ("code", ("code.sent", "code.guess"), _CODE[2]))),\n',
    ),
)
"""EDS, then a code to their phone: for whoever signed is known, so that no register is asked whose
phone it is.
"""


def files_of(edits: Sequence[Edit]) -> list[str]:
    """The files these edits touch, tests left out."""
    return sorted({edit.path for edit in edits if not edit.path.startswith("tests/")})


def tried(root: Path, edits: Sequence[Edit], tests: Sequence[str]) -> list[str]:
    """The files of the edits, with which these tests pass. Raises `SystemExit` where one does not,
    or a place is gone.

    tests: what pytest is given, by paths in the repository.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.check_output(command, cwd=root)
        for name in names.decode().split("\0"):
            if name and (root / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / name, copy / name)
        (copy / "var").symlink_to(root / "var", target_is_directory=True)
        for edit in edits:
            text = (copy / edit.path).read_text(encoding="utf-8")
            if text.count(edit.place) != 1:
                raise SystemExit(
                    f"{edit.path} holds {text.count(edit.place)} times: {edit.place!r}"
                )
            (copy / edit.path).write_text(
                text.replace(edit.place, edit.added + edit.place), encoding="utf-8"
            )
        dropped = (
            "TULGA_TEST_",
            "PYTHONPYCACHEPREFIX",
        )  # which would keep what is compiled of each copy
        environment = {
            word: value for word, value in os.environ.items() if not word.startswith(dropped)
        }
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
        if subprocess.run(command, cwd=copy, env=environment, check=False).returncode:
            raise SystemExit(
                f"with {', '.join(files_of(edits))} alone these do not pass: {' '.join(tests)}"
            )
    return files_of(edits)
