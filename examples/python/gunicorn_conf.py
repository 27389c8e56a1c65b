"""gunicorn with ``--preload``: ``gunicorn -c gunicorn_conf.py``.

The application is opened once, in the parent, and forked. No hook is needed: a worker's flags answer at once, and its engine
and ticker begin with its first call that records or reports. Each worker has its own rollout on its own samples; with one
worker that is the whole service, with more a command has to reach each of them.
"""

wsgi_app = "flask_app:create_app()"
preload_app = True
workers = 2
