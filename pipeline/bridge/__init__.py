"""The bridge: readings of somebody else's devices, as they come, at the speed at which they come.

broker ─► intake ─► journal ─► (pipeline/flow/bridge) ─► alerts to the broker, rows to a journal
                                                         of their own ─► copier ─► database
"""
