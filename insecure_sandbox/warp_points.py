"""Which points of the face mesh a puppet moves. MediaPipe's numbering; right and left are the
person's own.
"""

from typing import NamedTuple


class Lids(NamedTuple):
    """The lids of one eye, corner to corner; each point of the upper one falls on the lower one
    beside it.
    """

    upper: tuple[int, ...]
    lower: tuple[int, ...]


RIGHT_LIDS = Lids(
    upper=(246, 161, 160, 159, 158, 157, 173), lower=(7, 163, 144, 145, 153, 154, 155)
)
LEFT_LIDS = Lids(
    upper=(466, 388, 387, 386, 385, 384, 398), lower=(249, 390, 373, 374, 380, 381, 382)
)

INNER_LIPS = (
    78,
    191,
    80,
    81,
    82,
    13,
    312,
    311,
    310,
    415,
    308,
    324,
    318,
    402,
    317,
    14,
    87,
    178,
    88,
    95,
)
MOUTH_CORNERS = (61, 291)
UPPER_LIP, LOWER_LIP, CHIN = 13, 14, 152
EDGES = (234, 454)
