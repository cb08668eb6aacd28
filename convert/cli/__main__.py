"""`python -m convert.cli` is `convert`."""

from convert.cli.app import main

if __name__ == "__main__":
    main()
