"""How the site reads requests and writes answers: forms, languages, messages, responses."""
