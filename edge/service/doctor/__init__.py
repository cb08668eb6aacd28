"""`fmnist-edge doctor`: a small file a subject, each of which looks at one thing and says how it is.

In: the root of the file system, and what the user named (a model, a broker, a folder). Out: a Finding a check: ok, warn
or fail, what was found, and the command that mends it. Read finding first, then checks: the table. Nothing is changed
on the machine. What may crash, runtimes and libraries, runs in a child process.
"""
