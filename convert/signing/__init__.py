"""Signed models: a key pair, and a model file with a signature in it.

In: a model file as `convert quantize` writes it, and a private key. Out: the same file, which says who signed it.
key_files makes, writes and reads keys; signing signs. The device checks with edge.inference.trusted_keys.
"""
