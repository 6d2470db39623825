"""What is good and what is bad of the numbers that several rows show."""

from typing import Final

from deploy.watch.layout import GREEN, RED, YELLOW, Steps, good_above
from otklik_metrics.domain.dimensions import Text

SERVICE_LEVEL_TARGET: Final = 0.8
"""Of 100 who called, 80 are answered within 20 seconds."""

LEVEL_STEPS: Final = good_above(SERVICE_LEVEL_TARGET - 0.1, SERVICE_LEVEL_TARGET)
ANY_IS_BAD: Final = ((None, GREEN), (1, YELLOW), (5, RED))
PLAIN: Final[Steps] = ((None, "blue"),)
PER_BRANCH: Final = Text("{{branch}}", "{{branch}}")
