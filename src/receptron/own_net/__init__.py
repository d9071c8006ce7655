"""A network of the user's own: its file, what the file is known by, and the shape that training and prediction want."""
