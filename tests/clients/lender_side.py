"""A lender's server, its asynchronous client, its memory of webhooks, and a borrower who signs."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

from django.conf import settings

from tests.verification.stories.story import begin
from tulga import AsyncClient, Options
from tulga.resources import IdentityDocument, Loan, Opening, Subject

# What a lender's server sends, its asynchronous client in a loop of its own, and a borrower who
# was verified.


ACCOUNT, CONTRACT = "KZ86125KZT5004100100", "c" * 64
QUICK = Options(tries=2, first=0.01)


class InALoop:
    """The asynchronous client as a synchronous one, each call in its own loop."""

    def __init__(self, url: str, key: str) -> None:
        self._of = (url, key, QUICK)

    def send(self, call):
        async def one():
            async with AsyncClient(*self._of) as client:
                return await client.send(call)

        return asyncio.run(one())

    def pages(self, call):
        async def each():
            async with AsyncClient(*self._of) as client:
                pages = client.pages(call)
                assert isinstance(pages, AsyncIterator)
                return [one async for one in pages]

        return iter(asyncio.run(each()))


def asked(reference="loan-1", **more):
    document = IdentityDocument(type="id_card", number="045678912", valid_to=date(2031, 5, 1))
    return Opening(
        purpose="Consumer microcredit",
        subject=Subject(
            iin="990101100010",
            surname="Асанов",
            name="Асан",
            birth_date=date(1899, 1, 1),
            phone="+77011234567",
            document=document,
        ),
        loan=Loan(
            amount=Decimal("150000.00"),
            term_days=30,
            annual_rate=Decimal("46.00"),
            total_repayable=Decimal("155671.23"),
            payout_account=ACCOUNT,
        ),
        client_reference=reference,
        locale="kk",
        **more,
    )


def root_file():
    return (settings.TULGA_KEYS_DIR / "public" / "root.pub").read_bytes()


def verified(lender, issued, reference="A-1"):
    story = begin(lender, reference).to_statement()
    story.sign(issued())
    story.work()
    return story


# A lender's memory of the webhooks that it had.


class Seen(set[str]):
    """The ids. Called with one it says whether that is new, and keeps it."""

    def __call__(self, webhook_id: str) -> bool:
        is_new = webhook_id not in self
        self.add(webhook_id)
        return is_new
