"""The facts that metrics writes. Alerts and forecasts come here when they are built."""

OWNER = "metrics"
