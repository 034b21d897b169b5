"""One sound at equal bytes: (sound, methods, judges) -> a row of versions for `lacodec.evaluation.report.sounds`."""

from collections.abc import Sequence

from lacodec.evaluation.audio.judges import Judge
from lacodec.evaluation.audio.measure import Method, restored, settings
from lacodec.evaluation.audio.sound import Sound
from lacodec.evaluation.report.equal import Choice, matched, settings_between
from lacodec.evaluation.report.sounds import Group, Version


def group(
    name: str, sound: Sound, methods: Sequence[Method], ours: Sequence[str], judges: Sequence[Judge], wanted: float
) -> Group:
    """Each method's file of about equal bytes. `ours`: names of methods whose settings are all to be tried.

    The first of the others leads, at a setting `wanted` (0 to 1) of the way through its usual ones.
    """
    leader = next((method for method in methods if method.name not in ours), methods[0])
    ordered = [leader, *(method for method in methods if method is not leader)]
    choices = [_choice(method, sound, method.name in ours) for method in ordered]
    usual = settings(leader, sound.channels)
    found = matched(choices[0], choices[1:], usual[round(wanted * (len(usual) - 1))])
    made = {}
    for method, one in zip(ordered, found, strict=True):
        decoded, _ = restored(sound, method.decode(one.data))
        off = "" if method is leader else f" ({100 * one.off:+.2f} %)"
        scores = [f"{judge.name} {judge(sound, decoded).score:.2f}" for judge in judges]
        how = ", ".join([f"{method.sweep} {one.setting:.4g}", f"{len(one.data):,} bytes{off}", *scores])
        made[method.name] = Version(method.name, how, decoded)
    kbps = 8 * len(found[0].data) / sound.seconds / 1000
    return Group(name, sound, [(f"{kbps:.1f} kbit/s", [made[method.name] for method in methods])])


def _choice(method: Method, sound: Sound, all_settings: bool) -> Choice:
    usual = settings(method, sound.channels)
    whole = method.sweep != "kbps" and all(isinstance(value, int) for value in usual)
    return Choice(
        name=method.name,
        settings=usual if all_settings else settings_between(usual, whole),
        encode=lambda value: method.encode(sound, value),
    )
