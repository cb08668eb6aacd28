"""What a device needs beside the frames, so that it can be left alone.

In: the machine as it is, and the file /etc/fmnist-edge.toml, or another that was named. Out: what is wrong with the
machine, and the command that mends it; values for the command line's options, or every mistake in the file at once;
a systemd unit that keeps a run going.

Read doctor/checks first: the table of all checks. A check of another thing goes into doctor, a small file a subject.
Of the configuration read config_location (which file), config_file (its text, as TOML), config_keys (what may stand in
it: the options), config_check (both together), config_text (written out again), reload (read again) and secrets (what
may not stand in it). Of the service itself read unit (what systemd is given), installation (the steps that install and
remove it), steps (how they are done), first_config, and notify (what systemd is told of a run).
"""
