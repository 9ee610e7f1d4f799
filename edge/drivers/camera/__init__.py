"""Cameras: files, V4L2 devices and RTSP streams.

    source --(its own thread)--> latest frame --> driver --> samples: frames, and what ails them

The thread decodes and never waits for whoever looks: what was not looked at in time is dropped, so
that nothing lags. Frames are dated when they are taken out of the camera, never by the container.
"""
