"""The command `fmnist-train`, one file a recipe. app registers them; shared holds the common options."""
