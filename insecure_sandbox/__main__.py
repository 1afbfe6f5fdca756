"""`python -m insecure_sandbox`: serves until stopped."""

import argparse
import signal
import socket
import sys
from pathlib import Path
from threading import Thread
from types import FrameType

from insecure_sandbox.faults import FaultScript
from insecure_sandbox.http_server import DEFAULT_PORT, SandboxServer, loopback_address
from insecure_sandbox.table import table


def main() -> None:
    """Reads the command line, binds, prints the address, serves. SIGTERM and Ctrl-C end it with
    0.
    """
    arguments = _parser().parse_args()
    host = loopback_address(arguments.host)
    script = FaultScript()
    held = None if arguments.fd is None else socket.socket(fileno=arguments.fd)
    server = SandboxServer(
        host=host,
        port=arguments.port,
        table=table(arguments.state, script=script),
        script=script,
        held=held,
    )

    def stop(number: int, frame: FrameType | None) -> None:
        # From another thread, because shutdown waits for the loop that this handler interrupts.
        Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sys.stdout.write(f"insecure sandbox at {server.url}\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.2)
    server.server_close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m insecure_sandbox", description=__doc__)
    parser.add_argument(
        "--host", default="127.0.0.1", help="a loopback address; any other is refused"
    )
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="0 takes a free port (default %(default)s)"
    )
    parser.add_argument(
        "--fd", type=int, help="serve this inherited, listening loopback socket instead of a port"
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("var/sandbox"),
        help="folder of its data (default %(default)s)",
    )
    return parser


if __name__ == "__main__":
    main()
