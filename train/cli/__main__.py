"""`python -m train.cli` is `fmnist-train`."""

from train.cli.app import main

if __name__ == "__main__":
    main()
