"""`weinao fuzz`: throw bad messages at a running system; every one must become a dead letter."""

import random
import time
from collections import Counter
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from sim.cast import COMMUNITY, GRID
from sim.faults.fuzz import Fuzz, Shot
from sim.people import Manner, always
from weinao import logging, topics
from weinao.cli import showing
from weinao.cli.folders import emptied
from weinao.cli.options import Count, Runner, host_and_port
from weinao.cli.rehearsal import Rehearsal
from weinao.cli.stage import Home, Stage
from weinao.clock import now_ms
from weinao.codec import encode
from weinao.messages import Home as HomeSeen
from weinao.messages import Pack, Sensor

DEVICE = "pir-fuzzed"
IN_FLIGHT_MAX = 200


def fuzz(
    *,
    messages: Count = 100_000,
    seed: int = 1,
    folder: Path = Path("run/fuzz"),
    runner: Runner = "bytewax",
    json: bool = False,
) -> None:
    """Send bad messages through the broker; exit code 1 unless each one is a readable dead letter.

    Args:
        messages: How many.
        seed: Decides what is wrong with each.
        folder: Everything is kept in it; what an earlier run left there is removed.
        runner: `bytewax`, or `plain`.
        json: Print JSON.
    """
    logging.configure(level="warning")
    folder = emptied(folder, "fuzz")
    home = Home(name="fuzzed", about="a home under fire", recorded={DEVICE: "hall"})
    stage = Stage(folder, [home], epoch=now_ms(), heartbeat_s=3600, seed=seed)
    rehearsal = Rehearsal(stage, folder, runner=runner, seed=seed, moods=always(Manner()))
    try:
        rehearsal.open()
        flow = rehearsal.supervisor.pid("flow")
        sent = _fire(rehearsal, messages, random.Random(seed))  # noqa: S311  # a rehearsal
        counted = _counted(rehearsal, messages)
        survived = rehearsal.supervisor.pid("flow") == flow and flow is not None
    finally:
        rehearsal.close()
    figures = {
        "sent": messages,
        "dead_letters": sum(counted.values()),
        "flow_survived": survived,
        "by_way": dict(sorted(sent.items())),
        "by_reason": dict(sorted(counted.items())),
    }
    if json:
        showing.write_json(figures)
    else:
        showing.console().print(figures)
    raise SystemExit(0 if survived and figures["dead_letters"] == messages else 1)


def _fire(rehearsal: Rehearsal, messages: int, rng: random.Random) -> Counter[str]:
    """Publish one good pack and then only bad ones; return how many of which way."""
    now = now_ms()
    seen = HomeSeen(at=now, sensor=Sensor.PIR, value=1)
    good = Pack(v=1, device=DEVICE, boot="00000001-good", seq=1, sent=now, obs=(seen,))
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.max_inflight_messages_set(IN_FLIGHT_MAX)
    host, port = host_and_port(rehearsal.plan.broker)
    client.connect(host, port)
    client.loop_start()
    topic = topics.up(COMMUNITY, GRID, "home", DEVICE)
    client.publish(topic, encode(good), qos=1).wait_for_publish(10)
    sent: Counter[str] = Counter()
    with showing.progress() as progress:
        task = progress.add_task("fuzz", total=messages)
        bad = Fuzz(COMMUNITY, GRID, DEVICE, replayed=good, rng=rng, now=now)
        for shot in bad.shots(messages):
            info = client.publish(shot.topic, shot.payload, qos=1, properties=_properties(shot))
            sent[shot.way] += 1
            progress.update(task, advance=1)
            if sent.total() % IN_FLIGHT_MAX == 0:
                info.wait_for_publish(30)
                rehearsal.supervisor.look()
    info.wait_for_publish(30)
    client.disconnect()
    client.loop_stop()
    return sent


def _properties(shot: Shot) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if shot.content_type:
        properties.ContentType = shot.content_type
    return properties


def _counted(rehearsal: Rehearsal, messages: int) -> Counter[str]:
    """Wait for the dead letters, read every one, and return how many there are by reason."""
    from sinks.store import Filter, every
    from weinao.outcomes import Rejected

    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        rehearsal.turn(0.5)
        if sum(rehearsal.store.counts()["deadletters"].values()) >= messages:
            break
    letters = (outcome.value for outcome in every(rehearsal.store, "deadletters", Filter()))
    return Counter(
        letter.reason.value for letter in letters if isinstance(letter, Rejected) and letter.detail
    )
