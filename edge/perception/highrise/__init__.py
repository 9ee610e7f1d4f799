"""Objects that fall along a facade: from frames to events. Pure numpy and OpenCV, no network.

    frame ─► stabilise ─► motion ─► blobs ─► tracklets ─► relink (parabola) ─► gate ─► event
             (mount)      (3 frames)          (seeds)      (last 2.4 s)         (physics, trees)

`watch.HighriseWatch.observe(frame, at_ms)` is the way in. Time comes with the frame; nothing here
asks a clock.
"""
