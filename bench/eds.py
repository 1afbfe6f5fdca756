"""The speed of verifying a signature of the national authority, compared with named peers, in one
run on one machine.

`make bench PART=eds`.
The Python peers use their own environment below var/bench/, hash-pinned; Java and Debian's
libbcprov-java are used if present.
Times are medians of several repeats after a warm-up, in the measuring thread's processor time, so
that a busy machine treats all alike.
Our tiers take turns within each repeat. Checks per second use the wall clock.
`ratio N.Nx`: the peer's time over ours.
"""

import json
import os
import platform
import secrets
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from played import ROOT

from insecure_sandbox.keys import generate_key, require_rsa, sign
from insecure_sandbox.signing import sign_cms
from tests.verification.engines.pki.world import AT, LIMIT, STATEMENT, World, make_world
from verification.engines.gost import backends, gost3410, streebog
from verification.engines.gost.backends import Backends
from verification.engines.pki import keys
from verification.engines.pki.certificate import parse_certificate, parse_known
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.path import build_path, verify_known
from verification.engines.pki.signatures import check_usage, subject_iin

_FOLDER = ROOT / "var" / "bench" / "eds"
_PEERS = ROOT / "bench" / "peers"
_JARS = (Path("/usr/share/java/bcprov.jar"), Path("/usr/share/java/bcprov-jdk18on.jar"))
_CURVE = "id-tc26-gost-3410-12-512-paramSetA"
_MESSAGE = 873  # bytes, a certificate's signed part
_POLICIES = frozenset({"1.2.398.3.3.2", "1.2.398.3.3.2.3"})
_REPEATS = 9
_SECONDS = 4.0  # of counting verifications

Call = Callable[[], object]


def tiers() -> dict[str, Backends]:
    """Every combination that this machine can run, the fastest first."""
    fast, python, library = backends.load_gmpy2(), backends.load_python(), backends.load_libgcrypt()
    tiers_by_name = {}
    if fast and library:
        tiers_by_name["gmpy2 + libgcrypt"] = backends.choose([fast], {"libgcrypt": library})
    if fast:
        tiers_by_name["gmpy2 + Python"] = backends.choose([fast], {"python": streebog.streebog512})
    tiers_by_name["Python alone"] = backends.choose([python], {"python": streebog.streebog512})
    return tiers_by_name


def use(tier: Backends) -> None:
    """Makes the engine use this tier from now on; in a bench only."""
    backends.in_use = lambda: tier  # type: ignore[assignment]


def in_turns(
    calls: Mapping[str, Call], *, seconds: float = 0.15, repeats: int = _REPEATS
) -> dict[str, float]:
    """Median milliseconds of each call; in every repeat each takes a turn of about so many
    seconds.
    """
    counts = {}
    for name, call in calls.items():
        for _ in range(20):
            call()
        start = time.thread_time()
        call()
        counts[name] = max(1, round(seconds / (time.thread_time() - start)))
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.thread_time()
            for _ in range(counts[name]):
                call()
            times[name].append((time.thread_time() - start) * 1000 / counts[name])
    return {name: statistics.median(rounds) for name, rounds in times.items()}


def say(subject: str, ms: float) -> None:
    """One measured line."""
    print(f"  {subject:<58} {ms:9.3f} ms")


def ratio(subject: str, ours: float, peer: float, *, aim: str = "") -> None:
    """One line of comparison: the peer's time over ours."""
    print(f"  ratio {peer / ours:.1f}x  {subject}{f'  (aim {aim})' if aim else ''}")


def verify_once(
    tier: Backends, *, message: bytes, key: bytes | gost3410.PublicKey, signature: bytes
) -> None:
    """Hash and verification. A key in bytes is parsed again, as a borrower's is; an object is a
    cached issuer's.
    """
    use(tier)
    public = key if isinstance(key, gost3410.PublicKey) else gost3410.PublicKey.parse(key)
    keys.verify(public, message, signature=signature, often=isinstance(key, gost3410.PublicKey))


def check_cms(tier: Backends, *, encoded: bytes, issuer: bytes, root: bytes) -> None:
    """The whole way from bytes to the borrower's number, without revocation; the pinned
    certificates are cached.
    """
    use(tier)
    signed = parse_cms(encoded, max_bytes=LIMIT)
    signed.check_content(statement=STATEMENT)
    signed.check_signature()
    anchors, intermediates = [parse_known(root)], [parse_known(issuer)]
    build_path(signed.signer, anchors=anchors, intermediates=intermediates, at=AT)
    check_usage(signed.signer, accepted_policies=_POLICIES)
    subject_iin(signed.signer)


