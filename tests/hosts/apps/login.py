"""A host with Flask-Login, as its documentation writes it; the user is loaded and noted before each
request.
"""

from datetime import datetime, timezone

from flask import Flask, g, redirect, request, url_for
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import merchant


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)
login_manager = LoginManager()
login_manager.login_view = "login"


class User(UserMixin, db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(db.String(64))
    last_path: Mapped[str | None] = mapped_column(db.String(200))
    last_seen: Mapped[datetime | None]


@login_manager.user_loader
def load_user(user_id):
    return db.session.get(User, int(user_id))


def create_app(config):
    app = Flask(__name__)
    app.config.from_mapping(config)
    db.init_app(app)
    login_manager.init_app(app)

    @app.before_request
    def note_user():
        if current_user.is_authenticated:
            g.user = current_user
            current_user.last_path = request.path
            current_user.last_seen = datetime.now(timezone.utc).replace(tzinfo=None)

    @app.after_request
    def greet(response):
        if current_user.is_authenticated:
            response.headers["X-User"] = current_user.name
            db.session.commit()
        return response

    @app.route("/login", methods=["GET", "POST"])
    def login():
        user = db.session.scalar(db.select(User).where(User.name == request.form.get("name", "")))
        if user is None:
            return "who are you?", 401
        login_user(user)
        return redirect(url_for("account"))

    @app.get("/account")
    @login_required
    def account():
        return f"{current_user.name} was at {current_user.last_path}"

    merchant.init_app(app, url_prefix="/shop")
    with app.app_context():
        db.create_all()
    return app
