"""A shop of the structure of a larger open-source one: own base model, own orders and payments,
staff, CSRF.

Its models listen to their own events, its blueprints come from a registry, every error has its
page, and each request's queries are recorded.
"""

import time
from datetime import datetime, timezone

from flask import Blueprint, Flask, abort, redirect, request, session, url_for
from flask_babel import Babel, get_locale
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.model import Model
from flask_sqlalchemy.record_queries import get_recorded_queries
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Column, DateTime, Integer, event

import merchant


class BaseModel(Model):
    __table_args__ = {"mysql_charset": "utf8mb4", "extend_existing": True}
    id = Column(Integer, primary_key=True)
    created_at = Column(DateTime, default=lambda: datetime.now(timezone.utc).replace(tzinfo=None))

    @classmethod
    def create(cls, **values):
        row = cls(**values)
        db.session.add(row)
        db.session.commit()
        return row

    @classmethod
    def get_or_404(cls, row_id):
        return db.session.get(cls, row_id) or abort(404)

    @classmethod
    def __declare_last__(cls):
        event.listen(cls, "after_insert", cls.note)

    @staticmethod
    def note(mapper, connection, row):
        inserted.append(type(row).__name__)


inserted = []
db = SQLAlchemy(model_class=BaseModel)
migrate = Migrate(compare_type=True)
csrf_protect = CSRFProtect()
login_manager = LoginManager()
login_manager.login_view = "account.login"
babel = Babel()


class User(UserMixin, db.Model):
    __tablename__ = "account_user"
    username = Column(db.String(80), unique=True, nullable=False)
    is_admin = Column(db.Boolean, default=False)


class Order(db.Model):
    __tablename__ = "order_order"
    token = Column(db.String(100), unique=True)
    user_id = Column(Integer)
    status = Column(Integer, default=1)


class OrderPayment(db.Model):
    __tablename__ = "order_payment"
    order_id = Column(Integer)
    status = Column(Integer)
    total = Column(db.DECIMAL(10, 2))
    paid_at = Column(DateTime)


class OrderEvent(db.Model):
    __tablename__ = "order_event"
    order_id = Column(Integer)
    type_ = Column("type", Integer)


@login_manager.user_loader
def load_user(user_id):
    return db.session.get(User, int(user_id))


account = Blueprint("account", __name__)
orders = Blueprint("order", __name__)
dashboard = Blueprint("dashboard", __name__)


@account.post("/login")
def login():
    login_user(
        db.session.execute(db.select(User).filter_by(username=request.form["username"])).scalar()
    )
    return redirect(url_for("public.home"))


@orders.before_request
@login_required
def before_order_request():
    """The whole blueprint is for users."""


@orders.get("/<token>")
def show(token):
    order = db.first_or_404(db.select(Order).filter_by(token=token, user_id=current_user.id))
    return {"status": order.status}


@orders.post("/")
def create():
    order = Order.create(token=f"token-{time.time_ns()}", user_id=current_user.id)
    OrderPayment.create(order_id=order.id, total=10, status=1)
    return redirect(url_for("order.show", token=order.token))


@dashboard.get("/orders")
@login_required
def all_orders():
    if not current_user.is_admin:
        abort(403)
    return {"orders": db.session.query(Order).count()}


def select_locale():
    if request.args.get("lang"):
        session["lang"] = request.args["lang"]
    return session.get("lang", "en")


def home():
    name = current_user.username if current_user.is_authenticated else "nobody"
    return f"{name} {get_locale()}"


def load_blueprints(app):
    public = Blueprint("public", __name__)
    public.add_url_rule("/", "home", home)
    for blueprint, prefix in [
        *((public, None), (account, "/account"), (orders, "/orders"), (dashboard, "/dashboard")),
    ]:
        app.register_blueprint(blueprint, url_prefix=prefix)


def register_errorhandlers(app):
    def render_error(error):
        code = getattr(error, "code", 500)
        return f"the shop's page of error {code}", code

    for code in (401, 404, 500):
        app.errorhandler(code)(render_error)


def log_slow_queries(app):
    @app.after_request
    def count(response):
        response.headers["X-Queries"] = str(len(get_recorded_queries()))
        return response


def create_app(config):
    app = Flask(__name__)
    app.config.from_mapping(config, SQLALCHEMY_RECORD_QUERIES=True)
    db.init_app(app)
    csrf_protect.init_app(app)
    login_manager.init_app(app)
    migrate.init_app(app, db)
    babel.init_app(app, locale_selector=select_locale)
    load_blueprints(app)
    register_errorhandlers(app)
    log_slow_queries(app)
    app.context_processor(lambda: {"current_user": current_user, "settings": {"title": "shop"}})
    csrf_protect.exempt(merchant.bp)
    merchant.init_app(app, url_prefix="/pay")
    return app
