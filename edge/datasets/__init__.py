"""Labelled pictures: Fashion-MNIST, found or downloaded, and folders of the user's own.

In: a folder, or nothing. Out: a Dataset (images, labels, names). Read dataset first; idx_files, image_folders and
download read what it finds.
"""
