"""Print docs/metrics.md."""

import sys

from otklik_metrics.domain.document import document

sys.stdout.write(document())
