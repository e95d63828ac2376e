"""For learners: the payment drawn step by step, and the code of each step.

The setting PAYMENT_PANEL switches it on. Both files add to the blueprint of views.py.
"""

from . import code_page, steps

__all__ = ["code_page", "steps"]
