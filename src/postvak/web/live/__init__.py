"""Live updates: one stream of server-sent events per browser, fed from the rows of Change, Presence and Notification.

    door.py      GET /live/: log-in, where the browser left off, the stream
    hub.py       all streams of this process; asks the watcher four times a second while there are any
    watcher.py   what is new and who may hear it; the only thread that reads the database
    changes.py   new rows of Change, also those that become visible late

Nothing here decides who may read a ticket (tickets.access) and no page depends on it: without a stream pages ask now and then.
"""
