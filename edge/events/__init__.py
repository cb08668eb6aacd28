"""What happens while frames are classified becomes events, and everybody who listens is told.

In: predictions, and what cameras, backends and the run itself report. Out: typed events on stdout and to listeners.
Read event first: the events and what each holds. event_json writes them down (schema.json), publisher stamps them and
hands them on. listener says what a listener is; listener_thread keeps slow ones from slowing the camera; mqtt, webhook,
metrics and gpio are listeners. mqtt publishes what run_state holds, by mqtt_connection, and tells home_assistant of it.
heartbeat, drift and run_observer make events of their own. Another listener goes here.
"""
