"""Against a server that drops, delays and answers 409, 429, 503 and half an answer, each call has
its effect once.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.clients.insecure_server import DELAY_SECONDS, FAULTS, SOUND, Server, serving
from tests.proofs import Figures
from tulga import AsyncClient, Client, Options, calls
from tulga.errors import Unreachable
from tulga.resources import Sent

pytestmark = pytest.mark.proof("client")

CALLS = 1000
# Of 40 tries one in a million million calls finds none that is sound; short waits, or a thousand
# calls take minutes.
QUICK = Options(tries=40, first=0.002, longest=0.02, timeout=DELAY_SECONDS / 2)


@pytest.fixture
def server(proof_seed: int) -> Iterator[Server]:
    with serving(Server(seed=proof_seed)) as running:
        yield running


def references(scale: float) -> list[str]:
    return [f"ver_{number}" for number in range(max(100, round(CALLS * scale)))]


def in_threads(server: Server, names: list[str]) -> list[Sent]:
    with Client(server.url, "tlg_test_x", QUICK) as client, ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda name: client.send(calls.make_link(name)), names))


def in_a_loop(server: Server, names: list[str]) -> list[Sent]:
    async def all_of_them() -> list[Sent]:
        few = asyncio.Semaphore(8)

        async def one(name: str) -> Sent:
            async with few:
                return await client.send(calls.make_link(name))

        async with AsyncClient(server.url, "tlg_test_x", QUICK) as client:
            return list(await asyncio.gather(*map(one, names)))

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("play", [in_threads, in_a_loop], ids=["sync", "async"])
def test_every_effect_is_there_once(
    server: Server,
    play: Callable[[Server, list[str]], list[Sent]],
    proof_scale: float,
    proof_figures: Figures,
) -> None:
    names, name = references(proof_scale), play.__name__
    links = play(server, names)
    assert [link.url.partition("#")[2] for link in links] == names
    assert server.effects == dict.fromkeys(names, 1)
    # One key a call, however often it was sent: and it was sent after it had been done.
    assert {len(keys) for keys in server.keys.values()} == {1}
    assert len({key for keys in server.keys.values() for key in keys}) == len(names)
    assert set(server.befell) == {SOUND, *FAULTS}
    proof_figures |= {
        f"{name}: calls": len(names),
        f"{name}: requests": sum(server.befell.values()),
        f"{name}: faults": {str(kind): server.befell[kind] for kind in FAULTS},
        f"{name}: effects": sum(server.effects.values()),
    }


def test_this_server_does_twice_what_is_asked_under_two_keys(server: Server) -> None:
    server.script += ["drop after", SOUND]
    with Client(server.url, "tlg_test_x", Options(tries=1)) as client:
        with pytest.raises(Unreachable):
            client.send(calls.make_link("ver_a"))
        client.send(calls.make_link("ver_a"))
    assert server.effects["ver_a"] == 2


def test_the_same_call_sent_again_is_no_second_effect(server: Server) -> None:
    server.script += ["drop after", SOUND]
    call = calls.make_link("ver_a")
    with Client(server.url, "tlg_test_x", Options(tries=1)) as client:
        with pytest.raises(Unreachable):
            client.send(call)
        client.send(call)
    assert server.effects["ver_a"] == 1
