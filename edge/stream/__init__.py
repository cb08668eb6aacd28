"""What lies between a camera's frames and the output: small generators, each there only if asked for.

In: frames and their predictions. Out: those that are worth an answer. Read pipeline first: it puts the others
together. motion skips frames, smoothing steadies predictions, review_folder stores uncertain frames to be sorted.
"""
