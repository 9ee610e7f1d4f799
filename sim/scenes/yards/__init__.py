"""Yards and gates with people, vehicles and e-bikes, rendered with their truth.

    scene = composed(seed, "yard" | "gate", lasts_s=60, mix="dense" | "fair" | "quiet")
    scene.frames()      (H, W, 3) BGR; frame i is of the instant i / scene.fps
    scene.frames(5)     every fifth only, at a fifth of the time
    scene.truth()       a dict, as it stands in `truth.json` beside clips that are written

`weinao sim scenes --kind yard|gate --seed N --minutes M --mix dense --clip-s 60 --out DIR` writes
clips and their truth; seeds 1 to 99999 are for training, 500000 to 999999 for testing
(`sim/scenes/seeds.py`).

The truth of a clip:

    kind, width, height, container_fps, frames, seed, weather, hour, noise_sigma
    zones       name, lane (nothing may stand in it), area_m2, corners_m (x, z), corners_xy (px)
    lines       name, ends_xy, inward_xy: who crosses towards this point goes in
    ground_to_px  homography from (x, z, 1) in metres on the ground to pixels
    things      track, kind (person, car, van, ebike, bicycle), a person's age (adult, child,
                elder) and, if any, the track that it rides; boxes: [frame, left, top, right,
                bottom, seen], where `seen` is the share that nothing hides
    counts      by zone: people, people_seen (at least a quarter to be seen), vehicles; a number a
                frame. Riders are people, two-wheelers are vehicles; the foot point counts.
    queue       people who wait in a queue, a number a frame
    crossings   line, track, kind, frame, at_s, direction (in, out)
    standing    track, kind, zone (the lane it blocks, or ""), from_frame, until_frame, from_s,
                until_s: vehicles that stand for two seconds or more, in the picture. Near misses
                are among them: parked where they may, waiting at the barrier of a gate.
"""
