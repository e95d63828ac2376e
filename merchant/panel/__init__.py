"""For learners: the payment drawn step by step. The setting PAYMENT_PANEL switches it on."""
