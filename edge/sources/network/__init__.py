"""Cameras at http and https addresses: single pictures and MJPEG.

In: an address. Out: a picture, or the frames of a stream. Read http_content first: it asks the address and tells by the
first bytes what is there. http_request asks, with http_login and tls; network_mjpeg reads a stream (jpeg_splitter),
snapshot asks for a picture again and again. Streams that FFmpeg reads (rtsp, videos) are in edge.sources.video.
"""
