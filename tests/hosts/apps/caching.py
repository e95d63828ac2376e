"""A host with Flask-Caching, as its documentation writes it."""

import itertools

from flask import Flask
from flask_caching import Cache
from flask_sqlalchemy import SQLAlchemy

import merchant

cache = Cache(config={"CACHE_TYPE": "SimpleCache", "CACHE_DEFAULT_TIMEOUT": 300})


def create_app(config):
    app = Flask(__name__)
    app.config.from_mapping(config)
    cache.init_app(app)
    SQLAlchemy(app)
    visits = itertools.count(1)

    @app.get("/")
    @cache.cached(timeout=50)
    def index():
        return f"visit {next(visits)}"

    merchant.init_app(app, url_prefix="/shop")
    return app
