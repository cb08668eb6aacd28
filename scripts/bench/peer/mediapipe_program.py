"""MediaPipe's own example of an image classifier, shortened: mediapipe_program.py PICTURE MODEL."""

import sys

import cv2
import mediapipe as mp
from mediapipe.tasks.python import BaseOptions, vision

picture = cv2.cvtColor(cv2.imread(sys.argv[1]), cv2.COLOR_BGR2RGB)
options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=sys.argv[2]), max_results=1)
with vision.ImageClassifier.create_from_options(options) as classifier:
    found = classifier.classify(mp.Image(image_format=mp.ImageFormat.SRGB, data=picture))
    print(found.classifications[0].categories[0].category_name)
