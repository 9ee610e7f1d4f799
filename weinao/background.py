"""What was known when an incident was noticed: the person, the home, contacts and the team."""

from collections.abc import Iterator, Sequence

from weinao.outcomes import HazardKind, Incident
from weinao.registry import Building, Checkpoint, Device, Record, Resident, Staff
from weinao.voice import Voice, device_of, household_of


def known(incident: Incident, voice: Voice) -> Iterator[str]:
    """Yield what the registry said about an incident's subject, in sentences."""
    resident = next(
        (one for one in voice.records if isinstance(one, Resident) and one.id == incident.subject),
        None,
    )
    device = device_of(voice.records, incident.subject)
    living = [
        one
        for one in voice.records
        if isinstance(one, Resident) and one.household == incident.household
    ]
    if resident is not None:
        yield _resident(resident, incident, voice)
    if device is not None:
        yield _device(device, voice.records, voice)
    yield from _place(incident.subject, voice)
    if incident.household:
        yield _home(incident.household, living, voice)
    if len(living) == 1 and device is None:
        yield voice.say("known", "alone")
    yield from _people(incident, [resident] if resident else living, voice)


def _resident(resident: Resident, incident: Incident, voice: Voice) -> str:
    facts = {"who": voice.who(resident.id), "household": resident.household}
    if resident.birth_year is None:
        return voice.say("known", "resident_no_age", **facts)
    return voice.say(
        "known", "resident", age=voice.local(incident.at).year - resident.birth_year, **facts
    )


def _device(device: Device, records: Sequence[Record], voice: Voice) -> str:
    if device.id != device.agent:
        model = voice.say("known", "model", model=device.model) if device.model else ""
        facts = {"device": device.id, "agent": device.agent}
        if device.place and not device.room:
            return voice.say("known", "place_device", model=model, where=device.place, **facts)
        return voice.say("known", "device", model=model, where=voice.room(device.room), **facts)
    behind = [one for one in records if isinstance(one, Device) and one.agent == device.id]
    home = voice.say("about", "place", name=device.household) if device.household else ""
    beat = voice.span(round((device.heartbeat_s or 0) * 1_000))
    count = len(behind) - 1
    return voice.say("known", "gateway", device=device.id, homes=home, count=count, beat=beat)


def _place(subject: str, voice: Voice) -> Iterator[str]:
    for one in voice.records:
        if isinstance(one, Checkpoint) and one.id == subject:
            yield voice.say("known", "checkpoint", place=one.place or one.id, every=one.every_min)
        if isinstance(one, Building) and one.id == subject:
            yield voice.say("known", "floors", name=one.name or one.id, floors=one.floors)


def _home(household: str, living: Sequence[Resident], voice: Voice) -> str:
    home = household_of(voice.records, household)
    place = ""
    if home is not None and home.building:
        place = voice.say("known", "place", building=home.building, unit=home.unit)
    key = "home" if living else "nobody_home"
    people = voice.people(one.id for one in living)
    return voice.say("known", key, household=household, place=place, people=people)


def _people(incident: Incident, whom: Sequence[Resident], voice: Voice) -> Iterator[str]:
    now = incident.noticed_at
    tags = [
        _tag(grant.tag, voice)
        for one in whom
        for grant in one.tags
        if grant.valid_to is None or grant.valid_to > now
    ]
    if whom:
        key = "tags" if tags else "no_tags"
        yield voice.say("known", key, tags=voice.listed(tags))
    for one in whom:
        limits = [
            voice.say("limit", name, value=f"{value:g}")
            for name in one.limits.__struct_fields__
            if (value := getattr(one.limits, name)) is not None
        ]
        if limits and incident.kind is HazardKind.VITALS:
            yield voice.say("known", "limits", limits=voice.listed(limits))
    contacts = [contact.id for one in whom for contact in one.contacts]
    if contacts:
        yield voice.say("known", "contacts", people=voice.people(dict.fromkeys(contacts)))
    elif whom:
        yield voice.say("known", "no_contacts")
    team = [one.id for one in voice.records if isinstance(one, Staff)]
    if team:
        yield voice.say("known", "team", people=voice.people(team))
    if not voice.records:
        yield voice.say("known", "nothing", subject=incident.subject)


def _tag(tag: str, voice: Voice) -> str:
    kind, _, name = tag.partition(":")
    return voice.say("tag", kind, name=name) if name else voice.say("tag", kind)
