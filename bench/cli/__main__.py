"""`python -m bench.cli`: the command `bench`."""

from bench.cli.main import main

if __name__ == "__main__":
    main()