def check_path(*, chain: list[bytes]) -> None:
    """From bytes to a validated path."""
    leaf, issuer, root = (parse_certificate(encoded) for encoded in chain)
    verify_known.cache_clear()  # the peer has no cache of signatures either
    build_path(leaf, anchors=[root], intermediates=[issuer], at=AT)


def compare_signatures(tiers: Mapping[str, Backends]) -> dict[str, Any]:
    """GOST-512 hash and verification by tier, and RSA-2048 for scale. Returns the input for the
    peers.
    """
    private = generate_key("gost512")
    message = secrets.token_bytes(_MESSAGE)
    point = backends.multiply_base(private) if isinstance(private, int) else None
    if point is None:
        raise SystemExit("no private key of GOST-512")
    signature = sign(private, message)
    encoded = b"".join(number.to_bytes(64, "little") for number in point)
    rsa = require_rsa(generate_key("rsa"))
    rsa_key = keys.RsaKey(rsa.public_key().public_numbers().n, 65537)
    inputs = {"message": message, "signature": signature}
    calls = {}
    for name, tier in tiers.items():
        calls[f"any key, {name}"] = partial(verify_once, tier, key=encoded, **inputs)
        calls[f"issuer's key, {name}"] = partial(
            verify_once, tier, key=gost3410.PublicKey(*point), **inputs
        )
    calls["RSA-2048, cryptography"] = partial(rsa_key.verify, message, signature=sign(rsa, message))
    print(f"GOST-512: hash and verification of {_MESSAGE} B")
    times = in_turns(calls)
    for name, ms in times.items():
        say(name, ms)
    peer = {name: value.hex() for name, value in inputs.items()} | {
        "key": encoded.hex(),
        "curve": _CURVE,
    }
    return {"times": times, "peer": peer}


def compare_peers(
    times: Mapping[str, float], tiers: Mapping[str, Backends], python: Path, file: Path
) -> None:
    """The same message, key and signature by gostcrypto and BouncyCastle."""
    first = next(iter(tiers))
    gostcrypto = run_json([str(python), str(_PEERS / "eds_peers.py"), "gostcrypto", str(file)])[
        "any"
    ]
    say("gostcrypto", gostcrypto)
    for name in tiers:
        aim = "25x" if name == "Python alone" else "150x"
        ratio(f"{name} than gostcrypto, any key", times[f"any key, {name}"], gostcrypto, aim=aim)
    jar = next((path for path in _JARS if path.exists()), None)
    if jar is None or not shutil.which("java"):
        print("  BouncyCastle: NOT MEASURED, for java or Debian's libbcprov-java is missing")
    else:
        castle = run_json(
            [
                "java",
                "-cp",
                str(jar),
                str(_PEERS / "GostVerify.java"),
                str(file.with_suffix(".txt")),
            ]
        )
        say(f"{castle['version']}: a key that is kept", castle["cached"])
        say(f"{castle['version']}: a new key each time", castle["any"])
        for ours, theirs, aim in (
            ("issuer's key", "cached", "0.35"),
            ("any key", "cached", "1.5"),
            ("any key", "any", ""),
        ):
            mine = times[f"{ours}, {first}"]
            share = f"we take {mine / castle[theirs]:.2f} of the time"
            kind = "kept key" if theirs == "cached" else "new key"
            ratio(
                f"{first}, {ours}, than BouncyCastle, {kind}: {share}",
                mine,
                castle[theirs],
                aim=aim and f"≤ {aim}",
            )
    ratio(
        f"RSA-2048 than {first}, any key",
        times["RSA-2048, cryptography"],
        times[f"any key, {first}"],
    )


def compare_cms(tiers: Mapping[str, Backends], world: World) -> Call:
    """The whole check by tier. Returns the fastest tier's check."""
    encoded = sign_cms(world.person, STATEMENT, signed_at=AT)
    inputs = {"encoded": encoded, "issuer": world.issuer.der, "root": world.root.der}
    calls = {name: partial(check_cms, tier, **inputs) for name, tier in tiers.items()}
    print(f"Whole check of a CMS of {len(encoded)} B, without revocation (aims 2.5, 10, 35 ms)")
    for name, ms in in_turns(calls).items():
        say(name, ms)
    return next(iter(calls.values()))


