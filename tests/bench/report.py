"""What the benchmark has found: as JSON, and as a table."""

from statistics import median

UNITS = {"latency": "ms", "start": "ms", "memory": "MiB", "peak": "MiB"}  # any other: requests per second


def spread(values):
    return {"rounds": values, "median": median(values), "min": min(values), "max": max(values)}


def results(bench, options):
    """The JSON: {"settings", "durability", "figures", "ratios"}. A ratio is taken in each round."""
    samples, sizes, ratios = bench.samples, options.orders, []

    def ratio(name, orders, above, below, target=None):
        if above in samples and below in samples:
            values = [a / b for a, b in zip(samples[above], samples[below], strict=False)]
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
        for other, faster, slower in (("obvious", ("≥", 1.8), None), ("floor", None, ("≤", 1.5))):
            ratio(f"complete: shop / {other}", size, ("complete", "shop", size), ("complete", other, size), faster)
            ratio(f"added latency: shop / {other}", size, ("latency", "shop", size), ("latency", other, size), slower)
        ratio("start: shop / packages", size, ("start", "shop", size), ("start", "packages", 0), ("≤", 1.2))
        if ("peak", "packages", 0) in samples:
            packages = median(samples["peak", "packages", 0])
            compare("peak memory: shop / packages", size, [samples["peak", "shop", size][0] / packages], ("≤", 1.3))
        memory = samples["memory", "shop", size]
        compare("memory: last round / first", size, [memory[-1] / memory[0]], ("≤", 1.05))
    if len(sizes) > 1:
        few, many = min(sizes), max(sizes)
        for name in dict.fromkeys(figure for figure, _, _ in samples if figure not in {"start", "memory", "peak"}):
            times = [("latency", "shop", many), ("latency", "shop", few)]
            rates = [(name, "shop", few), (name, "shop", many)]
            ratio(f"cost of {name}: {many} / {few} orders", many, *(times if name == "latency" else rates), ("≤", 1.1))
        ratio(f"start: {many} / {few} orders", many, ("start", "shop", many), ("start", "shop", few), ("≤", 1.1))
    if "repeat" in options.only:
        compare("calls of PortOne by repeats", max(sizes), [bench.calls], ("≤", 0))
    return {
        "settings": {name: value for name, value in vars(options).items() if name != "json"},
        "durability": {**bench.modes, "commit_ms": bench.commit_ms},
        "prepared_seconds": bench.prepared,
        "completed": {f"{name} {orders}": number for (name, orders), number in bench.completed.items()},
        "figures": [
            {"name": figure, "site": site, "orders": orders, "unit": UNITS.get(figure, "1/s"), **spread(values)}
            for (figure, site, orders), values in sorted(bench.samples.items())
        ],
        "ratios": ratios,
    }


def table(found):
    settings, durability = found["settings"], found["durability"]
    yield (
        f"SQLite: journal_mode={durability['journal_mode']} synchronous={durability['synchronous']} (2 is FULL), "
        f"one commit {durability['commit_ms']:.2f} ms. {settings['rounds']} rounds, {settings['delay']} ms at PortOne "
        "for latency, 0 ms otherwise. Median (least to most)."
    )
    yield f"\n{'figure':<10} {'site':<9} {'orders':>9}"
    for row in found["figures"]:
        shown = f"{row['median']:9.1f} {row['unit']:<4} ({row['min']:.1f} to {row['max']:.1f})"
        yield f"{row['name']:<10} {row['site']:<9} {row['orders'] or '':>9} {shown}"
    yield f"\n{'ratio':<44} {'orders':>9}"
    for row in found["ratios"]:
        shown = f"{row['median']:6.2f} ({row['min']:.2f} to {row['max']:.2f})"
        verdict = f"  target {row['target']}: {'met' if row['met'] else 'NOT MET'}" if "target" in row else ""
        yield f"{row['name']:<44} {row['orders']:>9} {shown:<26}{verdict}"
