"""The tables of the sandbox's database, and their version."""

SCHEMA_VERSION = 6
APPLICATION_ID = 0x504F5358  # marks a file as the sandbox's

# What a reset empties.
TABLES = (
    "payments",
    "payment_texts",
    "checkouts",
    "registered_terms",
    "idempotent_answers",
    "switches",
    "webhooks",
    "journal",
)

SCHEMA = (
    # One row. identity: of this database. generation: how often it was reset. changes: how often it
    # was changed.
    """
    CREATE TABLE state (
        identity TEXT NOT NULL DEFAULT (hex(randomblob(8))),
        generation INTEGER NOT NULL DEFAULT 0,
        changes INTEGER NOT NULL DEFAULT 0
    )
    """,
    "INSERT INTO state DEFAULT VALUES",
    """
    CREATE TABLE payments (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        status TEXT NOT NULL,
        requestedAt TEXT NOT NULL,
        statusChangedAt TEXT NOT NULL,
        visibleAt TEXT,
        record TEXT NOT NULL,
        earlier TEXT
    )
    """,
    # Each has every column that a page of payments is selected by, so that no record is read.
    "CREATE INDEX payments_by_request ON payments (requestedAt, statusChangedAt)",
    "CREATE INDEX payments_by_change ON payments (statusChangedAt, requestedAt)",
    "CREATE INDEX payments_by_status ON payments (status, requestedAt, statusChangedAt)",
    "CREATE INDEX hidden_payments ON payments (visibleAt) WHERE visibleAt IS NOT NULL",
    # Apart from the records, which are long: a search reads all texts.
    "CREATE TABLE payment_texts (number INTEGER PRIMARY KEY, text TEXT NOT NULL)",
    """
    CREATE TABLE checkouts (
        txId TEXT PRIMARY KEY,
        paymentId TEXT NOT NULL,
        checkout TEXT NOT NULL
    )
    """,
    "CREATE INDEX checkouts_of_payment ON checkouts (paymentId)",
    "CREATE TABLE registered_terms (paymentId TEXT PRIMARY KEY, terms TEXT NOT NULL)",
    """
    CREATE TABLE idempotent_answers (
        key TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL,
        expiresAt REAL NOT NULL,
        status INTEGER,
        answer TEXT
    )
    """,
    "CREATE INDEX answers_by_end ON idempotent_answers (expiresAt)",
    "CREATE TABLE switches (name TEXT PRIMARY KEY, setting TEXT NOT NULL)",
    """
    CREATE TABLE webhooks (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        paymentId TEXT NOT NULL,
        receiver TEXT NOT NULL,
        dueAt REAL,
        claim TEXT,
        claimedUntil REAL,
        webhook TEXT NOT NULL
    )
    """,
    "CREATE INDEX webhooks_of_payment ON webhooks (paymentId)",
    "CREATE INDEX claimed_webhooks ON webhooks (claim) WHERE claim IS NOT NULL",
    "CREATE INDEX due_webhooks ON webhooks (dueAt) WHERE dueAt IS NOT NULL",
    # Its numbers go on after a reset.
    """
    CREATE TABLE journal (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        paymentId TEXT,
        kind TEXT NOT NULL,
        entry TEXT NOT NULL
    )
    """,
    "CREATE INDEX journal_of_payment ON journal (paymentId)",
)
