"""The main job: audit, split, fit, judge once on the test side, save, report."""
