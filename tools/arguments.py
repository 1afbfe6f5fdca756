"""Values of a command line, which argparse refuses in a sentence of ours."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import TypeVar

from verification.core.errors import BadInput

Value = TypeVar("Value")


def read_by(
    read: Callable[[str], Value],
    *,
    expected: str = "",
    is_right: Callable[[Value], bool] | None = None,
) -> Callable[[str], Value]:
    """A `type` for argparse. expected: the sentence for what cannot be read, or is not right; else
    `read`'s own.
    """

    def argument(untrusted: str) -> Value:
        try:
            value = read(untrusted)
        except BadInput as error:
            raise ArgumentTypeError(expected or error.detail) from None
        except (ValueError, ArithmeticError):
            raise ArgumentTypeError(expected) from None
        if is_right is not None and not is_right(value):
            raise ArgumentTypeError(expected)
        return value

    return argument
