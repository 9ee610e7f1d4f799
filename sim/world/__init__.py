"""The world as it is in truth: people, bodies, homes and places. Pure, and all from one seed."""
