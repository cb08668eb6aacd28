"""Models in service: another one takes over while frames are classified, and none is lost.

In: a model file that changes, or one that is offered. Out: a classifier that is swapped between two frames.
Read in this order: model_watch notices that a file has changed, candidate verifies it, model_in_service swaps. rollback
says which version of a folder is to run.
"""
