"""`python -m bandolo` is the command line."""

from bandolo.surfaces.cli import main

if __name__ == "__main__":
    main()
