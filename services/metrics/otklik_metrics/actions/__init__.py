"""Use cases of metrics."""

from otklik_metrics.actions.checking import RebuildReport
from otklik_metrics.actions.rebuild import rebuild

__all__ = ["RebuildReport", "rebuild"]
