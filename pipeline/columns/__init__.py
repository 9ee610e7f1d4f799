"""Readings as columns: checked, scored and averaged by the thousand. Pure, like the brain.

payloads ─► reading (columns) ─► copies (duplicates) ─► points (score)
                                                        ├─► streak (alerts)
                                                        └─► window (means)
"""
