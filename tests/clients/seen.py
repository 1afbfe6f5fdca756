"""A lender's memory of the webhooks that it had."""


class Seen(set[str]):
    """The ids. Called with one it says whether that is new, and keeps it."""

    def __call__(self, webhook_id: str) -> bool:
        is_new = webhook_id not in self
        self.add(webhook_id)
        return is_new
