# ruff: noqa: E501, SIM905  (lines of logs are long, lists of words are not code)
"""Made-up logs of many formats, for training: times, counters, identifiers and states that repeat as those of programs do.

for name, log in samples(seed=1, size=150_000): ...
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

_WORDS = (
    "connection session request worker cache index block node server client buffer queue table segment snapshot leader replica "
    "volume lease token account transaction message channel stream cluster partition schema shard sync retry timeout handler"
).split()
_VERBS = (
    "opened closed started stopped received sent created removed updated failed accepted rejected loaded flushed expired".split()
)
_USERS = "root admin guest oracle test alice bob carol deploy backup postgres www-data ftp nobody service".split()
_HOSTS = "alpha beta gamma delta web-01 web-02 db-01 db-02 cache-7 edge-11 combo labsz".split()
_LEVELS = ("INFO",) * 12 + ("WARN",) * 3 + ("ERROR", "DEBUG", "DEBUG")


class _Clock:
    """Time goes on in bursts: most steps are small, some long."""

    def __init__(self, rng: random.Random, mean: float) -> None:
        self.rng, self.mean = rng, mean
        self.now = datetime(2003, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randrange(600_000_000))

    def tick(self) -> datetime:
        mean = self.mean * self.rng.choice((0.02, 0.02, 0.2, 1, 1, 4))
        self.now += timedelta(seconds=self.rng.expovariate(1 / mean))
        return self.now


def samples(seed: int, size: int) -> Iterator[tuple[str, bytes]]:
    """(name of the format, about `size` bytes of it), each format once."""
    for number, make in enumerate(_FORMATS):
        rng = random.Random(f"{seed} {number}")
        lines, length = [], 0
        for line in make(rng):
            lines.append(line)
            length += len(line) + 1
            if length >= size:
                break
        yield make.__name__.strip("_"), ("\n".join(lines) + "\n").encode()


def _ip(rng: random.Random) -> str:
    return f"{rng.choice((10, 10, 172, 192, 61, 218))}.{rng.choice((0, 1, 16, 168, 251))}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def _recent(rng: random.Random, pool: list[str], make: Callable[[], str], fresh: float, keep: int) -> str:
    """One of the last values, or a new one."""
    if not pool or rng.random() < fresh:
        pool.append(make())
        del pool[:-keep]
        return pool[-1]
    return pool[-1 - min(int(rng.expovariate(0.4)), len(pool) - 1)]


def _messages(rng: random.Random, count: int) -> list[str]:
    """Templates of messages; fields in braces."""
    fields = ("{n}", "{ip}", "{id}", "{user}", "{size}", "{hex}")
    made = []
    for _ in range(count):
        parts = [rng.choice(_WORDS).capitalize(), rng.choice(_VERBS)]
        for _ in range(rng.randrange(4)):
            parts.append(
                rng.choice(("{} {}", "{}={}", "{}: {},", "for {} {}", "[{}:{}]")).format(rng.choice(_WORDS), rng.choice(fields))
            )
        made.append(" ".join(parts))
    return made


def _filled(rng: random.Random, template: str, state: dict) -> str:
    state.setdefault("ips", []), state.setdefault("ids", [])
    state["n"] = state.get("n", rng.randrange(9000)) + rng.choice((0, 1, 1, 1, 2))
    return template.format(
        n=state["n"],
        ip=_recent(rng, state["ips"], lambda: _ip(rng), 0.1, 30),
        id=_recent(rng, state["ids"], lambda: f"{rng.choice('abr')}_{rng.getrandbits(40)}", 0.3, 10),
        user=rng.choice(_USERS[: rng.randrange(2, 15)]),
        size=rng.choice((512, 4096, 67108864, rng.randrange(100_000), rng.randrange(3000))),
        hex=f"0x{rng.getrandbits(20):x}",
    )


def _after(rng: random.Random, follow: dict, last: int, count: int) -> int:
    """The next template: mostly one of those that follow the last."""
    known = follow.setdefault(last, [rng.randrange(count) for _ in range(3)])
    return known[min(int(rng.expovariate(1.2)), 2)] if rng.random() < 0.95 else rng.randrange(count)


def _java(rng: random.Random) -> Iterator[str]:
    clock, templates, follow, state, last = _Clock(rng, 0.7), _messages(rng, 30), {}, {}, 0
    classes = [f"org.{rng.choice(_WORDS)}.{rng.choice(_WORDS)}.{rng.choice(_WORDS).capitalize()}Manager" for _ in range(9)]
    stamp = rng.choice(("%Y-%m-%d %H:%M:%S,", "%y/%m/%d %H:%M:%S.", "%Y-%m-%dT%H:%M:%S."))
    while True:
        now = clock.tick()
        last = _after(rng, follow, last, len(templates))
        thread = rng.choice((f"worker-{rng.randrange(8)}", "main", f"pool-{rng.randrange(3)}-thread-{rng.randrange(20)}"))
        level = _LEVELS[last % len(_LEVELS)]
        yield f"{now.strftime(stamp)}{now.microsecond // 1000:03d} {level:5} [{thread}] {classes[last % 9]}: {_filled(rng, templates[last], state)}"


def _syslog(rng: random.Random) -> Iterator[str]:
    clock, host, pids, state = _Clock(rng, 40), rng.choice(_HOSTS), {}, {"ips": []}
    pid = rng.randrange(2000, 30_000)
    while True:
        now = clock.tick()
        pid += rng.randrange(1, 6)
        head = f"{now.strftime('%b')} {now.day:2d} {now.strftime('%H:%M:%S')} {host}"
        ip = _recent(rng, state["ips"], lambda: _ip(rng), 0.08, 12)
        user = rng.choice(_USERS) if rng.random() < 0.3 else "root"
        kind = rng.random()
        if kind < 0.6:
            pids[pid] = ip
            yield f"{head} sshd[{pid}]: Failed login for {'unknown user ' if rng.random() < 0.3 else ''}{user} from {ip} port {rng.randrange(1024, 65536)} ssh2"
            yield f"{head} sshd[{pid}]: pam_auth(sshd): check failed; uid=0 euid=0 tty=ssh rhost={ip} {' user=' + user if user == 'root' else ''}"
            if rng.random() < 0.7:
                yield f"{head} sshd[{pid}]: Disconnected from {ip}: 11: Bye [preauth]"
        elif kind < 0.8:
            yield f"{head} cron[{pid}]: ({user}) CMD (run-parts /etc/cron.{rng.choice(('hourly', 'daily'))})"
        else:
            yield f"{head} su(pam_unix)[{pid}]: session opened for user {user} by (uid={rng.randrange(3) * 500})"
            yield f"{head} su(pam_unix)[{pid}]: session closed for user {user}"


def _access(rng: random.Random) -> Iterator[str]:
    clock, state = _Clock(rng, 1.5), {"ips": []}
    paths = [
        f"/{rng.choice(_WORDS)}/{rng.choice(_WORDS)}{rng.choice(('.html', '.png', '/', '.js', f'?id={rng.randrange(900)}'))}"
        for _ in range(60)
    ]
    sizes = {path: rng.randrange(200, 90_000) for path in paths}
    agents = [
        f"Mozilla/5.0 ({rng.choice(('X11; Linux x86_64', 'Windows NT 10.0', 'Macintosh'))}) App/{rng.randrange(90)}.0"
        for _ in range(8)
    ]
    while True:
        now, path = clock.tick(), rng.choice(paths[: rng.randrange(1, 60)])
        code = rng.choice((200, 200, 200, 304, 404))
        taken, identifier = f"{rng.expovariate(20):.3f}", f"{rng.getrandbits(128):032x}"
        yield (
            f'{_recent(rng, state["ips"], lambda: _ip(rng), 0.1, 20)} - - [{now.strftime("%d/%b/%Y:%H:%M:%S +0000")}] "GET {path} HTTP/1.1" {code} '
            f'{sizes[path] if code == 200 else 0} "-" "{rng.choice(agents[: rng.randrange(1, 8)])}" {taken} {rng.randrange(40)} {identifier}'
        )


def _table(rng: random.Random) -> Iterator[str]:
    clock, state = _Clock(rng, 0.3), {"ips": []}
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    names = [f"{rng.choice(_WORDS)}.{rng.choice(_WORDS)}.{rng.choice(('com', 'net', 'org', 'local'))}" for _ in range(70)]
    yield "#fields\tts\tuid\torig_h\torig_p\tresp_h\tresp_p\tproto\tquery\tname\tnotice"
    while True:
        now = clock.tick()
        uid = "C" + "".join(rng.choice(letters) for _ in range(17))
        one, two = (_recent(rng, state["ips"], lambda: _ip(rng), 0.05, 40) for _ in range(2))
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            yield (
                f"{now.timestamp():.6f}\t{uid}\t{one}\t{rng.randrange(1024, 65536)}\t{two}\t{rng.choice((53, 53, 53, 80, 443, 137))}\tudp\t"
                f"{rng.randrange(65536)}\t{rng.choice(names[: rng.randrange(1, 70)])}\t1\tC_INTERNET\t{rng.choice((1, 1, 28, 12))}\t-\tF\tF\tT\t-\t(empty)"
            )


def _database(rng: random.Random) -> Iterator[str]:
    clock = _Clock(rng, 0.02)
    pids = [rng.randrange(900, 30_000) for _ in range(6)]
    steps, at = {}, {}
    while True:
        now, pid = clock.tick(), rng.choice(pids)
        head = f"{now.strftime('%Y-%m-%d %H:%M:%S')}.{now.microsecond // 1000:03d} UTC [{pid}] app@main LOG:  "
        step = steps[pid] = (steps.get(pid, -1) + 1) % 6
        if step == 0:
            at[pid] = rng.randrange(1, 100_000), rng.randrange(1, 11), rng.randrange(-5000, 5000)
        account, branch, delta = at[pid]
        statement = (
            "BEGIN;",
            f"UPDATE accounts SET balance = balance + {delta} WHERE aid = {account};",
            f"SELECT balance FROM accounts WHERE aid = {account};",
            f"UPDATE branches SET balance = balance + {delta} WHERE bid = {branch};",
            f"INSERT INTO history (bid, aid, delta, mtime) VALUES ({branch}, {account}, {delta}, CURRENT_TIMESTAMP);",
            "END;",
        )[step]
        yield f"{head}statement: {statement}"
        yield f"{head}duration: {rng.expovariate(5):.3f} ms"
        if rng.random() < 0.003:
            yield f"{head.replace('LOG', 'ERROR')}deadlock found\n\tProcess {pid} waits for a lock on row ({rng.randrange(200)},{rng.randrange(80)})."


def _calls(rng: random.Random) -> Iterator[str]:
    clock, pid, files = (
        _Clock(rng, 0.0004),
        rng.randrange(4000, 30_000),
        [f"/usr/lib/{rng.choice(_WORDS)}/{rng.choice(_WORDS)}.so" for _ in range(40)],
    )
    base = rng.randrange(1 << 34) << 12
    while True:
        pid += rng.choice((0,) * 60 + (1,))
        path, fd, size = rng.choice(files), rng.randrange(3, 6), rng.randrange(1, 900) * 1024
        base += size
        for call in rng.choice((
            (f'openat(AT_FDCWD, "{path}", O_RDONLY|O_CLOEXEC) = {fd}<{path}>', f"fstat({fd}<{path}>, {{st_mode=S_IFREG|0644, st_size={size}, ...}}) = 0", f"close({fd}<{path}>) = 0"),
            (f"mmap(NULL, {size}, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = {base:#x}", f"munmap({base:#x}, {size}) = 0"),
            (f'access("{path}.conf", R_OK) = -1 ENOENT (No such file or directory)',),
            (f'read({fd}<{path}>, "#{rng.choice(_WORDS)} {rng.choice(_VERBS)}\\n"..., 4096) = {rng.choice((4096, 4096, rng.randrange(4096)))}',),
        )):  # fmt: skip
            now = clock.tick()
            yield f"[pid {pid:5d}] {now.strftime('%H:%M:%S')}.{now.microsecond:06d} {call} <0.{int(rng.expovariate(1 / 30)):06d}>"


def _collections(rng: random.Random) -> Iterator[str]:
    clock, total = _Clock(rng, 3), rng.choice((1048576, 4019712))
    begin, used = clock.now, 270_000
    while True:
        now = clock.tick()
        up, young = (now - begin).total_seconds(), rng.randrange(270_000, 280_000)
        left = rng.randrange(700, 4000)
        used += rng.randrange(40)
        pause = rng.expovariate(200)
        yield (
            f"{now.strftime('%Y-%m-%dT%H:%M:%S')}.{now.microsecond // 1000:03d}+0000: {up:.3f}: [GC (Allocation Failure) {up:.3f}: [New: "
            f"{young}K->{left}K(314560K), {pause:.7f} secs] {used + young - 270000}K->{used - 265000}K({total}K), {pause + 0.00009:.7f} secs] "
            f"[Times: user={pause:.2f} sys=0.00, real={pause:.2f} secs] "
        )


def _json(rng: random.Random) -> Iterator[str]:
    clock, templates, follow, state, last, number = _Clock(rng, 2), _messages(rng, 18), {}, {}, 0, rng.randrange(9999)
    while True:
        now = clock.tick()
        last, number = _after(rng, follow, last, 18), number + 1
        trace = f"{rng.getrandbits(64):016x}"
        yield (
            f'{{"time":"{now.strftime("%Y-%m-%dT%H:%M:%S")}.{now.microsecond:06d}Z","seq":{number},"level":"{_LEVELS[last % 18].lower()}",'
            f'"host":"{rng.choice(_HOSTS[:4])}","trace":"{trace}","msg":"{_filled(rng, templates[last], state)}","ms":{rng.randrange(300)}}}'
        )


def _blocks(rng: random.Random) -> Iterator[str]:
    clock, blocks, nodes = _Clock(rng, 5), [], [f"10.251.{rng.randrange(256)}.{rng.randrange(256)}" for _ in range(150)]
    while True:
        now = clock.tick()
        head = f"{now.strftime('%y%m%d %H%M%S')} {rng.choice((rng.randrange(1, 40), rng.randrange(100, 25_000)))} INFO fs."
        block = _recent(rng, blocks, lambda: f"blk_{rng.getrandbits(64) - (1 << 63)}", 0.4, 60)
        one, two = rng.choice(nodes), rng.choice(nodes)
        yield head + rng.choice((
            f"Node$Receiver: Taking block {block} src: /{one}:{rng.randrange(32768, 61000)} dest: /{one}:50010",
            f"Node$Answer: Answer {rng.randrange(3)} for block {block} ends",
            f"Names: BLOCK* map updated: {two}:50010 holds {block} size 67108864",
            f"Data: Removing block {block} file /mnt/data/current/subdir{rng.randrange(64)}/{block}",
            f"Node: {one}:50010 served block {block} to /{two}",
        ))  # fmt: skip


def _packages(rng: random.Random) -> Iterator[str]:
    clock = _Clock(rng, 0.5)
    while True:
        name, version = (
            f"lib{rng.choice(_WORDS)}-{rng.choice(_WORDS)}{rng.randrange(9)}",
            f"{rng.randrange(9)}.{rng.randrange(30)}.{rng.randrange(9)}-{rng.randrange(1, 5)}",
        )
        steps = ("half-installed", "unpacked", "unpacked", "half-configured", "installed")
        now = clock.tick().strftime("%Y-%m-%d %H:%M:%S")
        yield f"{now} install {name}:amd64 <none> {version}"
        for number, step in enumerate(steps):
            if number == 3:
                yield f"{now} configure {name}:amd64 {version} <none>"
            yield f"{now} status {step} {name}:amd64 {version}"
            now = clock.now.strftime("%Y-%m-%d %H:%M:%S") if rng.random() < 0.9 else clock.tick().strftime("%Y-%m-%d %H:%M:%S")


def _machine(rng: random.Random) -> Iterator[str]:
    clock = _Clock(rng, 60)
    nodes = [
        f"R{rng.randrange(70):02d}-M{rng.randrange(2)}-N{rng.choice('0123456789ABC')}-C:J{rng.randrange(18):02d}-U{rng.choice(('01', '11'))}"
        for _ in range(300)
    ]
    texts = _messages(rng, 12)
    state: dict = {}
    while True:
        node, text = rng.choice(nodes), rng.choice(texts[: rng.randrange(1, 12)])
        for _ in range(rng.choice((1, 1, 2, 30))):
            now = clock.tick() if rng.random() < 0.8 else clock.now
            if rng.random() < 0.5:
                node = rng.choice(nodes)
            yield (
                f"- {int(now.timestamp())} {now.strftime('%Y.%m.%d')} {node} {now.strftime('%Y-%m-%d-%H.%M.%S')}.{now.microsecond:06d} {node} "
                f"RAS KERNEL {rng.choice(('INFO', 'INFO', 'FATAL'))} {_filled(rng, text, state)}"
            )


def _phone(rng: random.Random) -> Iterator[str]:
    clock, steps, begin, last, follow = _Clock(rng, 0.8), rng.randrange(9000), rng.randrange(10**8), 0, {}
    names, first = [f"{rng.choice('SHC')}{rng.choice(_WORDS).capitalize()}" for _ in range(7)], None
    while True:
        now = clock.tick()
        first = first or now
        elapsed = begin + int((now - first).total_seconds() * 1000)
        last, steps = _after(rng, follow, last, 7), steps + rng.choice((0, 0, 1))
        what = (
            f"onChanged {steps}", f"total = {int(now.timestamp() * 1000)}##{steps}##{steps * 7}##{elapsed}", f"event time={elapsed}, flags=0x{rng.choice((0, 1)):x}",
            f"set {int(now.timestamp() * 1000)}:{elapsed}", "flush sensor data", f"altitude={rng.randrange(240, 260)}", f"uid={10000 + rng.randrange(90)}, ready=true",
        )[last]  # fmt: skip
        yield f"{now.strftime('%m-%d %H:%M:%S')}.{now.microsecond // 1000:03d}  {1700 + last:4d}  {rng.choice((1702, 2395, 8671)):4d} {'DIVE'[last % 4]} {names[last]}: {what}"


def _errors(rng: random.Random) -> Iterator[str]:
    clock, state, child, slot = _Clock(rng, 12), {"ips": []}, rng.randrange(1000, 30_000), 6
    scripts = [
        f"/var/www/{rng.choice(('html', 'cgi-bin', 'error'))}/{rng.choice(_WORDS)}{rng.choice(('', '.php', '.pl', '/'))}"
        for _ in range(25)
    ]
    while True:
        now = clock.tick()
        head = f"[{now.strftime('%a %b %d %H:%M:%S %Y')}]"
        kind = rng.random()
        if kind < 0.7:
            count = rng.choice((1, 2, 2, 3, 5))
            for _ in range(count):
                child, slot = child + rng.choice((1, 1, 1, 2, rng.randrange(60))), 6 + (slot + rng.randrange(3)) % 7
                yield f"{head} [notice] init: found child {child} in slot {slot}"
            yield f"{head} [notice] worker.start() ok /etc/httpd/conf/workers.properties"
            if rng.random() < 0.4:
                head = f"[{clock.tick().strftime('%a %b %d %H:%M:%S %Y')}]"
            for _ in range(count if rng.random() < 0.8 else 1):
                yield f"{head} [error] module child worker in error state {rng.choice((6, 6, 6, 7, 8, 9))}"
        else:
            ip = _recent(rng, state["ips"], lambda: _ip(rng), 0.25, 6)
            for script in rng.sample(scripts, rng.choice((1, 1, 1, 3))):
                yield f"{head} [error] [client {ip}] {rng.choice(('File does not exist', 'script not found or unable to stat'))}: {script}"


def _daemons(rng: random.Random) -> Iterator[str]:
    clock, host, pid = _Clock(rng, 200), rng.choice(_HOSTS), rng.randrange(2000, 30_000)
    names = [
        f"{rng.choice(_WORDS)}-{rng.randrange(256)}.{rng.choice(_WORDS)}.{rng.choice(('com', 'net', 'edu'))}" for _ in range(40)
    ]
    while True:
        now, pid = clock.tick(), pid + rng.randrange(1, 300)
        one = rng.choice((_ip(rng), rng.choice(names)))
        for i in range(rng.choice((1, 1, 2, 4, 10, 22))):
            head = f"{now.strftime('%b')} {now.day:2d} {now.strftime('%H:%M:%S')} {host}"
            if pid % 3 == 0:
                yield f"{head} ftpd[{pid + i}]: connection from {one} () at {now.strftime('%a %b')} {now.day:2d} {now.strftime('%H:%M:%S %Y')} "
            elif pid % 3 == 1:
                yield f"{head} sshd(pam_unix)[{pid + i}]: authentication failed; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost={one} {' user=root' if pid % 2 else ''}"
            else:
                yield f"{head} sshd(pam_unix)[{pid + i}]: check pass; user unknown"
            if rng.random() < 0.3:
                now = clock.now = clock.now + timedelta(seconds=rng.randrange(1, 4))


def _training(rng: random.Random) -> Iterator[str]:
    clock, step, epoch, loss = _Clock(rng, 4), 0, 0, 5.0
    while True:
        now = clock.tick()
        loss = max(0.2, loss * 0.9995 + rng.gauss(0, 0.02))
        yield f"{now.strftime('%y-%m-%d %H:%M:%S')}.{now.microsecond // 1000:03d} - INFO: Train epoch {epoch}: [{step:5d}/50000 ({step / 500:.0f}%)]  Loss: {loss:.4f} | MSE: {loss / 900:.6f} | Rate: {loss / 8:.3f} | lr 0.0001"
        step += 800
        if step > 50_000:
            step, epoch = 0, epoch + 1
            yield f"{now.strftime('%y-%m-%d %H:%M:%S')}.{now.microsecond // 1000:03d} - INFO: Test epoch {epoch}: average losses: Loss: {loss * 1.02:.3f} | Rate: {loss / 7.9:.3f}"
            yield ""


_FORMATS = (
    *(
        _java,
        _syslog,
        _access,
        _table,
        _database,
        _calls,
        _collections,
        _json,
        _blocks,
        _packages,
        _machine,
        _phone,
        _training,
        _errors,
        _daemons,
    ),
)
