"""Logs of the room and the instruments: reading, stability, anomalies, forecasts."""
