"""The graph of a network: a record of its boxes, places for them, and the drawing."""
