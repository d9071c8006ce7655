"""The training report: one HTML page from one `Run`."""
