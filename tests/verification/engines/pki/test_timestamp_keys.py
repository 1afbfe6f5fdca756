"""The old GOST: accepted by the functions for time-stamp tokens, refused by all others; on real
certificates too.
"""

import base64
from pathlib import Path

import pytest

from insecure_sandbox import encoding as asn1
from insecure_sandbox.keys import public_key_info, sign
from verification.core.errors import Refused
from verification.engines.gost.curves import PARAM_SET_B_256
from verification.engines.gost.gost34310 import OldPublicKey
from verification.engines.pki import der, keys
from verification.engines.pki.certificate import parse_certificate
from verification.engines.pki.der import Element

_POINT = PARAM_SET_B_256.x.to_bytes(32, "little") + PARAM_SET_B_256.y.to_bytes(32, "little")
_MESSAGE = b"a token"


def _old_key_info(point: bytes = _POINT, *, hash_name: str = keys.GOST_34311_PARAMETERS) -> Element:
    parameters = asn1.sequence(asn1.oid(keys.GOST_2004_PARAMETERS), asn1.oid(hash_name))
    identifier = asn1.sequence(asn1.oid(keys.GOST_2004_KEY), parameters)
    return der.read_tree(asn1.sequence(identifier, asn1.bits(asn1.octets(point))))


def test_an_old_key_parses_for_time_stamps_alone() -> None:
    key = keys.parse_key(_old_key_info(), gost=keys.TIMESTAMP_GOST)
    assert isinstance(key, OldPublicKey)
    assert key.family == "gost2004"
    with pytest.raises(Refused) as refused:
        keys.parse_key(_old_key_info(), gost=keys.GOST)
    assert refused.value.code == "eds_algorithm_refused"


@pytest.mark.parametrize(
    "info",
    [
        _old_key_info(_POINT + _POINT),
        _old_key_info(_POINT[:-1]),
        _old_key_info(bytes(64)),
        _old_key_info(_POINT[::-1]),
        _old_key_info(hash_name=keys.STREEBOG_512),
        _old_key_info(hash_name=keys.GOST_34311),
    ],
    ids=[
        "too long",
        "too short",
        "zeros",
        "backwards",
        "the new hash",
        "a hash without parameters",
    ],
)
def test_an_old_key_with_another_point_or_other_parameters_refuses(info: Element) -> None:
    with pytest.raises(Refused) as refused:
        keys.parse_key(info, gost=keys.TIMESTAMP_GOST)
    assert refused.value.code == "eds_algorithm_refused"


def test_current_keys_serve_time_stamps_as_they_serve_borrowers() -> None:
    key = keys.parse_key(der.read_tree(public_key_info(12345)), gost=keys.TIMESTAMP_GOST)
    assert key.family == "gost512"
    keys.verify_timestamp(key, _MESSAGE, signature=sign(12345, _MESSAGE))
    with pytest.raises(Refused) as refused:
        keys.verify_timestamp(key, _MESSAGE, signature=sign(12346, _MESSAGE))
    assert refused.value.code == "eds_signature_invalid"


def test_no_table_for_borrowers_names_the_old_algorithms() -> None:
    assert set(keys.ALGORITHMS) == {"gost512", "rsa"}
    assert set(keys.TIMESTAMP_ALGORITHMS) == {"gost512", "rsa", "gost2004"}
    assert keys.GOST_34311 not in keys.DIGESTS
    assert not any(
        keys.GOST_2004_SIGNATURE in each.certificate_signatures for each in keys.ALGORITHMS.values()
    )
    old = {"digest_oid": keys.GOST_34311, "signature_oid": keys.GOST_2004_SIGNATURE}
    keys.require_algorithms(keys.TIMESTAMP_ALGORITHMS["gost2004"], **old)
    for family in ("gost512", "rsa"):
        with pytest.raises(Refused):
            keys.require_algorithms(keys.ALGORITHMS[family], **old)


def _parts(path: Path) -> tuple[bytes, bytes, Element]:
    """To-be-signed bytes, signature and key of a certificate that the ordinary parser refuses."""
    content = path.read_bytes()
    if content.startswith(b"-----"):
        content = base64.b64decode(b"".join(content.splitlines()[1:-1]))
    with pytest.raises(Refused) as refused:
        parse_certificate(content)
    assert refused.value.code == "eds_algorithm_refused"
    body, _, signature = der.read_tree(content).children
    return body.raw, der.whole_bits(signature, "signature"), body.children[6]


@pytest.mark.parametrize("name", ["root_gost_2020", "btsd_gost", "ucgo_gost"])
def test_the_real_root_of_2020_signed_the_authorities_below_it(
    shared_data: Path, name: str
) -> None:
    folder = shared_data / "eds" / "production_ca"
    root = keys.parse_key(_parts(folder / "root_gost_2020.cer")[2], gost=keys.TIMESTAMP_GOST)
    signed, signature, _ = _parts(folder / f"{name}.cer")
    keys.verify_timestamp(root, signed, signature=signature)
    for wrong in (signature[32:] + signature[:32], signature[::-1]):
        with pytest.raises(Refused):
            keys.verify_timestamp(root, signed, signature=wrong)
    with pytest.raises(Refused) as refused:
        keys.verify_timestamp(root, signed[:-1] + bytes([signed[-1] ^ 1]), signature=signature)
    assert refused.value.code == "eds_signature_invalid"
