"""What the benchmark has found: as JSON, and as a table."""

from statistics import median

RATIOS = {  # name: figure
    "complete": "complete",
    "delayed": "delayed",
    "CPU per completion": "complete cpu",
    "added latency": "latency",
}
TARGETS = {  # other site: {ratio: target}
    "sdk": {"complete": ("≥", 0.5), "delayed": ("≥", 0.97), "CPU per completion": ("≤", 1.6)},
    "obvious": {"complete": ("≥", 1.6)},
    "floor": {},
}
UNITS = {  # any other: requests per second
    "latency": "ms",
    "complete p99": "ms",
    "complete cpu": "ms",
    "delayed p99": "ms",
    "delayed cpu": "ms",
    "start": "ms",
    "memory": "MiB",
    "peak": "MiB",
    "page idle": "ms",
    "page slow": "ms",
    "page worst": "ms",
    "slow 200": "",
    "slow 503": "",
}


def spread(values):
    return {"rounds": values, "median": median(values), "min": min(values), "max": max(values)}


def results(bench, options):
    """The JSON: {"settings", "machine", "durability", "figures", "ratios", …}. A ratio is taken in
    each round, and left out where one of its figures was not measured.
    """
    samples, sizes, ratios = bench.samples, options.orders, []

    def ratio(name, orders, above, below, target=None):
        if above in samples and below in samples:
            pairs = zip(samples[above], samples[below], strict=False)
            # A short run takes less processor time than the kernel counts.
            if values := [a / b for a, b in pairs if b]:
                compare(name, orders, values, target)

    def compare(name, orders, values, target=None):
        """target: ("≥" or "≤", number)"""
        found = {"name": name, "orders": orders, **spread(values)}
        if target:
            sign, limit = target
            met = found["median"] >= limit if sign == "≥" else found["median"] <= limit
            found |= {"target": f"{sign} {limit}", "met": met}
        ratios.append(found)

    for size in sizes:
        for other, targets in TARGETS.items():
            for name, figure in RATIOS.items():
                above, below = (figure, "shop", size), (figure, other, size)
                ratio(f"{name}: shop / {other}", size, above, below, targets.get(name))
        if p99 := samples.get(("complete p99", "shop", size)):
            compare("complete, 99th percentile in ms", size, p99, ("≤", 150))
        ratio(
            "start: shop / packages",
            size,
            ("start", "shop", size),
            ("start", "packages", 0),
            ("≤", 1.2),
        )
        ratio(
            "peak memory: shop / packages",
            size,
            ("peak", "shop", size),
            ("peak", "packages", 0),
            ("≤", 1.3),
        )
        if memory := samples.get(("memory", "shop", size)):
            compare("memory: last round / first", size, [memory[-1] / memory[0]], ("≤", 1.05))
        slow, idle = ("page slow", "shop", size), ("page idle", "shop", size)
        ratio("page while PortOne is slow / idle", size, slow, idle, ("≤", 3))
        if used := bench.connections.get(("shop", size)):
            threads = bench.sites["shop", size].threads
            compare(
                "connections to PortOne per worker thread", size, [len(used) / threads], ("≤", 1)
            )
    shop, obvious = ("complete", "shop-pg", min(sizes)), ("complete", "obvious-pg", min(sizes))
    ratio("complete on PostgreSQL: shop / obvious", min(sizes), shop, obvious)
    if len(sizes) > 1:
        few, many = min(sizes), max(sizes)
        for name in dict.fromkeys(
            figure for figure, _, _ in samples if figure == "latency" or figure not in UNITS
        ):
            times = [("latency", "shop", many), ("latency", "shop", few)]
            rates = [(name, "shop", few), (name, "shop", many)]
            ratio(
                f"cost of {name}: {many} / {few} orders",
                many,
                *(times if name == "latency" else rates),
                ("≤", 1.1),
            )
        ratio(
            f"start: {many} / {few} orders",
            many,
            ("start", "shop", many),
            ("start", "shop", few),
            ("≤", 1.1),
        )
    if "repeat" in options.only:
        compare("calls of PortOne by repeats", max(sizes), [bench.calls], ("≤", 0))
    return {
        "settings": {name: value for name, value in vars(options).items() if name != "json"},
        "machine": bench.machine,
        "durability": {**bench.modes, "commit_ms": bench.commit_ms},
        "postgresql": bench.postgresql and bench.postgresql.settings(),
        "left_out": bench.left_out,
        "prepared_seconds": bench.prepared,
        "completed": {
            f"{name} {orders}": number for (name, orders), number in bench.completed.items()
        },
        "connections": {
            f"{name} {orders}": len(used) for (name, orders), used in bench.connections.items()
        },
        "figures": [
            {
                "name": figure,
                "site": site,
                "orders": orders,
                "unit": UNITS.get(figure, "1/s"),
                **spread(values),
            }
            for (figure, site, orders), values in sorted(bench.samples.items())
        ],
        "ratios": ratios,
    }


def table(found):
    settings, durability, server = found["settings"], found["durability"], found["postgresql"]
    yield (
        f"SQLite: journal_mode={durability['journal_mode']} synchronous={durability['synchronous']} (2 is FULL), "
        f"one commit {durability['commit_ms']:.2f} ms. {settings['rounds']} rounds, {settings['delay']} ms at PortOne "
        "for delayed (completes) and latency, 0 ms otherwise. Median (least to most)."
    )
    if server:
        yield "PostgreSQL: " + " ".join(f"{name}={value}" for name, value in server.items())
    for site, reason in found["left_out"].items():
        yield f"Left out: {site}, since {reason}."
    yield f"\n{'figure':<10} {'site':<10} {'orders':>9}"
    for row in found["figures"]:
        shown = f"{row['median']:9.1f} {row['unit']:<4} ({row['min']:.1f} to {row['max']:.1f})"
        yield f"{row['name']:<10} {row['site']:<10} {row['orders'] or '':>9} {shown}"
    yield f"\n{'ratio':<44} {'orders':>9}"
    for row in found["ratios"]:
        shown = f"{row['median']:6.2f} ({row['min']:.2f} to {row['max']:.2f})"
        verdict = (
            f"  target {row['target']}: {'met' if row['met'] else 'NOT MET'}"
            if "target" in row
            else ""
        )
        yield f"{row['name']:<44} {row['orders']:>9} {shown:<26}{verdict}"
