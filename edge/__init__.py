"""The runtime of fmnist-edge: a camera frame in, a garment out. numpy, OpenCV and LiteRT only."""
