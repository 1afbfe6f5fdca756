"""Published vectors that a backend must reproduce before its use.

The RFCs print numbers with the most significant byte first unless stated otherwise.
Source: RFC 6986 §10 (Streebog), GOST R 34.10-2012 §A.2 = RFC 7091 §7 (a signature), RFC 7836 §B
(keys on the curve of the certificates).
"""

from typing import NamedTuple

from verification.engines.gost.curves import Curve


class HashVector(NamedTuple):
    """A message and its Streebog-512, in the byte order of certificates."""

    message: bytes
    digest: bytes


STREEBOG_VECTORS = (
    HashVector(
        b"012345678901234567890123456789012345678901234567890123456789012",
        bytes.fromhex(
            "486f64c1917879417fef082b3381a4e211c324f074654c38823a7b76f830ad00"
            "fa1fbae42b1285c0352f227524bc9ab16254288dd6863dccd5b9f54a1ad0541b"
        )[::-1],
    ),
    HashVector(
        bytes.fromhex(
            "fbe2e5f0eee3c820fbeafaebef20fffbf0e1e0f0f520e0ed20e8ece0ebe5f0f2"
            "f120fff0eeec20f120faf2fee5e2202ce8f6f3ede220e8e6eee1e8f0f2d1202c"
            "e8f0f2e5e220e5d1"
        )[::-1],
        bytes.fromhex(
            "28fbc9bada033b1460642bdcddb90c3fb3e56c497ccd0f62b8a2ad4935e85f03"
            "7613966de4ee00531ae60f3b5a47f8dae06915d5f2f194996fcabf2622e6881e"
        )[::-1],
    ),
    # In no RFC: the sum of the blocks overflows 512 bits, where some libraries dropped a carry.
    HashVector(
        b"\xff" * 192,
        bytes.fromhex(
            "55d8f76f0894bde0ec14c906f95be44ec9eac0ab5d05fb1a8aa92bee629b1dab"
            "9f1d2552e2d3a1aab9ce2c07941b06dbac5baff6ce461df2f7c60a8a763cc1e9"
        ),
    ),
)


class SignatureVector(NamedTuple):
    """A signature of the standard: on `curve`, of `digest`, by the private key and its point;
    all bytes in our order.
    """

    curve: Curve
    private: int
    public: tuple[int, int]
    digest: bytes
    signature: bytes