def count_for(world: World) -> int:
    """Whole checks that one process finishes in the time, after a warm-up; the process chooses
    its tier.
    """
    inputs = {"encoded": sign_cms(world.person, STATEMENT, signed_at=AT)}
    check = partial(
        check_cms, backends.in_use(), issuer=world.issuer.der, root=world.root.der, **inputs
    )
    for _ in range(30):
        check()
    end, count = time.perf_counter() + _SECONDS, 0
    while time.perf_counter() < end:
        check()
        count += 1
    return count


def count_checks(world: World) -> None:
    """Whole checks a second by one process and by two."""
    for processes in (1, 2):
        with ProcessPoolExecutor(processes) as pool:
            total = sum(pool.map(count_for, [world] * processes))
        print(f"  {total / _SECONDS:,.0f} whole checks a second, processes: {processes}")


def compare_paths(
    chains: Mapping[str, list[bytes]], python: Path, file: Path, tier: Backends
) -> None:
    """Bytes to a validated path, against pyhanko-certvalidator whose GOST signatures our own
    arithmetic checks.
    """
    use(tier)
    print("Path of three certificates, from bytes (aim ≤ 0.5 of pyhanko-certvalidator)")
    ours = in_turns({family: partial(check_path, chain=chain) for family, chain in chains.items()})
    theirs = run_json([str(python), str(_PEERS / "eds_peers.py"), "path", str(file)])
    for family, ms in ours.items():
        say(f"{family}, ours", ms)
        say(f"{family}, pyhanko-certvalidator", theirs[family])
        ratio(
            f"{family}: we take {ms / theirs[family]:.2f} of the time",
            ms,
            theirs[family],
            aim="≥ 2x",
        )


def install_peers() -> Path:
    """The interpreter of the peers' environment, made if missing or if the pins have changed."""
    python, pins = _FOLDER / "peers" / "bin" / "python", _PEERS / "eds-requirements.txt"
    stamp = _FOLDER / "installed.txt"
    if not (python.exists() and stamp.exists() and stamp.read_bytes() == pins.read_bytes()):
        print(f"installing the peers into {_FOLDER.relative_to(ROOT)}")
        subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(_FOLDER / "peers")], check=True
        )
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(pins)], check=True)
        stamp.write_bytes(pins.read_bytes())
    return python


def run_json(command: list[str]) -> dict[str, Any]:
    """A peer's output."""
    finished = subprocess.run(command, check=False, capture_output=True, text=True)
    if finished.returncode:
        raise SystemExit(f"{command[0]} failed:\n{finished.stderr}")
    answer: dict[str, Any] = json.loads(finished.stdout)
    return answer


def conditions() -> str:
    """The machine, in one line."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in cpuinfo.read_text().splitlines()
            if line.startswith("model name")
        ]
        model = names[0] if names else model
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return f"CPU {model}, {os.cpu_count()} cores, load {load}; Python {platform.python_version()}"


def main() -> None:
    """Measures all of it."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    print(conditions())
    print(f"chosen in this process: {backends.in_use().report()}")
    python, backends_found, file = install_peers(), tiers(), _FOLDER / "input.json"
    worlds = {"gost512": make_world("gost512"), "rsa": make_world("rsa")}
    chains = {
        name: [certificate.der for certificate in (world.leaf, world.issuer, world.root)]
        for name, world in worlds.items()
    }
    # Before the tiers take turns: its processes choose for themselves.
    print("Whole checks of a GOST CMS by the chosen tier")
    count_checks(worlds["gost512"])
    measured = compare_signatures(backends_found)
    encoded = {name: [certificate.hex() for certificate in chain] for name, chain in chains.items()}
    file.write_text(
        json.dumps({"verify": measured["peer"], "chains": encoded, "at": AT.isoformat()})
    )
    file.with_suffix(".txt").write_text(lines_for_java(measured["peer"]))
    compare_peers(measured["times"], backends_found, python, file)
    compare_cms(backends_found, worlds["gost512"])
    compare_paths(chains, python, file, next(iter(backends_found.values())))


def lines_for_java(peer: Mapping[str, str]) -> str:
    """x, y, r, s with the most significant digit first, and the message."""
    both = bytes.fromhex(peer["key"] + peer["signature"])
    numbers = [both[start : start + 64][::-1].hex() for start in range(0, 256, 64)]
    return "\n".join([*numbers, peer["message"], ""])


if __name__ == "__main__":
    main()
