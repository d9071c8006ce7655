"""What is written to the screen, a pipe or a file: words, tables, bars."""
