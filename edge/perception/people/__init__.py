"""People before a camera: how many, which way, how dense, what stands in the way, who fell.

    frame -> pace (is a look worth it?) -> CenterNet, MoveNet -> bodies, things -> tracks
        tracks -> zones, lines, forecast -> `crowd`, every few seconds for each zone
        tracks -> fall (geometry over time) -> second look -> `motion`: fall, later immobile

Nothing here knows who anybody is, and no picture leaves the device.
"""
