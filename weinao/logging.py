"""Logs for a person asking what happened: constant events, and keys.

Lines on standard error, one per event: `key=value` for people, JSON where `json` is asked for.
"""

import logging
import sys

import structlog
from structlog.typing import FilteringBoundLogger


def configure(*, json: bool = False, level: str = "info") -> None:
    """Set the process up to log; called once, by the command."""
    render = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.processors.LogfmtRenderer(
            key_order=["at", "level", "event"], bool_as_flag=False
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )


def logger(**context: object) -> FilteringBoundLogger:
    """Return a logger with its context bound: `agent`, `grid`, `flow`."""
    made: FilteringBoundLogger = structlog.get_logger(**context)
    return made
