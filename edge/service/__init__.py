"""What a device needs beside the frames, so that it can be left alone.

In: the machine as it is, and what its owner set. Out: what is wrong with it, and the command that mends it. Read
doctor/checks first: the table of all checks. A check of another thing goes into doctor, a small file a subject.
"""
