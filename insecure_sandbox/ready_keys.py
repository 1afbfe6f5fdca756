"""RSA keys made once and kept: a new one takes a tenth of a second and more, and these protect
nothing.
"""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

FOLDER_VARIABLE: Final = "INSECURE_SANDBOX_RSA_KEYS"
"""Names the folder in which keys are kept; without it every key is new."""

_PUBLIC_EXPONENT: Final = 65537

_numbers: dict[int, Iterator[int]] = {}
_lock = Lock()


def next_rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """A key that this process has not had yet: the next of the folder, or a new one, which is put
    there.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return rsa.generate_private_key(public_exponent=_PUBLIC_EXPONENT, key_size=bits)
    with _lock:
        number = next(_numbers.setdefault(bits, count()))
    path = Path(folder) / f"{bits}-{number}.der"
    return _read(path) if path.is_file() else _make(path, bits)


def _read(path: Path) -> rsa.RSAPrivateKey:
    key = serialization.load_der_private_key(
        path.read_bytes(), None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("not an RSA key")
    return key


def _make(path: Path, bits: int) -> rsa.RSAPrivateKey:
    key = rsa.generate_private_key(public_exponent=_PUBLIC_EXPONENT, key_size=bits)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and moved, so that a process beside never reads half of it.
    with NamedTemporaryFile(dir=path.parent, delete=False) as aside:
        aside.write(
            key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    Path(aside.name).replace(path)
    return key
