"""A host with Flask-Babel, as its documentation writes it: it brings its own `_`, and its own
`lang` in the query.
"""

from flask import Flask, render_template_string, request
from flask_babel import Babel, format_currency, gettext
from flask_sqlalchemy import SQLAlchemy

import merchant


def get_locale():
    return request.accept_languages.best_match(["de", "fr", "ko"])


def create_app(config):
    app = Flask(__name__)
    app.config.from_mapping(config, BABEL_DEFAULT_TIMEZONE="Asia/Seoul")
    Babel(app, locale_selector=get_locale)
    SQLAlchemy(app)

    @app.get("/")
    def index():
        text = "{{ _('Order') }} {% trans %}Card{% endtrans %} {{ price }}"
        return render_template_string(text, price=format_currency(1000, "KRW")) + gettext("!")

    merchant.init_app(app, url_prefix="/shop")
    return app
