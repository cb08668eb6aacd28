"""One readable file a recipe: mlp, mlp_best, edge_cnn, camera, resnet50, adapt.

In: settings and a folder for the run. Out: a run folder with model.keras. A recipe's first lines give its command,
hardware, time and expected accuracy. Read mlp first, then edge_cnn.
"""
