"""Measures the runtime on the machine at hand: time of each stage, start, memory, and whether its answers are right.

In: models, backends and how long to measure. Out: a result to print, to save as JSON and to compare with another. Read
measure first: the order of things. pictures and scenes make what is classified; speed, correctness, start and folder
measure, spread sums up; doubts says what speaks against the figures; result is what was found (schema.json), saved
reads it back, comparison puts two side by side, report makes tables of both.
"""
