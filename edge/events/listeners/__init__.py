"""Who is told of events, beside stdout: MQTT, a webhook, Prometheus, the pins of a Pi.

In: events. Out: messages, requests, metrics, voltages. Read listener first: it says what a listener is; listener_thread
keeps a slow one from slowing the camera. Then one of gpio, metrics (metric_families), webhook (spool, http_post) and
mqtt (mqtt_broker, mqtt_connection, home_assistant). Another listener goes here.
"""
