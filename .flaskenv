# Read by `flask run` only, so a production server that lost its settings never starts the sandbox by accident.
FLASK_APP=wsgi
FLASK_RUN_PORT=8080
PORTONE_SANDBOX=1
