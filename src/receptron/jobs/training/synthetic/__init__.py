"""Generated images for training only."""
