"""What one message costs on its way through the flow, against decoding it alone, in one run.

    python benchmarks/flow.py [--messages N] [--json]

Decoding and the brain in a for-loop, and both under Bytewax, on one journal of simulated homes. CPU
time of this process; a ratio within the run is what counts, this machine may be busy.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.brain.rules import RULES
from pipeline.flow import engine
from pipeline.flow.mind import Mind
from pipeline.flow.plain import PlainRunner
from pipeline.flow.steps import by_grid
from pipeline.journal import JournalReader, JournalWriter
from sim.cast import COMMUNITY, GRID, home, setting
from weinao import codec, topics
from weinao.messages import AnyObservation, Home, Pack, Registered, Sensor, Status, Vitals

START = 1_767_225_600_000
HOMES = 100


def write(folder: Path, messages: int) -> None:
    """Write a journal of homes that report movement, vital signs and heartbeats."""
    rng = random.Random(1)
    journal = JournalWriter(folder)
    seqs: dict[str, int] = {}

    def say(topic: str, device: str, said: AnyObservation) -> None:
        seq = seqs[device] = seqs.get(device, 0) + 1
        pack = Pack(v=1, device=device, boot="1", seq=seq, sent=said.at, obs=(said,))
        journal.append(topic, codec.encode(pack), received_at=said.at)

    records = setting({GRID: 480})
    for number in range(HOMES):
        name = f"{number:03d}"
        records += home(name, GRID, worn=(f"band-{name}",), sensors={f"pir-{name}": "hall"})
    for record in records:
        kind = str(record.__struct_config__.tag)
        topic = topics.registry(COMMUNITY, GRID, kind, record.id)
        say(topic, "loader", Registered(at=START, record=record))
    for number in range(messages):
        name, at = f"{number % HOMES:03d}", START + number * 100
        turn = number // HOMES % 4
        if turn == 0:
            said: AnyObservation = Status(at=at, complete_to=at)
            say(topics.up(COMMUNITY, GRID, "status", f"agent-{name}"), f"agent-{name}", said)
        elif turn == 1:
            said = Vitals(at=at, hr_bpm=rng.gauss(72, 5), spo2_pct=97, resp_per_min=15, worn=True)
            say(topics.up(COMMUNITY, GRID, "vitals", f"band-{name}"), f"band-{name}", said)
        else:
            said = Home(at=at, sensor=Sensor.PIR, value=turn - 2)
            say(topics.up(COMMUNITY, GRID, "home", f"pir-{name}"), f"pir-{name}", said)
    journal.commit()
    journal.close()


def cpu_us(work: Callable[[], object], messages: int) -> float:
    """Return CPU microseconds a message, the best of three."""
    best = float("inf")
    for _ in range(3):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best * 1e6 / messages


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    mind = Mind(grids=frozenset({GRID}), rules=RULES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, chosen.messages)

        def read(take: Callable[[list], object]) -> None:
            reader = JournalReader(folder)
            while records := reader.read(1_000):
                take(records)

        def flow() -> None:
            source = engine.JournalSource(lambda o: JournalReader(folder, o), until_end=True)
            sink = engine.StoreSink(lambda: lambda _: None)
            engine.run(engine.build_flow(mind, source, sink), workers=1, recovery=None, epoch_s=10)

        figures = {
            "read_us": cpu_us(lambda: read(len), chosen.messages),
            "decode_us": cpu_us(lambda: read(lambda r: by_grid(r, mind)), chosen.messages),
            "plain_us": cpu_us(
                lambda: read(PlainRunner(mind, lambda _: None).take), chosen.messages
            ),
            "bytewax_us": cpu_us(flow, chosen.messages),
        }
    figures["bytewax_vs_plain"] = figures["bytewax_us"] / figures["plain_us"]
    figures["plain_vs_decode"] = figures["plain_us"] / figures["decode_us"]
    if chosen.json:
        print(json.dumps(figures))
    else:
        for label, value in figures.items():
            print(f"{label:20} {value:8.2f}")


if __name__ == "__main__":
    main()
