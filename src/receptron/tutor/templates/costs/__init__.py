"""Problems on parameters and multiply-accumulates: of layers, of heads, and of what makes them cheaper."""
