"""Pictures become other pictures of the same class, or of no class.

In: uint8 (N, 28, 28) and targets. Out: the same shapes. basic flips, shifts and erases; camera poses garments as a
camera sees them (pose, worn, figures, layers); outliers draws what is no garment. night alone varies photos: it makes
one, uint8 (H, W, 3), a night camera's frame. A new augmentation goes here.
"""
