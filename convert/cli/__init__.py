"""The command `convert` (also `fmnist-convert`), one file a command. app registers them."""
