"""What the kernel tells of the machine: what it is, how warm, how fast, and whether something slows it down.

In: the root of the file system. Out: plain values; None where the kernel hides or lacks a thing, never an error. Read
power first: temperature and a Pi's throttling. description says what the machine is, without what is private about it;
conditions says how it is at the moment.
"""
