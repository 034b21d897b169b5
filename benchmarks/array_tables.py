"""Real columns and tables: (data folder) -> named arrays. Numbers keep the type that a reader of the file would give them."""

import csv
import gzip
import importlib.util
import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

Named = tuple[str, np.ndarray]


def prices(data: Path) -> Iterator[Named]:
    """S&P 500 by day (five prices of float64, one table of them, volume) and five stocks by month."""
    index = _csv(data, "sp500-2000.csv")
    names = ("open", "high", "low", "close", "adjclose")
    for name in names:
        yield f"sp500-{name}", np.array(index[name], np.float64)
    yield "sp500-table", np.stack([np.array(index[name], np.float64) for name in names], axis=1)
    yield "sp500-volume", np.array(index["volume"], np.int64)
    yield "sp500-days", np.array(index["date"], "M8[D]").astype(np.int64)
    yield "stocks-price", np.array(_csv(data, "stocks.csv")["price"], np.float64)


def weather(data: Path) -> Iterator[Named]:
    """Four years of Seattle by day: four columns, and the table of them."""
    table = _csv(data, "seattle-weather.csv")
    columns = [np.array(table[name], np.float64) for name in ("precipitation", "temp_max", "temp_min", "wind")]
    for name, column in zip(("rain", "highest", "lowest", "wind"), columns, strict=True):
        yield f"seattle-{name}", column
    yield "seattle-table", np.stack(columns, axis=1)


def tables(data: Path) -> Iterator[Named]:
    """Numbers of JSON files: flights (minutes, delay, distance), films and cars (with NaN), tickets (ids, prices, times)."""
    flights = _json(data, "flights-10k.json.xz")
    minutes = np.array([row["date"].replace("/", "-").replace(" ", "T") for row in flights], "M8[m]")
    yield "flights-minute", minutes.astype(np.int64)
    yield "flights-delay", np.array([row["delay"] for row in flights], np.int64)
    yield "flights-distance", np.array([row["distance"] for row in flights], np.int64)
    for stem, name in (("films", "movies.json.xz"), ("cars", "cars.json")):
        yield from ((f"{stem}-{column}", values) for column, values in _numbers(_json(data, name)))
    tickets = _json(data, "citm_catalog.json.xz")["performances"]
    yield "tickets-start", np.array([show["start"] for show in tickets], np.int64)
    yield "tickets-event", np.array([show["eventId"] for show in tickets], np.int64)
    yield "tickets-price", np.array([price["amount"] for show in tickets for price in show["prices"]], np.int64)
    yield "tickets-seat", np.array([price["seatCategoryId"] for show in tickets for price in show["prices"]], np.int64)
    areas = [area["areaId"] for show in tickets for seat in show["seatCategories"] for area in seat["areas"]]
    yield "tickets-area", np.array(areas, np.int64)


def coordinates(data: Path) -> Iterator[Named]:
    """The border of Canada: (n, 2) of float64, longitude and latitude."""
    rings = [ring for shape in _json(data, "canada.json.xz")["features"] for ring in shape["geometry"]["coordinates"]]
    yield "canada", np.concatenate([np.array(ring, np.float64) for ring in rings])


def learning(_: Path) -> Iterator[Named]:
    """The data sets that scikit-learn carries, as float64 tables and integer targets; nothing without scikit-learn."""
    found = importlib.util.find_spec("sklearn")
    if found is None or found.origin is None:
        return
    folder = Path(found.origin).parent / "datasets" / "data"
    for name in ("iris", "wine_data", "breast_cancer"):  # a line of counts, then features and the class
        table = np.loadtxt(folder / f"{name}.csv", delimiter=",", skiprows=1)
        yield name, np.ascontiguousarray(table[:, :-1])
        yield f"{name}-target", table[:, -1].astype(np.int64)
    for name in ("diabetes_data_raw", "diabetes_target", "digits"):
        with gzip.open(folder / f"{name}.csv.gz", "rt") as lines:
            table = np.loadtxt(lines, delimiter="," if name == "digits" else None)
        yield name, table
        if name == "diabetes_data_raw":
            centred = table - table.mean(axis=0)
            yield "diabetes", centred / np.sqrt((centred**2).sum(axis=0))  # as load_diabetes gives it
    for name in ("linnerud_exercise", "linnerud_physiological"):
        yield name, np.loadtxt(folder / f"{name}.csv", skiprows=1)


def _numbers(rows: list[dict[str, Any]]) -> Iterator[Named]:
    """Columns of numbers: int64, or float64 where a number is missing or has a fraction."""
    for name in rows[0]:
        values = [row[name] for row in rows]
        known = [value for value in values if isinstance(value, int | float)]
        if not known or any(isinstance(value, str) for value in values):
            continue
        whole = len(known) == len(rows) and all(isinstance(value, int) for value in known)
        column = np.array([np.nan if value is None else value for value in values], np.int64 if whole else np.float64)
        yield name.replace(" ", "_"), column


def _csv(data: Path, name: str) -> dict[str, list[str]]:
    with (data / "text" / "structured" / name).open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {key: [row[key] for row in rows] for key in rows[0]}


def _json(data: Path, name: str) -> Any:
    content = (data / "text" / "structured" / name).read_bytes()
    return json.loads(lzma.decompress(content) if name.endswith(".xz") else content)


GROUPS = {"prices": prices, "weather": weather, "tables": tables, "coordinates": coordinates, "learning": learning}
