"""The numbers by which workers are told of work, each with unit and source."""

from typing import Final

BELL_SECONDS: Final = 60
"""After this time an unheard message is void, seconds: a worker has looked for work by then."""
RING_SECONDS: Final = 1
"""How long a broker may take for a message, seconds. Ours: a broker at hand takes 0.01."""
SILENT_SECONDS: Final = 10
"""How long no message is sent after a broker was silent, seconds. Ours."""
