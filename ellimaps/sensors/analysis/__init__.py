"""What a log says: anomalies, forecasts, hypotheses."""
