"""Server-sent events: a page hears that something it shows has changed, and fetches it anew.

What is sent is an id and a state, and only to who may see that incident: words and names stay in
pages, where access is decided once more.
"""

import asyncio
from collections.abc import AsyncIterator

from litestar import get
from litestar.exceptions import ServiceUnavailableException
from litestar.response import ServerSentEvent, ServerSentEventMessage

from portal.accounts import Role
from portal.changes import change
from portal.desk import Desk, Viewer
from portal.pages.shown import Asked, Served, only, viewer_of
from portal.reach import sees
from weinao.outcomes import Incident

BEAT_S = 15.0
"""How often an open page hears that there is nothing new, so that both ends know of each other."""

RETRY_MS = 2_000


@get("/events", guards=[only()])
async def events(request: Asked, desk: Served) -> ServerSentEvent:
    """Tell a page of changes while it is open."""
    if len(desk.live.hub) >= desk.settings.limits.streams_max:
        raise ServiceUnavailableException("too many pages are open")
    viewer = viewer_of(request)
    key = request.cookies.get("session", "")
    return ServerSentEvent(stream(desk, viewer, key))


async def stream(desk: Desk, viewer: Viewer, key: str) -> AsyncIterator[ServerSentEventMessage]:
    """Yield the changes that somebody may know of, until their session ends.

    The greeting says how many changes were told before: a page that was made when it were fewer
    does not show them all.
    """
    with desk.live.hub.listening() as queue:
        hello = f'{{"told": {desk.live.hub.told}}}'
        yield ServerSentEventMessage(event="hello", data=hello, retry=RETRY_MS)
        while True:
            try:
                async with asyncio.timeout(BEAT_S):
                    incident = await queue.get()
            except TimeoutError:
                if key and desk.accounts.session(key, desk.now()) is None:
                    return
                yield ServerSentEventMessage(event="beat", data="{}")
                continue
            if told(desk, viewer, incident):
                yield ServerSentEventMessage(event="change", data=change(incident))


def told(desk: Desk, viewer: Viewer, incident: Incident) -> bool:
    """Say whether somebody is told of a change."""
    if viewer.account.role is Role.OFFICE:
        return False
    return sees(desk.reach(viewer), incident, desk.known)


HANDLERS = (events,)
