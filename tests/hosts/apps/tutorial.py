"""A small blog of the structure of Flask's tutorial: plain sqlite3, a connection for each request,
no SQLAlchemy.

The merchant's tables are in the host's own SQLite file.
"""

import functools
import os
import sqlite3

import click
from flask import Blueprint, Flask, current_app, flash, g, redirect, request, session, url_for
from flask.cli import with_appcontext
from werkzeug.security import check_password_hash, generate_password_hash

import merchant

SCHEMA = """
DROP TABLE IF EXISTS user;
DROP TABLE IF EXISTS post;
CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT UNIQUE NOT NULL, password TEXT NOT NULL);
CREATE TABLE post (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL, title TEXT NOT NULL);
"""

auth = Blueprint("auth", __name__, url_prefix="/auth")
blog = Blueprint("blog", __name__)


def get_db():
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"], detect_types=sqlite3.PARSE_DECLTYPES)
        g.db.row_factory = sqlite3.Row
    return g.db


def close_db(error=None):
    if (db := g.pop("db", None)) is not None:
        db.close()


@click.command("init-db")
@with_appcontext
def init_db():
    """Clear the existing data and create new tables."""
    get_db().executescript(SCHEMA)
    click.echo("Initialized the database.")


@auth.before_app_request
def load_logged_in_user():
    user_id = session.get("user_id")
    find = "SELECT * FROM user WHERE id = ?"
    g.user = get_db().execute(find, (user_id,)).fetchone() if user_id else None


def login_required(view):
    @functools.wraps(view)
    def wrapped(**arguments):
        return view(**arguments) if g.user else redirect(url_for("auth.login"))

    return wrapped


@auth.post("/register")
def register():
    db = get_db()
    values = (request.form["username"], generate_password_hash(request.form["password"]))
    try:
        db.execute("INSERT INTO user (username, password) VALUES (?, ?)", values)
        db.commit()
    except db.IntegrityError:
        flash("already registered")
    return redirect(url_for("auth.login"))


@auth.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "GET":
        return "Log In"
    find = "SELECT * FROM user WHERE username = ?"
    user = get_db().execute(find, (request.form["username"],)).fetchone()
    if user is None or not check_password_hash(user["password"], request.form["password"]):
        return "Incorrect username or password."
    session.clear()
    session["user_id"] = user["id"]
    return redirect(url_for("index"))


@blog.get("/")
def index():
    titles = get_db().execute("SELECT title FROM post ORDER BY id").fetchall()
    name = g.user["username"] if g.user else "nobody"
    return f"{name}: " + ", ".join(row["title"] for row in titles)


@blog.post("/create")
@login_required
def create():
    values = (g.user["id"], request.form["title"])
    get_db().execute("INSERT INTO post (author_id, title) VALUES (?, ?)", values)
    get_db().commit()
    return redirect(url_for("blog.index"))


def create_app(test_config=None):
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(
        SECRET_KEY="dev", DATABASE=os.path.join(app.instance_path, "flaskr.sqlite")
    )
    if test_config is None:
        app.config.from_pyfile("config.py", silent=True)
    else:
        app.config.update(test_config)
    app.teardown_appcontext(close_db)
    app.cli.add_command(init_db)
    app.register_blueprint(auth)
    app.register_blueprint(blog)
    app.add_url_rule("/", endpoint="index")
    app.config["DATABASE_URL"] = f"sqlite:///{app.config['DATABASE']}"
    merchant.init_app(app, url_prefix="/shop")
    return app
