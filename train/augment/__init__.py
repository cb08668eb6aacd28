"""Pictures become other pictures of the same class, or of no class.

In: uint8 (N, 28, 28) and targets. Out: the same shapes. basic flips, shifts and erases; camera poses garments as a
camera sees them (pose, worn, figures, layers); outliers draws what is no garment. Two are about frames, uint8
(H, W, 3): night makes a photo a night camera's, drawn_people dresses figures. A new augmentation goes here.
"""
