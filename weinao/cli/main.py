"""`weinao`: every program of the system, loaded only when it is called."""

import sys

from cyclopts import App, Parameter

from weinao import __version__
from weinao.mishaps import in_words

app = App(
    name="weinao",
    help="微脑: the micro-brain of a residential community, from sensor to handled incident.",
    version=__version__,
    default_parameter=Parameter(negative_iterable=""),
)
_COMMANDS = {
    "up": ("weinao.cli.up:up", "Run a whole system on this machine."),
    "broker": ("weinao.cli.broker:broker", "Run the embedded MQTT 5 broker."),
    "demo": ("weinao.cli.demo:demo", "Run a small community, from sensor to handled incident."),
    "edge": ("weinao.cli.edge:app", "Agents on community hardware."),
    "ingest": ("weinao.cli.ingest:ingest", "From the broker into the journal."),
    "bridge": ("weinao.cli.bridge:app", "Readings of other systems' devices, as they come."),
    "flow": ("weinao.cli.flow:app", "The dataflow: journal in, outcomes out."),
    "journal": ("weinao.cli.journal:journal", "How large the journal is, and who needs it."),
    "store": ("weinao.cli.store:app", "Own the store, and answer for it."),
    "lake": ("weinao.cli.lake:app", "Parquet files of all that is kept: write, merge, ask."),
    "announce": ("weinao.cli.announce:announce", "Tell other systems what was concluded."),
    "notify": ("weinao.cli.notify:app", "Carry notices to people; their channels, their ledger."),
    "portal": ("weinao.cli.portal:app", "The web face for families, staff and operators."),
    "policy": ("weinao.cli.policy:app", "Check how incidents are handled, and show it."),
    "rules": ("weinao.cli.rules:app", "Check the thresholds of the rules, and show them."),
    "registry": ("weinao.cli.registry:app", "Check registered data, and load it."),
    "incidents": ("weinao.cli.read:incidents", "Show incidents."),
    "explain": ("weinao.cli.explain:explain", "Tell the story of an incident."),
    "risks": ("weinao.cli.read:risks", "Show latent risks."),
    "scores": ("weinao.cli.read:scores", "Show health scores."),
    "visits": ("weinao.cli.read:visits", "Show on whom staff should look in, and by when."),
    "adjustments": ("weinao.cli.read:adjustments", "Show what false alarms have changed."),
    "observations": ("weinao.cli.read:observations", "Show observations."),
    "deadletters": ("weinao.cli.read:deadletters", "Show what was set aside, and why."),
    "stats": ("weinao.cli.stats:stats", "Show how incidents were handled, in figures."),
    "losses": ("weinao.cli.read:losses", "Show what was lost, by name."),
    "replay": (
        "weinao.cli.replay:replay",
        "Run recordings or a journal through perception and brain.",
    ),
    "sim": ("weinao.cli.sim:app", "Simulate a community with a known truth."),
    "score": ("weinao.cli.score:score", "Hold what came out against the truth."),
    "gate": ("weinao.cli.gate:app", "Whose faces a gate knows: enrol, watch, list, forget."),
    "models": ("weinao.cli.models:app", "Weights of networks: fetch, list, check, train."),
    "evaluate": ("weinao.cli.evaluate.main:app", "Score models and rules on labelled recordings."),
    "highrise": ("weinao.cli.highrise:app", "Falling objects: calibrate, watch, train."),
    "bench": ("weinao.cli.bench:app", "Measure ourselves beside a reference."),
    "chaos": ("weinao.cli.chaos:chaos", "Kill programs at random, then audit."),
    "fuzz": ("weinao.cli.fuzz:fuzz", "Throw bad messages at a running system."),
    "schema": ("weinao.cli.schema:schema", "Write the contract's documents."),
}
for _name, (_target, _about) in _COMMANDS.items():
    app.command(_target, name=_name, help=_about)


def main() -> None:
    """Run the command line."""
    words = [word for word in sys.argv[1:3] if not word.startswith("-")]
    target, _ = _COMMANDS.get(words[0] if words else "", ("", ""))
    words = words[: 2 if target.endswith(":app") else 1]
    asked = app
    for word in words:
        if word in asked:
            asked = asked[word]
    if asked is not app and asked.default_command is not None:
        # The list of commands has a line of it; by itself it says all that it has to say.
        asked.help = None
    with in_words(" ".join(words)):
        app()


if __name__ == "__main__":
    main()
