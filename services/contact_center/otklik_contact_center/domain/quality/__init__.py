"""Quality of talk: forms, scores, evaluations and their steps, fair samples, calibration."""
