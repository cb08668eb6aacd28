"""From a camera frame to what a network sees of it: the garment in grey as Fashion-MNIST would show it, or otherwise.

In the order of the flow: shrinking.py and lab.py (a small picture and its colours), ground.py (what the frame's border
is made of, and what differs from it), cleaning.py (masks without specks and holes), openings.py (ground seen through a
garment), colours.py (masks refined), lightness.py (the same of frames without colours), person.py (a worn garment
without its wearer), garment.py (all of it, and whether there is a garment at all), rendering.py (its picture in grey),
resizing.py and colour_rendering.py (in colour), whole_frame.py (no garment is sought), network_input.py (which of these
a model wants). Integers, or float arithmetic whose every sum is an exact integer, so x86 and Arm agree to the bit.
"""
