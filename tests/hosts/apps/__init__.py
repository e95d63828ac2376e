"""Applications of other people, each written as its framework's documentation writes it, with the
merchant mounted.

`create_app(config)` takes the application's settings as a dict, as Flask's tutorial does.
"""
