"""`python -m receptron` is the same as `receptron`."""

from receptron.cli import main

if __name__ == "__main__":
    main()
