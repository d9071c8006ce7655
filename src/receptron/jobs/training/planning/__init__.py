"""What a training is going to do, before it."""
