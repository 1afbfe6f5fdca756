"""Who plays borrowers, in memory: takes note of whom, and plays nobody."""

from collections.abc import Callable

from verification.sources.simulation import Play


class InsecureSimulation:
    """Same signature as the real one. `before` runs first, and may raise."""

    source = "simulation"
    asked: list[Play] = []  # noqa: RUF012
    before: Callable[[], object] | None = None

    @classmethod
    def reset(cls) -> None:
        """Nobody was asked, and everybody is willing."""
        cls.asked, cls.before = [], None

    def begin(self, play: Play) -> None:
        """See `verification.sources.simulation.SimulationSource.begin`."""
        self.asked.append(play)
        if (before := InsecureSimulation.before) is not None:
            before()
