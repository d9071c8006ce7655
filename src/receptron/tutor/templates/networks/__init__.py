"""Problems on whole networks: their history, shortcuts, scaling and transfer."""
