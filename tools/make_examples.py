"""Writes the generated files under examples/: tables, logs, sound, a picture, numbers. essay.txt is written by hand.

    python tools/make_examples.py [folder]

Only the standard library and fixed seeds, so that every run makes the same files; the JPEG file is written by Pillow.
"""

import json
import math
import random
import struct
import sys
import wave
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path


def sensors_csv(path: Path) -> None:
    """Three weather stations, one line each per ten minutes: daily cycle, slow drift, sensor noise, a few gaps."""
    rng = random.Random(1)
    start = datetime(2024, 3, 1, tzinfo=UTC)
    drift = {"north": 0.0, "harbour": 1.5, "ridge": -4.0}
    lines = ["time,station,temperature_c,humidity_pct,pressure_hpa,wind_m_s,battery_v,status"]
    for step in range(900):
        now = start + timedelta(minutes=10 * step)
        for station, offset in drift.items():
            drift[station] = offset + rng.gauss(0, 0.05)
            day = math.sin(2 * math.pi * (step / 144 - 0.35))
            temperature = 8 + drift[station] + 5 * day + rng.gauss(0, 0.12)
            humidity = min(100, max(15, 72 - 3.1 * (temperature - 8) + rng.gauss(0, 1)))
            pressure = 1013 + 9 * math.sin(step / 310) + rng.gauss(0, 0.15)
            wind = abs(rng.gauss(3 + 2 * day, 1.3))
            status = "ok" if rng.random() > 0.01 else rng.choice(["low_battery", "retry", "calibrating"])
            cells = f"{temperature:.2f},{humidity:.1f},{pressure:.2f},{wind:.1f},{4.1 - step * 2e-4:.3f},{status}"
            if rng.random() < 0.004:
                cells = ",,,,,offline"
            lines.append(f"{now:%Y-%m-%dT%H:%M:%SZ},{station},{cells}")
    path.write_text("\n".join(lines) + "\n")


def orders_jsonl(path: Path) -> None:
    """Orders of a shop as JSON lines: nested objects, skewed choices, ids that grow."""
    rng = random.Random(2)
    goods = [("espresso beans 1 kg", 1890), ("filter papers, 100", 349), ("hand grinder", 7450), ("mug, blue", 1200)]
    goods += [("kettle 0.8 l", 5990), ("scale 0.1 g", 2795), ("descaler", 899), ("gift card", 2500)]
    towns = ["Uppsala", "Bergen", "Tampere", "Aarhus", "Tartu", "Reykjavík", "Gdańsk"]
    when = datetime(2025, 1, 6, 7, 30, tzinfo=UTC)
    with path.open("w") as out:
        for number in range(420):
            when += timedelta(seconds=rng.expovariate(1 / 260))
            lines = [
                {"item": name, "quantity": min(9, 1 + int(rng.expovariate(1.1))), "price_cents": price}
                for name, price in rng.sample(goods, k=min(4, 1 + int(rng.expovariate(1.3))))
            ]
            order = {
                "id": f"{0x5A10_0000 + number * 7 + rng.randrange(7):08x}",
                "created": when.isoformat(timespec="milliseconds"),
                "customer": {
                    "id": int(40 * rng.paretovariate(0.8)) + 1000,
                    "town": rng.choice(towns),
                    "returning": rng.random() < 0.6,
                },
                "lines": lines,
                "total_cents": sum(line["quantity"] * line["price_cents"] for line in lines),
                "coupon": rng.choice([None, None, None, "WELCOME10", "SPRING"]),
            }
            out.write(json.dumps(order, ensure_ascii=False) + "\n")


def server_log(path: Path) -> None:
    """A service's log: a few message templates with addresses, ids, durations and now and then a burst of errors."""
    rng = random.Random(3)
    clients = [f"10.{rng.randrange(4)}.{rng.randrange(256)}.{rng.randrange(1, 255)}" for _ in range(60)]
    routes = ["/api/v1/items", "/api/v1/items/{}", "/api/v1/search?q={}", "/health", "/login", "/static/app.js"]
    words = ["lamp", "oak+table", "rug", "sofa", "desk", "shelf"]
    now, worker, trouble = datetime(2025, 2, 11, 6, 0, tzinfo=UTC), 0, 0
    with path.open("w") as out:
        for _ in range(1300):
            now += timedelta(milliseconds=rng.expovariate(1 / 420))
            worker = rng.choice([worker, rng.randrange(8)])
            head = f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03d} [worker-{worker}]"
            trouble = max(0, trouble - 1) if rng.random() > 0.004 else 14
            if trouble and rng.random() < 0.6:
                out.write(
                    f"{head} ERROR db.pool: no connection after {rng.gauss(5000, 20):.0f} ms (pool size 20, waiting {trouble})\n"
                )
                continue
            if rng.random() < 0.12:
                use = f"{rng.randrange(40, 64)}.{rng.randrange(10)} MB"
                out.write(f"{head} INFO  cache: evicted {rng.randrange(1, 90)} entries, {use} in use\n")
                continue
            route = rng.choices(routes, weights=[20, 40, 14, 8, 4, 10])[0].format(
                rng.choice(words) if rng.random() < 0.3 else int(30 * rng.paretovariate(0.7)) % 9000
            )
            code = rng.choices([200, 304, 404, 500], weights=[88, 8, 3, 1])[0]
            size = 0 if code == 304 else int(rng.lognormvariate(7.5, 1))
            out.write(
                f'{head} INFO  http: {rng.choice(clients)} "GET {route}" {code} {size} {rng.lognormvariate(2.2, 0.6):.1f}ms\n'
            )


