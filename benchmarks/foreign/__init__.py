"""A second renderer of towers, made without looking at how `sim/scenes` draws.

What only `sim/scenes` shows could be learnt by heart, from its noise to its windows. Here facades
are photo-like rasters seen through a pinhole, noise follows the light, and a real encoder has the
last word. Nothing is ever trained on it.
"""
