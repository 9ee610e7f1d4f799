"""A camera on the network, as real as a loopback allows: it serves JPEGs, hangs up, comes back."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import cv2
import pytest

from edge.drivers.camera.driver import CameraDriver
from edge.samples import CameraTrouble, Frame, Sample
from edge.settings import CameraDevice
from tests.edge.vision.made import FPS, SIZE, empty
from weinao.clock import now_ms

SERVED = 15
"""Frames until the camera hangs up."""


class MotionJpeg(BaseHTTPRequestHandler):
    """Serves pictures as most cameras do, and hangs up after a while."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for picture in empty(SERVED):
            packed = cv2.imencode(".jpg", picture)[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(packed)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + packed + b"\r\n")
            except OSError:
                return
            threading.Event().wait(1 / FPS)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def camera() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), MotionJpeg)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/video"
    server.shutdown()
    server.server_close()
    serving.join()


def said(heard: list[Sample]) -> list[tuple[str, bool]]:
    return [(one.trouble, one.began) for one in heard if isinstance(one, CameraTrouble)]


def test_a_camera_that_hangs_up_is_called_again(camera: str) -> None:
    async def collect() -> list[Sample]:
        settings = CameraDevice(id="cam-1", source=camera, role="gate", fps_max=50)
        driver = CameraDriver(settings, now_ms, Random(1), retry_s=0.05, steady_s=0)
        heard: list[Sample] = []
        async with asyncio.timeout(60):
            async for sample in driver.samples():
                heard.append(sample)
                back = [one for one in said(heard) if one == ("no_signal", False)]
                if len(back) == 2 and isinstance(sample, Frame):
                    return heard
        return heard

    heard = asyncio.run(collect())

    # A machine that others use may be slow at it; that is said, too.
    heard_of = [one for one in said(heard) if one[0] != "slow"]
    assert heard_of == [("no_signal", True), ("no_signal", False)] * 2
    frames = [one for one in heard if isinstance(one, Frame)]
    assert len(frames) > SERVED
    assert frames[0].picture.shape == (SIZE[1], SIZE[0], 3)
    assert [one.at for one in frames] == sorted(one.at for one in frames)
