"""How much of one thing comes with another, of late: records with seconds, facts with marks."""


class Pace:
    """
    A ratio of two sums, in which what is old counts for less.

    It lies between the least and the largest ratio that was added, the first included.
    """

    def __init__(self, first: float, *, half_life: float, weight: float) -> None:
        """
        Args:
            first: What is believed before anything was added.
            half_life: So much of what is below the line halves the weight of all before.
            weight: Of what is believed first, in the same unit.
        """
        self._half_life = half_life
        self._above = first * weight
        self._below = weight

    def add(self, above: float, below: float) -> None:
        """So much above the line came with so much below it; nothing below changes nothing."""
        if below <= 0:
            return
        kept = 0.5 ** (below / self._half_life)
        self._above = self._above * kept + above
        self._below = self._below * kept + below

    @property
    def value(self) -> float:
        """How much above the line comes with one below it."""
        return self._above / self._below


def records_a_second() -> Pace:
    """What a consumer takes in while it is busy; a thousand, until it was seen to."""
    return Pace(1_000, half_life=1.0, weight=0.1)
