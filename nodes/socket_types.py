"""The pack's own socket types."""

from comfy_api.latest import io

TAP_RECORD = io.Custom("TAP_RECORD")
TAP_POOL = io.Custom("TAP_POOL")
TAP_SCHEDULE = io.Custom("TAP_SCHEDULE")
TAP_TRACE = io.Custom("TAP_TRACE")
