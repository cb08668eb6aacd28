"""The pictures of a run: which are held out, and what each epoch shows.

In: a Dataset, or a folder of photos. Out: Parts (training, held out, test) and an EpochBuilder. Read splits, epochs,
then photos and adapt_epochs; hard_example_sampler shows easy images less often.
"""
