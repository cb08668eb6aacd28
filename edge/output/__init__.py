"""Where predictions go: a table, JSON Lines, CSV, a window, or pictures that explain them.

In: a Prediction, sometimes with its Frame. Out: lines or pictures. Read sinks first. view_sheet draws what the model
saw of a frame, view_folder saves such sheets, window shows frames; explanation and occlusion say which parts of a
picture decide.
"""
