"""A host with Flask-WTF's CSRFProtect, as its documentation writes it.

EXEMPT: docs/copy's line for the merchant is there. PROTECTED_LATER: CSRFProtect is set up after the
merchant.
"""

from flask import Flask, render_template_string
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect, FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired

import merchant

PAGE = '<form method="post">{{ form.csrf_token }} {{ form.name(size=20) }}</form>'


class MyForm(FlaskForm):
    name = StringField("name", validators=[DataRequired()])


def create_app(config):
    app = Flask(__name__)
    app.config.from_mapping(config)
    SQLAlchemy(app)
    csrf = CSRFProtect()
    if not app.config.get("PROTECTED_LATER"):
        csrf.init_app(app)
    if app.config["EXEMPT"]:
        csrf.exempt(merchant.bp)
    merchant.init_app(app, url_prefix="/shop")
    if app.config.get("PROTECTED_LATER"):
        csrf.init_app(app)

    @app.route("/submit", methods=["GET", "POST"])
    def submit():
        form = MyForm()
        if form.validate_on_submit():
            return f"hello {form.name.data}"
        return render_template_string(PAGE, form=form)

    return app
