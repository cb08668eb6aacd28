"""`python -m edge.cli` is `fmnist-edge`."""

from edge.cli.app import main

if __name__ == "__main__":
    main()
