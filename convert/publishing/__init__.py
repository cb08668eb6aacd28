"""Repositories of models: TUF metadata and files that any static web server gives to a fleet of devices.

In: model files with a manifest, and the private keys of the roles. Out: a folder to serve. Read in this order: roles
says who signs what and for how long, key_ring finds the keys that are needed, repository reads and writes the metadata
in an order in which a reader never meets half of it, publishing changes what is published, renewal changes the keys.
The device's side is edge.fleet.
"""