SIGNATURE_VECTOR = SignatureVector(
    curve=Curve(
        name="GOST R 34.10-2012 A.2",
        p=int(
            "4531acd1fe0023c7550d267b6b2fee80922b14b2ffb90f04d4eb7c09b5d2d15d"
            "f1d852741af4704a0458047e80e4546d35b8336fac224dd81664bbf528be6373",
            16,
        ),
        a=7,
        b=int(
            "1cff0806a31116da29d8cfa54e57eb748bc5f377e49400fdd788b649eca1ac43"
            "61834013b2ad7322480a89ca58e0cf74bc9e540c2add6897fad0a3084f302adc",
            16,
        ),
        q=int(
            "4531acd1fe0023c7550d267b6b2fee80922b14b2ffb90f04d4eb7c09b5d2d15d"
            "a82f2d7ecb1dbac719905c5eecc423f1d86e25edbe23c595d644aaf187e6e6df",
            16,
        ),
        x=int(
            "24d19cc64572ee30f396bf6ebbfd7a6c5213b3b3d7057cc825f91093a68cd762"
            "fd60611262cd838dc6b60aa7eee804e28bc849977fac33b4b530f1b120248a9a",
            16,
        ),
        y=int(
            "2bb312a43bd2ce6e0d020613c857acddcfbf061e91e5f2c3f32447c259f39b2c"
            "83ab156d77f1496bf7eb3351e1ee4e43dc1a18b91b24640b6dbb92cb1add371e",
            16,
        ),
        size=64,
    ),
    private=int(
        "0ba6048aadae241ba40936d47756d7c93091a0e8514669700ee7508e508b1020"
        "72e8123b2200a0563322dad2827e2714a2636b7bfd18aadfc62967821fa18dd4",
        16,
    ),
    public=(
        int(
            "115dc5bc96760c7b48598d8ab9e740d4c4a85a65be33c1815b5c320c854621dd"
            "5a515856d13314af69bc5b924c8b4ddff75c45415c1d9dd9dd33612cd530efe1",
            16,
        ),
        int(
            "37c7c90cd40b0f5621dc3ac1b751cfa0e2634fa0503b3d52639f5d7fb72afd61"
            "ea199441d943ffe7f0c70a2759a3cdb84c114e1f9339fdf27f35eca93677beec",
            16,
        ),
    ),
    digest=bytes.fromhex(
        "3754f3cfacc9e0615c4f4a7c4d8dab531b09b6f9c170c533a71d147035b0c591"
        "7184ee536593f4414339976c647c5d5a407adedb1d560c4fc6777d2972075b8c"
    )[::-1],
    signature=bytes.fromhex(
        "2f86fa60a081091a23dd795e1e3c689ee512a3c82ee0dcc2643c78eea8fcacd3"
        "5492558486b20f1c9ec197c90699850260c93bcbcd9c5c3317e19344e173ae36"
    )[::-1]
    + bytes.fromhex(
        "1081b394696ffe8e6585e7a9362d26b6325f56778aadbc081c0bfbe933d52ff5"
        "823ce288e8c4f362526080df7f70ce406a6eeb1f56919cb92a9853bde73e5b4a"
    )[::-1],
)


class ExchangeVector(NamedTuple):
    """Two key pairs of RFC 7836 on the curve of the certificates and their common secret,
    little-endian.
    """

    private_a: bytes
    public_a: bytes
    private_b: bytes
    public_b: bytes
    multiplier: bytes
    agreed: bytes  # Streebog-512 of multiplier · a · B, as x ‖ y


EXCHANGE_VECTOR = ExchangeVector(
    private_a=bytes.fromhex(
        "c990ecd972fce84ec4db022778f50fcac726f46708384b8d458304962d7147f8"
        "c2db41cef22c90b102f2968404f9b9be6d47c79692d81826b32b8daca43cb667"
    ),
    public_a=bytes.fromhex(
        "aab0eda4abff21208d18799fb9a8556654ba783070eba10cb9abb253ec56dcf5"
        "d3ccba6192e464e6e5bcb6dea137792f2431f6c897eb1b3c0cc14327b1adc0a7"
        "914613a3074e363aedb204d38d3563971bd8758e878c9db11403721b48002d38"
        "461f92472d40ea92f9958c0ffa4c93756401b97f89fdbe0b5e46e4a4631cdb5a"
    ),
    private_b=bytes.fromhex(
        "48c859f7b6f11585887cc05ec6ef1390cfea739b1a18c0d4662293ef63b79e3b"
        "8014070b44918590b4b996acfea4edfbbbcccc8c06edd8bf5bda92a51392d0db"
    ),
    public_b=bytes.fromhex(
        "192fe183b9713a077253c72c8735de2ea42a3dbc66ea317838b65fa32523cd5e"
        "fca974eda7c863f4954d1147f1f2b25c395fce1c129175e876d132e94ed5a651"
        "04883b414c9b592ec4dc84826f07d0b6d9006dda176ce48c391e3f97d102e03b"
        "b598bf132a228a45f7201aba08fc524a2d77e43a362ab022ad4028f75bde3b79"
    ),
    multiplier=bytes.fromhex("1d80603c8544c727"),
    agreed=bytes.fromhex(
        "79f002a96940ce7bde3259a52e015297adaad84597a0d205b50e3e1719f97bfa"
        "7ee1d2661fa9979a5aa235b558a7e6d9f88f982dd63fc35a8ec0dd5e242d3bdf"
    ),
)
