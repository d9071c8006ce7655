"""Problems on what a window does to a map: output sizes, padding, receptive fields, small grids by hand."""
