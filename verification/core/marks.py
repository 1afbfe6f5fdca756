"""What the log says of columns that it does not name: a hash bound to the row; no two rows are seen to hold the same.

Most are keyed hashes already, so nobody finds what they stand for; whoever takes them away, as erasure does,
leaves a mark that leads to nothing.
"""

from collections.abc import Iterable
from hashlib import sha256


def index_mark(row_id: str, index: bytes) -> str:
    """Of one keyed index of a row."""
    return sha256(b"index %s %s" % (row_id.encode(), index)).hexdigest()


def words_mark(row_id: str, words: Iterable[int]) -> str:
    """Of all keyed words of a row, in whatever order they come."""
    spelt = " ".join(str(word) for word in sorted(words))
    return sha256(f"words {row_id} {spelt}".encode()).hexdigest()


def reference_mark(row_id: str, reference: str) -> str:
    """Of a lender's own reference: a lender's word, which may be no personal number."""
    return sha256(f"{row_id}\0{reference}".encode()).hexdigest()
