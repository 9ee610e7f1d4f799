"""How much the agent does, for Prometheus. No label names a person, a home or a device."""

from weinao.metrics import Counter, Gauge, Histogram

LANES = ("alarm", "status", "routine", "media")

DEPTH = Gauge("weinao_edge_outbox_packs", "Packs in the outbox.", ["lane"])
BYTES = Gauge("weinao_edge_outbox_bytes", "Payload in the outbox.")
OLDEST = Gauge("weinao_edge_outbox_oldest_seconds", "How long the oldest pack has waited.")
PUT = Counter("weinao_edge_packs_put_total", "Packs made durable.", ["lane"])
SENT = Counter("weinao_edge_packs_sent_total", "Packs sent for the first time.", ["lane"])
RESENT = Counter("weinao_edge_packs_resent_total", "Packs sent again.", ["lane"])
ACKED = Counter("weinao_edge_packs_acked_total", "Packs that the journal has.")
THINNED = Counter("weinao_edge_packs_thinned_total", "Packs given up, by name.", ["lane"])
REJECTED = Counter("weinao_edge_messages_rejected_total", "Messages down that made no sense.")
COMMANDS = Counter("weinao_edge_commands_total", "Commands answered.", ["ok"])
CONNECTED = Gauge("weinao_edge_broker_connected", "1 while there is a connection.")
SAMPLES = Counter("weinao_edge_samples_total", "Samples that drivers yielded.", ["kind"])
FRAMES_LOOKED_AT = Counter("weinao_edge_frames_looked_at_total", "Frames of cameras looked at.")
FRAMES_DROPPED = Counter(
    "weinao_edge_frames_dropped_total", "Frames passed over: unwanted, or newer ones had come."
)
INFERENCE = Histogram(
    "weinao_edge_inference_seconds",
    "Time to perceive one sample.",
    ["kind"],
    buckets=(0.0001, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.05, 0.2),
)
RESTARTS = Counter("weinao_edge_driver_restarts_total", "Drivers started again after a failure.")
