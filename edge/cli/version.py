"""What `fmnist-edge --version` says."""

from importlib.metadata import version

from edge.cli import console


def say_version() -> None:
    """Print the version of the distribution that is installed."""
    console.say(f"fmnist-edge {version('fmnist-edge')}")
