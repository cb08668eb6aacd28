"""`python -m edge.cli` is `fmnist-edge`."""

from edge.cli.entry import main

if __name__ == "__main__":
    main()
