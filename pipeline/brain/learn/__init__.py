"""Learn: what people's word about false alarms changes, for one subject, within bounds."""
