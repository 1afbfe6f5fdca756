"""Streebog-512 by libgcrypt, a hundred times as fast as pure Python: one call, our bytes in, 64 bytes out.

No context of the library outlives a call, and the call may run in several threads at once.
Source: The Libgcrypt Reference Manual, §6 (message digests) and §2.4 (initialization).
"""

import ctypes
from collections.abc import Callable
from ctypes.util import find_library

Hash = Callable[[bytes], bytes]

_STREEBOG_512 = 310  # GCRY_MD_STRIBOG512
_DIGEST = 64  # bytes
_OLDEST = b"1.8.0"  # 1.7 has the hash first; 1.8 is the oldest that any supported distribution carries
_TEST_ALGO = 8  # GCRYCTL_TEST_ALGO
_DISABLE_SECMEM = 37  # GCRYCTL_DISABLE_SECMEM: no secrets pass through here
_INITIALIZATION_FINISHED = 38  # GCRYCTL_INITIALIZATION_FINISHED
_IS_FINISHED = 39  # GCRYCTL_INITIALIZATION_FINISHED_P


class Unusable(Exception):
    """The library is there and cannot be used; says why."""


def load() -> Hash | None:
    """The hash, or None where the library is not installed. Raises `Unusable` if it is too old or lacks the hash."""
    library = _open()
    if library is None:
        return None
    _initialize(library)
    # Asked first, for the call itself ends the process if the algorithm is absent or forbidden by FIPS mode.
    if library.gcry_md_algo_info(_STREEBOG_512, _TEST_ALGO, None, None):
        raise Unusable("it has no Streebog-512, or its FIPS mode forbids it")
    if library.gcry_md_get_algo_dlen(_STREEBOG_512) != _DIGEST:
        raise Unusable("its algorithm 310 is another hash")
    hash_buffer = library.gcry_md_hash_buffer
    hash_buffer.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
    hash_buffer.restype = None

    def streebog512(data: bytes) -> bytes:
        # The pointer type is for bytes only; anything else must not reach C with a length of its own.
        if not isinstance(data, bytes):
            raise TypeError("Streebog is computed of bytes")
        digest = ctypes.create_string_buffer(_DIGEST)
        hash_buffer(_STREEBOG_512, digest, data, len(data))
        return digest.raw

    return streebog512


def _open() -> ctypes.CDLL | None:
    # Without ldconfig, as in small containers, nothing is found by name but the loader may still know the file.
    for name in (find_library("gcrypt"), "libgcrypt.so.20"):
        try:
            if name:
                return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def _initialize(library: ctypes.CDLL) -> None:
    """Checks the version, which also initializes, and finishes that unless another user in this process has."""
    try:
        library.gcry_check_version.restype = ctypes.c_char_p
        library.gcry_check_version.argtypes = [ctypes.c_char_p]
        library.gcry_md_algo_info.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
        if not library.gcry_check_version(_OLDEST):
            raise Unusable(f"it is older than {_OLDEST.decode()}")
        if not library.gcry_control(_IS_FINISHED, 0):
            library.gcry_control(_DISABLE_SECMEM, 0)
            library.gcry_control(_INITIALIZATION_FINISHED, 0)
    except AttributeError as error:
        raise Unusable("it lacks a function we need") from error
