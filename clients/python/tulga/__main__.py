"""The command `tulga`, for the developer of a lender: test events on your own machine.

It takes the address from TULGA_URL and the test key from TULGA_KEY. A key in the arguments would be
visible to each user of the machine.
"""

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from tulga.clients import Client
from tulga.errors import TulgaError
from tulga.listening import forward
from tulga.triggering import NOT_BY_A_LENDER, TRIGGERS, Trigger, bring_about

EVENT_SECONDS = 300.0


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 1 after printing why not."""
    chosen = _parser().parse_args(arguments)
    # As after Ctrl-C: a script ends the listener by a signal, and no failure is meant.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _client(os.environ, ca=chosen.ca) as client:
            _run(client, chosen)
    except (TulgaError, ValueError, OSError) as fault:
        print(f"tulga: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _run(client: Client, chosen: argparse.Namespace) -> None:
    if chosen.command == "listen":
        forward(client, chosen.forward_to, say=_say, after=chosen.after, is_once=bool(chosen.once))
    else:
        event = bring_about(Trigger(client, _say), chosen.event, seconds=chosen.seconds)
        _say(f"{event.type}  {event.id}  {event.lender_sequence}")


def _say(line: str) -> None:
    print(line, flush=True)


def _client(variables: Mapping[str, str], *, ca: str | None) -> Client:
    """Raises: `ValueError` for an absent variable, or for a key that is not of test mode."""
    url, key = (variables.get(name, "").strip() for name in ("TULGA_URL", "TULGA_KEY"))
    if not url:
        raise ValueError("set TULGA_URL: the address of the API")
    if not key.startswith("tlg_test_"):
        raise ValueError("set TULGA_KEY: this command needs a test key, tlg_test_…")
    return Client(url, key, ca=ca)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tulga",
        description="Test events for the developer of a lender.",
        epilog="Environment: TULGA_URL, the address of the API; TULGA_KEY, your test key.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    listen = commands.add_parser(
        "listen", help="post each test event, signed as a webhook, to your receiver"
    )
    listen.add_argument(
        "--forward-to", required=True, metavar="URL", help="http://127.0.0.1:9000/webhooks, say"
    )
    listen.add_argument(
        "--after", type=int, metavar="N", help="begin after this lender_sequence; by default now"
    )
    listen.add_argument("--once", action="store_true", help="the present events, then exit")
    trigger = commands.add_parser("trigger", help="bring about one event, and wait for it")
    trigger.add_argument("event", choices=(*TRIGGERS, *NOT_BY_A_LENDER))
    trigger.add_argument(
        "--seconds",
        type=float,
        default=EVENT_SECONDS,
        help="to wait for the event (default %(default)s)",
    )
    for command in (listen, trigger):
        command.add_argument("--ca", metavar="FILE", help="PEM file of the authorities to trust")
    return parser


if __name__ == "__main__":
    sys.exit(main())
