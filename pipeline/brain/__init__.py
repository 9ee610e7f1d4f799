"""The brain: pure, one per grid. Entries in, outcomes out; no disk, network, clock or dice.

perceive -> identify -> respond, and back: what people answer comes in as entries too.
"""
