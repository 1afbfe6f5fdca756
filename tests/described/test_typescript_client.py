"""A TypeScript client that others' generator writes from openapi-operations.json: it compiles.

It needs `openapi-generator-cli` (PyPI, with Java) and `tsc` on PATH. Nothing that is generated is
kept.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from lenders import openapi

pytestmark = pytest.mark.long

TOOLS = ("java", "openapi-generator-cli", "tsc")
COMPILER = {
    "strict": True,
    "noEmit": True,
    "target": "es2020",
    "module": "commonjs",
    "lib": ["es2020", "dom"],
}
# A lender's use of it: the compiler must find these names and types.
USE = """
import { ClearancesApi, Configuration, EventsApi, VerificationsApi } from './index';

const configuration = new Configuration({ basePath: 'https://tulga.example', accessToken: 'key' });

export async function paid(verificationId: string, contractSha256: string): Promise<string> {
  const verifications = new VerificationsApi(configuration);
  const verification = await verifications.getVerification({ verificationId });
  const events = await new EventsApi(configuration).listEvents({ after: 0 });
  const clearances = new ClearancesApi(configuration);
  const asked = await clearances.askForClearance({
    verificationId, idempotencyKey: 'clear', clearanceRequest: { contractSha256 },
  });
  return `${verification.status} ${events.data.length} ${asked.status}`;
}
"""


def _faults(place: Path, document: dict[str, object]) -> str:
    """What the compiler says of the client of a document."""
    place.mkdir()
    (place / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    made = subprocess.run(
        ["openapi-generator-cli", "generate", "-g", "typescript-fetch", "-i", "openapi.json"],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]
    (place / "use.ts").write_text(USE, encoding="utf-8")
    terms = {"compilerOptions": COMPILER, "include": ["**/*.ts"]}
    (place / "tsconfig.json").write_text(json.dumps(terms), encoding="utf-8")
    compiled = subprocess.run(
        ["tsc", "-p", "."], cwd=place, capture_output=True, text=True, check=False
    )
    assert (compiled.returncode == 0) == (compiled.stdout == "")
    return compiled.stdout


def test_a_typescript_client_of_the_operations_compiles(tmp_path: Path) -> None:
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        pytest.skip(f"not on PATH: {', '.join(absent)}")
    assert _faults(tmp_path / "operations", openapi.operations()) == ""
    # If this fails, the generator has learned to read webhooks: then one document suffices.
    assert "DefaultApi.ts" in _faults(tmp_path / "whole", openapi.document())
