"""What the demo says at its end: what happened, held against what came out."""

from rich.table import Table

from sim.audit import Audit
from weinao.catalogue import Language, catalogue


def summary(verdict: Audit, lang: Language) -> Table:
    """Return the account as people read it."""
    words = catalogue(lang)
    table = Table(title=_TITLE[lang])
    for name in _COLUMNS[lang]:
        table.add_column(name, justify="right")
    for kind in sorted({finding.expected.kind for finding in verdict.findings}):
        findings = [one for one in verdict.findings if one.expected.kind == kind]
        delays = [one.delay_s for one in findings if one.delay_s is not None]
        table.add_row(
            words.say("hazard", kind),
            str(len(findings)),
            str(sum(bool(one.incidents) for one in findings)),
            f"{max(delays):.1f}" if delays else "–",
        )
    table.add_section()
    table.add_row(
        _MISSED[lang], "0", str(len(verdict.missed)), "", style="red" if verdict.missed else "green"
    )
    lost, twice = len(verdict.lost), len(verdict.duplicated) + verdict.incidents_duplicated
    table.add_row(_SENT[lang], str(verdict.sent), str(verdict.stored), "")
    table.add_row(_LOST[lang], "0", str(lost), "", style="red" if lost else "green")
    table.add_row(_TWICE[lang], "0", str(twice), "", style="red" if twice else "green")
    return table


_TITLE = {"zh": "与真实情况对照", "en": "Held against the truth"}
_COLUMNS = {
    "zh": ("", "应有", "实有", "最长延迟 秒"),
    "en": ("", "expected", "found", "longest delay s"),
}
_SENT = {"zh": "消息：已发 / 已存", "en": "packs: sent / stored"}
_MISSED = {"zh": "漏报", "en": "missed"}
_LOST = {"zh": "丢失", "en": "lost"}
_TWICE = {"zh": "重复", "en": "counted twice"}
