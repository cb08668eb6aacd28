"""The command `fmnist-edge`: parses, wires and prints.

app registers the commands, one file each; console turns errors into two lines and an exit code; display draws
progress bars and tables.
"""
