"""Fixed-base tables: a point whose every window is known beforehand is multiplied by additions alone.

A table costs as much as some twenty multiplications and 2 MB for 512 bits, so only points that come again have one.
Source: Hankerson, Menezes, Vanstone, Guide to ECC, §3.3.2 (fixed-base windowing), with signed digits.
"""

from collections import OrderedDict
from threading import Lock

from verification.engines.gost.points import Affine, Field, Jacobian, add_pairs, affine, double

_WINDOW = (
    8  # bits of a digit, a byte as `chosen` reads it: 65 additions for 512 bits; 7 would ask 74 of half the memory
)
_HALF = 1 << (_WINDOW - 1)
_MAX_BYTE = (1 << _WINDOW) - 1
_MAX_POINTS = 8  # the base point, and two issuers and a responder each of the live and the test system; 16 MB
_ASKS_BEFORE_TABLE = 8  # a one-off check or a stranger's certificate is not worth a table

_MAX_COUNTED = 64  # points that are counted and have no table yet

Table = list[list[Affine]]
Key = tuple[int, int, int]


def build_table(field: Field, point: Affine, *, bits: int) -> Table:
    """Row i holds 1 … 128 times 2^(8i) times the point, enough rows for scalars of so many bits."""
    starts: list[Jacobian] = [(*point, point[0] - point[0] + 1)]
    for _ in range(bits // _WINDOW):
        starts.append(double(field, starts[-1], _WINDOW))
    first = affine(field, starts)
    columns = [first]
    for _ in range(_HALF - 1):
        # No sum here is neutral: the order is a prime far above all these multiples.
        columns.append(add_pairs(field, zip(columns[-1], first, strict=True)))
    return [list(row) for row in zip(*columns, strict=True)]


def chosen(field: Field, table: Table, scalar: int) -> list[Affine]:
    """The points of the table whose sum is `scalar` times its point. The scalar fits the table's bits."""
    points = []
    carry = 0
    for row, byte in zip(table, scalar.to_bytes(len(table), "little"), strict=True):
        digit = byte + carry
        carry = digit > _HALF
        if not carry:
            if digit:
                points.append(row[digit - 1])
        elif digit <= _MAX_BYTE:
            x, y = row[_MAX_BYTE - digit]
            points.append((x, field.p - y))
    return points


class Tables:
    """The tables of the few points that come again and again, at most `limit`; the one not asked for longest goes.

    A point has to be asked for `asks` times before it has a table, so strangers' points neither cost a table each nor
    push the known ones out.
    """

    def __init__(self, *, limit: int = _MAX_POINTS, asks: int = _ASKS_BEFORE_TABLE) -> None:
        self._limit = limit
        self._asks = asks
        self._built: OrderedDict[Key, Table] = OrderedDict()
        self._asked: OrderedDict[Key, int] = OrderedDict()
        self._lock = Lock()

    def find(self, field: Field, point: Affine, *, bits: int) -> Table | None:
        """The point's table, built when it has been asked for often enough; None until then."""
        key = (int(field.p), int(point[0]), int(point[1]))
        with self._lock:
            if key in self._built:
                self._built.move_to_end(key)
            elif self._count(key) >= self._asks:
                self._built[key] = build_table(field, point, bits=bits)
                del self._asked[key]
                while len(self._built) > self._limit:
                    self._built.popitem(last=False)
            return self._built.get(key)

    def _count(self, key: Key) -> int:
        self._asked[key] = self._asked.pop(key, 0) + 1
        while len(self._asked) > _MAX_COUNTED:
            self._asked.popitem(last=False)
        return self._asked[key]
