"""Where frames come from: a file, a V4L2 device or an RTSP stream, through OpenCV."""

import os
import stat
import time
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from edge.drivers.base import DeviceUnavailableError, HolesError, PayloadError
from models.vision.base import Picture

OPEN_MS_MAX, READ_MS_MAX = 10_000, 10_000
"""How long a stream may take to answer, and to bring the next frame; then it counts as away."""
FPS_USUAL = 25.0
"""For a file that does not say how fast it is."""
FPS_MAX = 240.0
"""A file that says more is not believed."""
SIDE_MAX = 16_384
"""No camera has more pixels along a side."""
WHOLE_SHARE = 0.9
"""A file that ends before so much of what it promised was cut off."""
DAMAGED_MAX = 25
"""So many places in a row that cannot be decoded are the end; fewer, a hole with more behind it. A
network loses packets, and holes of 20 kB in films of ours take five. Ours."""

# FFmpeg prints what it thinks of each damaged block, past every log. Read when the first film is
# opened, by all that read films in this process; whoever wants to hear it sets it beforehand.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


class Source(Protocol):
    """Frames in the order in which they were taken. Used by one thread."""

    @property
    def period_s(self) -> float:
        """Seconds between frames that are to be played; 0 for a camera, which sets its own pace."""

    def skip(self) -> bool:
        """Pass over a frame, without the cost of a picture; say whether there was one.

        Where there was none, `read` says why, and there never is one again.
        """

    def read(self) -> Picture | None:
        """Return the next frame, or None at the end."""

    def close(self) -> None: ...


class OpenCvSource:
    """A `Source` behind OpenCV.

    Args:
        where: A path, `/dev/video0`, or a URL such as `rtsp://...`.

    Raises:
        DeviceUnavailableError: It does not answer.
        PayloadError: It is a file that holds no video we can read.
    """

    def __init__(self, where: str) -> None:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        cv2.setNumThreads(1)  # one thread decodes and another looks: the board has other work
        self._where, self._is_file = where, _is_file(where)
        if self._is_file:
            _look_at(where)
        self._capture = _opened(where, is_device=where.startswith("/dev/") and not self._is_file)
        self._seen, self._damaged, self._reached, self._over = 0, 0, 0.0, False
        if not self._capture.isOpened():
            kind = PayloadError if self._is_file else DeviceUnavailableError
            raise kind(f"{_public(where)}: no video that can be read")
        said = float(self._capture.get(cv2.CAP_PROP_FPS))
        usable = np.isfinite(said) and 0 < said <= FPS_MAX
        self._period_s = (1 / said if usable else 1 / FPS_USUAL) if self._is_file else 0.0

    @property
    def period_s(self) -> float:
        return self._period_s

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its pictures, as it says before the first."""
        wide, tall = cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT
        return int(self._capture.get(wide)), int(self._capture.get(tall))

    def skip(self) -> bool:
        """Pass over a frame, and over what is damaged before it; after the end there is none."""
        tries, until = 0, time.monotonic() + READ_MS_MAX / 1_000
        while not self._over:
            if self._capture.grab():
                self._seen += 1
                self._damaged += tries
                self._reached = max(self._reached, self._capture.get(cv2.CAP_PROP_PTS) + 1)
                return True
            tries += 1
            self._over = tries == DAMAGED_MAX or time.monotonic() >= until
        return False

    def read(self) -> Picture | None:
        if not self.skip():
            self._explain_the_end()
            return None
        _, found = self._capture.retrieve()
        if found is None or found.size == 0:
            raise PayloadError(f"{_public(self._where)}: a frame that cannot be decoded")
        if found.ndim == 2:  # noqa: PLR2004  # a grey picture
            found = cv2.cvtColor(found, cv2.COLOR_GRAY2BGR)
        if max(found.shape[:2]) > SIDE_MAX:
            raise PayloadError(f"{_public(self._where)}: {found.shape[1]} x {found.shape[0]}")
        return np.asarray(found[..., :3], np.uint8)

    def close(self) -> None:
        self._capture.release()

    def _explain_the_end(self) -> None:
        """Return after a file's last frame; every other end is a failure."""
        if not self._is_file:
            raise DeviceUnavailableError(f"{_public(self._where)}: the stream ended")
        if not self._seen:
            code = int(self._capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
            codec = code.to_bytes(4, "little").decode("ascii", "replace").strip("\0 ")
            raise PayloadError(f"{self._where}: no frame that can be decoded (its codec: {codec})")
        # What is at its end says when that is, too: of a recording that began at some hour, or one
        # that lost frames, more were promised than there are.
        promised = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if max(self._seen, self._reached) < promised * WHOLE_SHARE:
            raise PayloadError(
                f"{self._where}: cut off after {self._seen} of {promised:.0f} frames"
            )
        if self._damaged:
            raise HolesError(
                f"{self._where}: damaged in {self._damaged} places; {self._seen} frames were read"
            )


def _is_file(where: str) -> bool:
    """Say whether frames come from a file; what is in /dev may be a disk of files in memory."""
    return "://" not in where and not (where.startswith("/dev/") and not Path(where).is_file())


def _look_at(where: str) -> None:
    """Say what is wrong with a file that nobody has tried to decode yet.

    Raises:
        DeviceUnavailableError: It is away, empty, no file, or not ours to read.
    """
    try:
        found = Path(where).stat()
    except (OSError, ValueError) as error:
        raise DeviceUnavailableError(f"{where}: {getattr(error, 'strerror', error)}") from error
    if not stat.S_ISREG(found.st_mode):
        raise DeviceUnavailableError(f"{where}: no file but a folder or the like")
    if not found.st_size:
        raise DeviceUnavailableError(f"{where}: an empty file")
    if not os.access(where, os.R_OK):
        raise DeviceUnavailableError(f"{where}: Permission denied")


def _opened(where: str, *, is_device: bool) -> cv2.VideoCapture:
    limits = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS_MAX,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS_MAX,
        # Decoders that share a stream among threads hold back a frame for each of them.
        cv2.CAP_PROP_N_THREADS, 1,
    ]  # fmt: skip
    if is_device:
        return cv2.VideoCapture(where, cv2.CAP_V4L2)
    try:
        return cv2.VideoCapture(where, cv2.CAP_FFMPEG, limits)
    except cv2.error:  # a build without those limits
        return cv2.VideoCapture(where)


def _public(where: str) -> str:
    """Return where frames come from, without the name and password in front of the host."""
    scheme, there, rest = where.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if there else where


class Pace:
    """Plays a file at its own speed.

    Args:
        period_s: Between frames; 0 for no pace at all.
        speed: How many times as fast as its own.
    """

    def __init__(self, period_s: float, speed: float) -> None:
        self._step_s = period_s / speed
        self._due = time.monotonic()

    def behind(self) -> bool:
        """Say whether the next frame is late by more than its own time."""
        return bool(self._step_s) and time.monotonic() > self._due + self._step_s

    def wait(self) -> None:
        """Wait until the next frame is due."""
        if self._step_s:
            time.sleep(max(self._due - time.monotonic(), 0))
            self._due += self._step_s
