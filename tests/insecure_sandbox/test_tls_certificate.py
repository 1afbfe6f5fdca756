"""A certificate that a browser may trust without risk: for this machine only, with no key left
behind.
"""

import ipaddress
import stat
from pathlib import Path

from cryptography import x509

from insecure_sandbox.tls_certificate import LoopbackTls, loopback_tls


def certificates(files: LoopbackTls) -> tuple[x509.Certificate, x509.Certificate]:
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    return authority, x509.load_pem_x509_certificate(files.server.read_bytes())


def names() -> list[x509.IPAddress | x509.DNSName]:
    return [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]


def test_the_server_is_this_machine_and_no_other(tmp_path: Path) -> None:
    _, server = certificates(loopback_tls(tmp_path))
    subjects = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names()) <= set(subjects)
    assert {str(address) for address in subjects.get_values_for_type(x509.IPAddress)} == {
        "127.0.0.1",
        "::1",
    }
    assert subjects.get_values_for_type(x509.DNSName) == ["localhost"]


def test_the_authority_is_constrained_to_this_machine(tmp_path: Path) -> None:
    authority, server = certificates(loopback_tls(tmp_path))
    server.verify_directly_issued_by(authority)
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert {str(name.value) for name in constraints.value.permitted_subtrees or []} == {
        "localhost",
        "127.0.0.1/32",
        "::1/128",
    }


def test_only_the_servers_key_is_kept_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    files = loopback_tls(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "ncalayer-ca.pem",
        "ncalayer-server.pem",
    ]
    assert b"PRIVATE KEY" not in files.authority.read_bytes()
    assert stat.S_IMODE(files.server.stat().st_mode) == 0o600
