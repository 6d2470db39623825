"""Facts, rollups, the metric query, alerts and the live stream."""
