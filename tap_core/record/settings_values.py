"""The settings of a run, as its record has them."""

from dataclasses import fields


def settings_values(settings: object) -> dict[str, object]:
    """A settings object as plain JSON values, without settings that are not given or that another one replaces."""
    values = {entry.name: getattr(settings, entry.name) for entry in fields(settings)}
    replaced = ()
    if values.get("given_schedule") is not None:
        replaced = ("quality", "most_computed", "interval", "warmup_steps", "placement")
    elif values.get("interval") == 1:
        replaced = ("quality", "most_computed")
    elif "quality" in values:
        replaced = ("most_computed",) if values["quality"] == "fixed" else ("interval", "warmup_steps")
    if values.get("given_pool") is not None:
        replaced += ("orders", "horizon_from", "horizon_to", "horizon_step")
    return {
        name: value if isinstance(value, str | int | float) else str(value)
        for name, value in values.items() if value is not None and name not in replaced
    }
