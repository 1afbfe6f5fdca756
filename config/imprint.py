"""The operator of this address, shown on `/about`. Live mode needs these settings."""

from dataclasses import dataclass

from config import env
from verification.core.errors import BadInput, Misconfigured
from verification.core.ids import Bin


@dataclass(frozen=True)
class Operator:
    """The organisation that runs this installation. Unset fields are empty."""

    name: str = ""
    bin: str = ""
    address: str = ""
    telephone: str = ""
    email: str = ""


def read() -> Operator:
    """The operator from the environment.

    Raises: `Misconfigured` for an invalid BIN, because people look it up.
    """
    number = env.text("TULGA_OPERATOR_BIN", "")
    try:
        bin_ = Bin.parse(number).value if number else ""
    except BadInput as error:
        raise Misconfigured(
            f"TULGA_OPERATOR_BIN is none: {error.detail}.\nWrite the 12 digits alone."
        ) from None
    return Operator(
        name=env.text("TULGA_OPERATOR_NAME", ""),
        bin=bin_,
        address=env.text("TULGA_OPERATOR_ADDRESS", ""),
        telephone=env.text("TULGA_OPERATOR_TELEPHONE", ""),
        email=env.text("TULGA_OPERATOR_EMAIL", ""),
    )
