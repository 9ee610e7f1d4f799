"""Messages that nobody should send: every one of them has to end as a dead letter, and named."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from weinao import codec, topics
from weinao.messages import Home, Pack, Sensor

HUGE_SHARE = 0.001
"""Of all messages; each is larger than the pipeline takes whole."""


class Shot(Struct, frozen=True):
    """One bad message, and in which way it is bad."""

    way: str
    topic: str
    payload: bytes
    content_type: str


class Fuzz:
    """Makes bad messages of one registered device.

    Args:
        community: In the topics.
        grid: In the topics.
        device: That is registered, and has sent `replayed`.
        replayed: A pack that was taken already.
        rng: Decides everything.
        now: Milliseconds UTC.
    """

    def __init__(
        self,
        community: str,
        grid: str,
        device: str,
        *,
        replayed: Pack,
        rng: random.Random,
        now: int,
    ) -> None:
        self._rng, self._now, self._device = rng, now, device
        self._grid, self._community = grid, community
        self._topic = topics.up(community, grid, "home", device)
        self._replayed = replayed
        self._ways: dict[str, Callable[[], Shot]] = {
            "random_bytes": self._random_bytes,
            "truncated": self._truncated,
            "wrong_type": self._wrong_type,
            "out_of_range": self._out_of_range,
            "future": self._future,
            "replayed": self._again,
            "other_topic": self._other_topic,
            "other_grid": self._other_grid,
            "nested": self._nested,
        }

    def shots(self, count: int) -> Iterator[Shot]:
        """Yield so many, some of each way."""
        ways = list(self._ways.values())
        for _ in range(count):
            if self._rng.random() < HUGE_SHARE:
                yield self._huge()
            else:
                yield self._rng.choice(ways)()

    def _pack(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401  # wrong on purpose
        good = Pack(
            v=1,
            device=self._device,
            boot="00000009-fuzz",
            seq=1,
            sent=self._now,
            obs=(Home(at=self._now, sensor=Sensor.PIR, value=1),),
        )
        return {**msgspec.to_builtins(good), **changes}

    def _shot(self, way: str, content: object, topic: str = "") -> Shot:
        if self._rng.random() < 0.5:  # noqa: PLR2004  # half of each
            payload = msgspec.json.encode(content)
            return Shot(way, topic or self._topic, payload, codec.JSON)
        return Shot(way, topic or self._topic, msgspec.msgpack.encode(content), codec.MSGPACK)

    def _random_bytes(self) -> Shot:
        content_type = self._rng.choice(["", codec.JSON, codec.MSGPACK, "text/plain", "x" * 200])
        # The first byte opens no object and no map, so that no luck makes it a pack.
        payload = b"\xc1" + self._rng.randbytes(self._rng.randrange(200))
        return Shot("random_bytes", self._topic, payload, content_type)

    def _truncated(self) -> Shot:
        whole = self._shot("truncated", self._pack())
        cut = self._rng.randrange(len(whole.payload))
        return msgspec.structs.replace(whole, payload=whole.payload[:cut])

    def _wrong_type(self) -> Shot:
        field = self._rng.choice(["v", "device", "boot", "seq", "sent", "obs"])
        wrong: Any = self._rng.choice([None, [], {}, "x\n", -1, 1.5, True, "\x00", 2**70])
        if field == "obs" and wrong == []:
            wrong = None
        try:
            return self._shot("wrong_type", self._pack(**{field: wrong}))
        except OverflowError:  # a number that MessagePack has no place for
            return self._shot("wrong_type", self._pack(**{field: None}))

    def _out_of_range(self) -> Shot:
        said = {"kind": "home", "at": self._now, "sensor": "pir", "value": 1, "room": ""}
        change: dict[str, Any] = self._rng.choice(
            [{"value": 1e300}, {"value": float("nan")}, {"sensor": "nose"}, {"at": -1},
             {"room": "x" * 1_000}, {"kind": "vitals", "hr_bpm": 900}, {"value": None},
             {"at": 2**60}, {"surprise": 1}]
        )  # fmt: skip
        return self._shot("out_of_range", self._pack(obs=[{**said, **change}]))

    def _future(self) -> Shot:
        at = self._now + self._rng.randrange(3_600_000, 10**12)
        said = {"kind": "home", "at": at, "sensor": "pir", "value": 1}
        return self._shot("future", self._pack(seq=self._rng.randrange(1, 500), obs=[said]))

    def _again(self) -> Shot:
        return self._shot("replayed", msgspec.to_builtins(self._replayed))

    def _other_topic(self) -> Shot:
        names = ["up/home", "up/home/a/b", "up/HOME/x", "up/home/ x", "up/home/x#", "feedback/é"]
        root = f"{topics.ROOT}/{self._community}/{self._grid}"
        name = self._rng.choice(names).replace("#", "")
        return self._shot("other_topic", self._pack(device="somebody"), f"{root}/{name}/!")

    def _other_grid(self) -> Shot:
        topic = topics.up(self._community, "nowhere", "home", self._device)
        return self._shot("other_grid", self._pack(), topic)

    def _nested(self) -> Shot:
        return Shot("nested", self._topic, b"[" * self._rng.randrange(1, 5_000), codec.JSON)

    def _huge(self) -> Shot:
        size = codec.DEFAULT.payload_bytes_max + self._rng.randrange(1, 100_000)
        return Shot("huge", self._topic, b" " * size, codec.JSON)
