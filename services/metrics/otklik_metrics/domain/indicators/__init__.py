"""From numbers that add up to the values that people read: ratios, scores, quantiles."""
