"""A host as Flask-Migrate's documentation writes it.

HOST_HAS_SHOP: the merchant is mounted; a shop that was there before it has 0. Its migrations create
the tables.
"""

import os

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import merchant


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)
migrate = Migrate()


class User(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(db.String(128))


def create_app(config=None):
    app = Flask(__name__)
    app.config.from_prefixed_env("HOST")
    app.config.from_mapping(config)
    db.init_app(app)
    migrate.init_app(app, db, directory=app.config["MIGRATIONS"])
    if app.config.get("HAS_SHOP", 1):
        app.config.from_mapping({k: v for k, v in os.environ.items() if k.startswith("PORTONE_")})
        merchant.init_app(app, url_prefix="/shop", create_tables=False)
    return app
