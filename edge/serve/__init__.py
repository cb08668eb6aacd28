"""The page and its server: what a run sees and says, for a browser; uncertain frames are sorted there.

In: the event stream, the newest frame, and requests. Out: HTML, JSON, pictures and moved files. Read site first: all
that the server works on; open_page puts it together. live_state and history hold what the events say, event_feed hands
them to browsers, live_pictures draws and encodes the newest frame, label_folder sorts what --keep has stored,
picture_worker classifies pictures that are sent. access says who is let in. api/ has the routes, web/ what is HTTP's;
page/ is what the browser gets.
"""
