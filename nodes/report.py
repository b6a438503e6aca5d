"""TAP Report: what the last run did, as text and as figures."""

import json

from comfy_api.latest import io, ui

from ..tap_core.record.holder import RecordHolder
from ..tap_core.record.record import TapRecord
from ..tap_core.record.summary import report_text
from .inputs.view import after_input, check_holder, record_input, why_no_run


class TapReport(io.ComfyNode):
    """Tells how many steps were computed, how much faster the run was, and which predictors forecast the others."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Ids and input names are stable: append only."""
        return io.Schema(
            node_id="TapReport",
            display_name="TAP Report",
            category="tap",
            description="Tells what TAP did in the last run: how many steps were computed, how much faster the run "
            "was, how close the picture is, what the tokens chose at each step, and why some steps could not be "
            "forecast.",
            search_aliases=["tap", "speed", "statistics", "log", "cache"],
            inputs=[record_input(), after_input()],
            outputs=[io.String.Output(display_name="STRING", tooltip="The report as text.")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, record: RecordHolder, after: object) -> io.NodeOutput:
        """The text on the node and as output; `tap_report` in the ui holds the figures as JSON."""
        found = check_holder(record).latest
        text = report_text(found) if found else why_no_run(record)
        figures = json.dumps((found or TapRecord()).report())
        return io.NodeOutput(text, ui={**ui.PreviewText(text).as_dict(), "tap_report": [figures]})
