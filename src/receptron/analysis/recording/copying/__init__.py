"""A copy of any network without numbers, on which it is recorded."""
