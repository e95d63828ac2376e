"""A blog of the structure of a well-known tutorial's: a factory, extensions without an app,
blueprints with commands.

Flask-SQLAlchemy, Flask-Migrate, Flask-Login, Flask-WTF's forms and Flask-Babel; its API answers
errors as JSON.
"""

from datetime import datetime, timezone

import click
from flask import Blueprint, Flask, current_app, g, redirect, request, url_for
from flask_babel import Babel, get_locale
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import FlaskForm
from sqlalchemy import ForeignKey, orm
from werkzeug.exceptions import HTTPException
from wtforms import StringField
from wtforms.validators import DataRequired

import merchant


def select_locale():
    return request.accept_languages.best_match(current_app.config["LANGUAGES"])


db = SQLAlchemy()
migrate = Migrate()
login = LoginManager()
login.login_view = "auth.login"
babel = Babel()

auth = Blueprint("auth", __name__)
main = Blueprint("main", __name__)
api = Blueprint("api", __name__)
errors = Blueprint("errors", __name__)
commands = Blueprint("cli", __name__, cli_group=None)

followers = db.Table(
    "followers",
    db.Column("follower_id", db.Integer, db.ForeignKey("user.id"), primary_key=True),
    db.Column("followed_id", db.Integer, db.ForeignKey("user.id"), primary_key=True),
)


class Searchable:
    """Notes what a commit changed, as for a search engine, in the session's events."""

    changes: list = []

    @classmethod
    def before_commit(cls, session):
        session._changes = [each for each in session.new if isinstance(each, cls)]

    @classmethod
    def after_commit(cls, session):
        cls.changes += [each.body for each in session._changes]
        session._changes = None


db.event.listen(db.session, "before_commit", Searchable.before_commit)
db.event.listen(db.session, "after_commit", Searchable.after_commit)


class User(UserMixin, db.Model):
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    username: orm.Mapped[str] = orm.mapped_column(db.String(64), index=True, unique=True)
    last_seen: orm.Mapped[datetime | None]
    posts: orm.WriteOnlyMapped["Post"] = orm.relationship(back_populates="author")
    following: orm.WriteOnlyMapped["User"] = orm.relationship(
        secondary=followers,
        primaryjoin=(followers.c.follower_id == id),
        secondaryjoin=(followers.c.followed_id == id),
    )


class Post(Searchable, db.Model):
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    body: orm.Mapped[str] = orm.mapped_column(db.String(140))
    user_id: orm.Mapped[int] = orm.mapped_column(ForeignKey(User.id), index=True)
    author: orm.Mapped[User] = orm.relationship(back_populates="posts")


class PostForm(FlaskForm):
    post = StringField("Say something", validators=[DataRequired()])


@login.user_loader
def load_user(user_id):
    return db.session.get(User, int(user_id))


@auth.route("/login", methods=["GET", "POST"])
def login_page():
    name = request.form.get("username", "")
    login_user(db.session.scalar(db.select(User).filter_by(username=name)))
    return redirect(url_for("main.index"))


auth.add_url_rule("/sign-in", "login", login_page)


@main.before_app_request
def before_request():
    if current_user.is_authenticated:
        current_user.last_seen = datetime.now(timezone.utc).replace(tzinfo=None)
        db.session.commit()
    g.locale = str(get_locale())


@main.route("/", methods=["GET", "POST"])
@login_required
def index():
    form = PostForm()
    if form.validate_on_submit():
        db.session.add(Post(body=form.post.data, author=current_user))
        db.session.commit()
        return redirect(url_for("main.index"))
    posts = db.session.scalars(current_user.posts.select())
    return f"{current_user.username}: " + ", ".join(post.body for post in posts)


@api.get("/users/<int:user_id>")
def get_user(user_id):
    return {"username": db.get_or_404(User, user_id).username}


@api.errorhandler(HTTPException)
def api_error(error):
    return {"error": error.name}, error.code


@errors.app_errorhandler(404)
def not_found(error):
    accepted = request.accept_mimetypes
    if accepted["application/json"] >= accepted["text/html"]:
        return {"error": "Not Found"}, 404
    return "File Not Found", 404


@errors.app_errorhandler(500)
def internal_error(error):
    db.session.rollback()
    return "An unexpected error has occurred", 500


@commands.cli.group()
def translate():
    """Translation and localization commands."""


@translate.command()
def update():
    """Update all languages."""
    click.echo("updated")


def create_app(config):
    app = Flask(__name__)
    app.config.from_mapping(config, LANGUAGES=["en", "es"])
    db.init_app(app)
    migrate.init_app(app, db)
    login.init_app(app)
    babel.init_app(app, locale_selector=select_locale)
    app.register_blueprint(errors)
    app.register_blueprint(auth, url_prefix="/auth")
    app.register_blueprint(main)
    app.register_blueprint(commands)
    app.register_blueprint(api, url_prefix="/api")
    merchant.init_app(app, url_prefix="/shop")
    return app
