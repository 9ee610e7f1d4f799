"""`weinao`: every program of the system, loaded only when it is called."""

from cyclopts import App

from weinao import __version__

app = App(
    name="weinao",
    help="微脑: the micro-brain of a residential community, from sensor to handled incident.",
    version=__version__,
)
_COMMANDS = {
    "up": "weinao.cli.up:up",
    "broker": "weinao.cli.broker:broker",
    "demo": "weinao.cli.demo:demo",
    "edge": "weinao.cli.edge:app",
    "ingest": "weinao.cli.ingest:ingest",
    "flow": "weinao.cli.flow:app",
    "store": "weinao.cli.store:app",
    "notify": "weinao.cli.notify:notify",
    "registry": "weinao.cli.registry:app",
    "incidents": "weinao.cli.read:incidents",
    "explain": "weinao.cli.explain:explain",
    "risks": "weinao.cli.read:risks",
    "scores": "weinao.cli.read:scores",
    "observations": "weinao.cli.read:observations",
    "deadletters": "weinao.cli.read:deadletters",
    "losses": "weinao.cli.read:losses",
    "replay": "weinao.cli.replay:replay",
    "sim": "weinao.cli.sim:app",
    "score": "weinao.cli.score:score",
    "evaluate": "weinao.cli.evaluate.main:app",
    "chaos": "weinao.cli.chaos:chaos",
    "fuzz": "weinao.cli.fuzz:fuzz",
    "schema": "weinao.cli.schema:schema",
}
for _name, _target in _COMMANDS.items():
    app.command(_target, name=_name)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
