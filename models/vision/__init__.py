"""Looking at pictures: networks by name and hash, and what their numbers mean.

    catalogue -> pull -> a file, checked -> network (OpenVINO, ONNX Runtime, ncnn, OpenCV)
                                             -> Detector, Embedder, Pose: pictures in, arrays out
                         ncnn_files: the same file, as ncnn reads it

A picture is (h, w, 3) uint8 in OpenCV's order, blue first. Nothing here needs torch, and nothing
is loaded before it is asked for: an agent without a camera carries none of it.
"""
