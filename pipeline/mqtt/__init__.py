"""MQTT 5 for who must take in much: packets are cut from the stream many at a time."""
