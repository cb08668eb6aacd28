"""The command `fmnist-edge models`."""


def models() -> None:
    """List the bundled models."""
    from edge.cli.display import print_models
    from edge.inference.model_file import bundled_models, read_model

    print_models([read_model(name) for name in bundled_models()])
