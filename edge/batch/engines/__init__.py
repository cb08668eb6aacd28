"""Who answers the parts of a plan: processes on this machine, or a Ray cluster's.

In: numbers of parts. Out: the parts that are done, in any order. local starts and watches processes, each of which runs
worker; ray_cluster leaves all of that to Ray Data.
"""
