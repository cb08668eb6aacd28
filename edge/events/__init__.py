"""What happens while frames are classified becomes events, and everybody who listens is told.

In: predictions, and what cameras, backends and the run itself report. Out: typed events on stdout and to listeners.
Read event first: the events and what each holds. event_json writes them down (schema.json), publisher stamps them and
hands them on, run puts all of it together. heartbeat, drift and run_state make events, or keep what the last ones said.
The room within, listeners, holds those who are told.
"""
