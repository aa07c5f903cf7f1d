"""
Was it stable?
==============

The log of a room says for every measurement whether the temperature moved meanwhile. Here a generated log
of 30 days with steps, drifts and faults of sensors, all of them known, and a measurement of ten minutes
every hour.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import pandas as pd

import ellimaps as em

scratch = TemporaryDirectory()
folder = em.sample_sensors(Path(scratch.name) / "lab", seed=2, days=30)
log = em.open_log(folder / "log.csv")
truth = json.loads((folder / "truth.json").read_text())
happened = pd.DataFrame(truth["anomalies"] + truth["gaps"])
happened = happened.query(
    "source_id == 'E1' and sensor_name == 'room_temperature' and '2025-01-12' < start < '2025-01-15'"
)
print(happened[["start", "end", "kind"]].to_string(index=False))

# %%
# Every hour of two days on which the room stepped to another temperature and back, and its sensor was
# silent for a while.

starts = pd.date_range("2025-01-12 12:00", "2025-01-14 12:00", freq="1h")
conditions = [
    em.acquisition_conditions(log, start, start + pd.Timedelta("10min"), sensor="Europe/E1/room_temperature")
    for start in starts
]
verdicts = pd.Series([one.verdict for one in conditions], index=starts)
print(verdicts.value_counts().to_string())
print(conditions[int(verdicts.eq("unstable").argmax())].sentence)

# %%
# The temperature, and the verdict of each measurement below it.

room = log.series("Europe", "E1", "room_temperature")[starts[0] : starts[-1]].asfreq("5min")
figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
axes.plot(room.index, room, color="gray", linewidth=0.8)
for verdict, color, marker in (("stable", "C2", "o"), ("unstable", "C3", "v"), ("unknown", "C7", "x")):
    when = verdicts.index[verdicts == verdict]
    axes.plot(when, [room.min() - 0.2] * len(when), marker, color=color, label=verdict)
axes.set(ylabel="room (deg C)")
axes.legend()

# %%
# An hour is unstable if the room stepped in it; nothing is said of those in which nothing was read.

moved, silent = (happened[happened["kind"] == kind].iloc[0] for kind in ("step", "gap"))
steps = [pd.Timestamp(moved["start"]), pd.Timestamp(moved["end"])]
ends = starts + pd.Timedelta("10min")
with_a_step = [any(end - pd.Timedelta("1h") <= step <= end for step in steps) for end in ends]
without_reading = (pd.Timestamp(silent["start"]) <= starts) & (ends <= pd.Timestamp(silent["end"]))
assert (verdicts.eq("unstable") == with_a_step).all()
assert (verdicts.eq("unknown") == without_reading).all()
