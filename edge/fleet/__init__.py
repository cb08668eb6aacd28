"""A fleet: this device gets new versions of its model by itself, out of a repository that nobody can forge.

In: the address of a TUF repository (convert publish) and a folder of versions. Out: another version that runs, or what
runs goes on. Read in this order: release says which version is for this device, repository gets it, checked, by TUF's
own client (fetching), measuring has it tried beside the one that runs (canary_child, canaries), fleet_folder remembers,
updating is one update from start to end, watching repeats it. run_watch is the side of the run whose model changes: it
tells how the device stands, and goes back when decisions drift.
"""
