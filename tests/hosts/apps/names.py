"""A shop whose own names are those of the merchant: classes, tables, endpoints, templates, files,
commands, `_`.
"""

from datetime import datetime

import click
from flask import Blueprint, Flask, render_template, url_for
from flask_sqlalchemy import SQLAlchemy
from jinja2 import DictLoader
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

import merchant


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class Order(db.Model):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(db.String(64))
    payments: Mapped[list["Payment"]] = relationship(back_populates="order")


class Payment(db.Model):
    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    at: Mapped[datetime] = mapped_column(default=datetime.now)
    order: Mapped[Order] = relationship(back_populates="payments")
    events: Mapped[list["PaymentEvent"]] = relationship(back_populates="payment")


class PaymentEvent(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"))
    payment: Mapped[Payment] = relationship(back_populates="events")


TEMPLATES = {
    "layout.html": "own:layout {% block main %}{% endblock %}",
    "order.html": '{% extends "layout.html" %}'
    '{% block main %}{{ _("order") }} {{ 1000 | won }}{% endblock %}',
    "result.html": '{% extends "layout.html" %}{% block main %}{{ "result" | _ }}{% endblock %}',
    "error.html": "own:error {{ code }}",
}
# What the host gives to every template of its own, under names that the merchant's templates know
# too.
EVERYWHERE = {
    name: f"own:{name}"
    for name in (
        *(
            "_",
            "account",
            "can_retry",
            "date",
            "details",
            "english_name",
            "error",
            "events",
            "icon",
        ),
        *(
            "is_double",
            "kind",
            "lang",
            "lang_of",
            "message",
            "messages",
            "order",
            "panel",
            "payment",
        ),
        *("products", "settings", "takes_payment", "text", "title", "unknown", "when", "won"),
    )
} | {"can_retry": False, "takes_payment": False, "_": lambda text: f"own:{text}"}

bp = Blueprint("merchant_site", __name__)


@bp.get("/orders/<int:order_id>")
def show_order(order_id):
    order = db.get_or_404(Order, order_id)
    return {"payments": [payment.id for payment in order.payments]}


def create_app(config):
    app = Flask(__name__, static_url_path="/static", static_folder=config["STATIC_FOLDER"])
    app.config.from_mapping(config)
    app.jinja_loader = DictLoader(TEMPLATES)
    app.jinja_env.globals["_"] = lambda text: f"own:{text}"
    app.jinja_env.filters["_"] = app.jinja_env.filters["won"] = lambda text: f"own:{text}"
    app.context_processor(lambda: EVERYWHERE)
    db.init_app(app)
    app.register_blueprint(bp)

    @app.get("/")
    def order_page():
        return render_template("order.html")

    @app.get("/result")
    def result():
        return render_template("result.html")

    @app.get("/where")
    def create_order():
        endpoints = ("order_page", "create_order", "webhook", "merchant_site.show_order", "static")
        return [url_for(name, order_id=1, filename="style.css") for name in endpoints]

    @app.post("/payment/webhook")
    def webhook():
        return "host's webhook"

    @app.errorhandler(404)
    def not_found(error):
        return render_template("error.html", code=404), 404

    @app.cli.command()
    def orders():
        """List the orders."""
        for order in db.session.scalars(db.select(Order)):
            click.echo(f"own:{order.name} {len(order.payments)}")

    merchant.init_app(app, url_prefix="/shop")
    with app.app_context():
        db.create_all()
    return app
