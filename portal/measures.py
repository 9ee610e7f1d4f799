"""What the portal counts, for Prometheus. Nobody's name or id is a label."""

from weinao.metrics import LATENCY_BUCKETS_S, Counter, Gauge, Histogram

REQUESTS = Counter(
    "weinao_portal_requests_total", "Requests answered, by area and class of status.",
    ["area", "status"],
)  # fmt: skip
SECONDS = Histogram(
    "weinao_portal_request_seconds", "From a request to its answer, streams left out.",
    ["area"], buckets=LATENCY_BUCKETS_S,
)  # fmt: skip
STREAMS = Gauge("weinao_portal_streams_open", "Pages that are open and live.")
CHANGES = Counter("weinao_portal_changes_total", "Changes of incidents that the store told of.")
TOLD_SECONDS = Histogram(
    "weinao_portal_told_seconds", "From the journal to the pages, of each change of an incident.",
    buckets=LATENCY_BUCKETS_S,
)  # fmt: skip
ANSWERS = Counter(
    "weinao_portal_answers_total", "Answers taken from people, by action.", ["action"]
)
REFUSED = Counter("weinao_portal_refused_total", "Requests refused, by reason.", ["why"])
STORE_AGE = Gauge("weinao_portal_store_age_seconds", "How long ago the store answered last.")
