"""A host with flask-cors, as its documentation writes it: every route for everybody."""

from flask import Flask
from flask_cors import CORS
from flask_sqlalchemy import SQLAlchemy

import merchant


def create_app(config):
    app = Flask(__name__)
    app.config.from_mapping(config)
    CORS(app)
    SQLAlchemy(app)

    @app.get("/")
    def hello():
        return "Hello, cross-origin-world!"

    merchant.init_app(app, url_prefix="/shop")
    return app