def strings_wav(path: Path) -> None:
    """1.2 s of a plucked chord (Karplus-Strong) in 16-bit stereo at 32 kHz, with the faint hiss of a recording."""
    rng = random.Random(4)
    rate_hz, seconds = 32_000, 1.2
    total = int(rate_hz * seconds)
    left, right = [0.0] * total, [0.0] * total
    for note, (frequency_hz, start_s, pan) in enumerate(
        [(110.0, 0.0, 0.4), (164.8, 0.15, 0.6), (220.0, 0.3, 0.3), (277.2, 0.45, 0.7)]
    ):
        string = [rng.uniform(-1, 1) for _ in range(int(rate_hz / frequency_hz))]
        for i in range(int(start_s * rate_hz), total):
            sample = string[0]
            string.append(0.498 * (sample + string[1]))
            del string[0]
            left[i] += sample * (1 - pan) * (0.5 - 0.05 * note)
            right[i] += sample * pan * (0.5 - 0.05 * note)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        frames = (
            max(-32768, min(32767, round(15000 * v + rng.gauss(0, 3)))) for pair in zip(left, right, strict=True) for v in pair
        )
        out.writeframes(b"".join(struct.pack("<h", frame) for frame in frames))


def hills_ppm(path: Path) -> None:
    """A 256 x 192 picture, see `_hills`."""
    width, height = 256, 192
    path.write_bytes(b"P6\n%d %d\n255\n" % (width, height) + _hills(random.Random(5), width, height))


def ridges_jpg(path: Path) -> None:
    """Another such picture, 320 x 240, as a JPEG file of quality 92."""
    from PIL import Image

    width, height = 320, 240
    Image.frombytes("RGB", (width, height), _hills(random.Random(8), width, height)).save(path, "JPEG", quality=92)


def _hills(rng: random.Random, width: int, height: int) -> bytes:
    """Pixels of layered hills under a graded sky, film grain over everything."""
    ridges = []
    for layer in range(5):
        waves = [(rng.uniform(0.5, 6), rng.uniform(0, 7), rng.uniform(2, 14)) for _ in range(5)]
        ridges.append(
            [60 + 26 * layer + sum(a / f * math.sin(f * 2 * math.pi * x / width + p) for f, p, a in waves) for x in range(width)]
        )
    pixels = bytearray()
    for y in range(height):
        for x in range(width):
            layer = sum(y > ridge[x] for ridge in ridges)
            if layer == 0:
                colour = (120 + y * 0.9, 160 + y * 0.55, 225 - y * 0.2)
            else:
                shade = 1.05 - 0.16 * layer + 0.002 * (y - ridges[layer - 1][x])
                texture = 6 * math.sin(x * 0.9 + 3 * math.sin(y * 0.35 * layer)) * math.cos(y * 0.7)
                colour = ((110 + texture) * shade, (128 + texture) * shade, (140 - 14 * layer) * shade)
            grain = rng.gauss(0, 1.6)
            pixels += bytes(max(0, min(255, round(c + grain + rng.gauss(0, 0.8)))) for c in colour)
    return bytes(pixels)


def layer_npy(path: Path) -> None:
    """A 160 x 128 float32 matrix like a layer of a trained network: small Gaussian values, a row scale, a few outliers."""
    rng = random.Random(6)
    rows, columns = 160, 128
    values = []
    for _ in range(rows):
        scale = 0.02 * rng.lognormvariate(0, 0.4)
        values += [rng.gauss(0, scale) * (12 if rng.random() < 0.001 else 1) for _ in range(columns)]
    head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }" % (rows, columns)
    head = head.ljust(128 - 10 - 1) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + struct.pack(f"<{len(values)}f", *values))


def noise_bin(path: Path) -> None:
    """32 KiB that nothing can compress: the file must not grow by more than a few bytes."""
    path.write_bytes(random.Random(7).randbytes(32768))


FILES: dict[str, Callable[[Path], None]] = {
    "hills.ppm": hills_ppm,
    "ridges.jpg": ridges_jpg,
    "layer.npy": layer_npy,
    "noise.bin": noise_bin,
    "orders.jsonl": orders_jsonl,
    "sensors.csv": sensors_csv,
    "server.log": server_log,
    "strings.wav": strings_wav,
}


def main(folder: Path) -> None:
    """Write every file of `FILES` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in FILES.items():
        make(folder / name)
        print(f"{folder / name}: {(folder / name).stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "examples")
