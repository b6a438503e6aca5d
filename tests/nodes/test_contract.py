"""What saved workflows hold of each node: its inputs in their order, and its outputs. New ones come at the end."""

from __future__ import annotations

import asyncio

import pytest
from comfy_api.latest import io
from tap_pack import comfy_entrypoint

NODES = {node.GET_SCHEMA().node_id: node for node in asyncio.run(asyncio.run(comfy_entrypoint()).get_node_list())}
# Node -> its inputs, and the types of its outputs. An artist's graph keeps the values of inputs by their place.
CONTRACT = {
    "TapAccelerate": (
        "model quality interval orders horizon_from horizon_to proxy_loss warmup_steps horizon_step target "
        "time_axis cache_device correction placement schedule predictors trust probe_stride most_computed "
        "memory_limit start_percent end_percent closer_than_told",
        "MODEL TAP_RECORD"),
    "TapPredictorPool": (
        "taylor newton hermite hicache spectrum adams_bashforth foca foca_heun dicache tc_pade freqca magcache "
        "orders horizon_from horizon_to selection horizon_step hermite_steps spectrum_steps hicache_scale "
        "freqca_cutoff seed learned",
        "TAP_POOL"),
    "TapSchedule": (
        "schedule start_percent end_percent outside",
        "TAP_SCHEDULE"),
    "TapMethod": (
        "method model",
        "TAP_POOL TAP_SCHEDULE"),
    "TapChoiceMap": (
        "record after layer picture opacity size legend prompt batch_index frame",
        "IMAGE"),
    "TapReport": (
        "record after",
        "STRING"),
    "TapDemoScene": (
        "time season land ground landmark trees weather sun_position landmark_position tree_amount",
        "CONDITIONING CONDITIONING"),
    "TapChoiceMapViewer": (
        "record after",
        ""),
    "TapMeasureRun": (
        "model target schedule predictors",
        "MODEL TAP_TRACE"),
    "TapCalibrate": (
        "trace after budget orders horizon_from horizon_to proxy_loss horizon_step time_axis correction trust "
        "predictors trace_2 after_2 trace_3 after_3 learn_weights move_sigmas",
        "TAP_SCHEDULE STRING IMAGE TAP_POOL SIGMAS"),
    "TapPlacement": (
        "text budget",
        "TAP_SCHEDULE STRING TAP_POOL SIGMAS"),
    "TapFitTables": (
        "trace after method threshold",
        "TAP_SCHEDULE STRING"),
    "TapCompare": (
        "picture reference other_seed amplify record",
        "STRING IMAGE"),
}


def test_no_node_is_without_one() -> None:
    assert NODES.keys() == CONTRACT.keys()


@pytest.mark.parametrize("name", CONTRACT)
def test_inputs_and_outputs_stay_where_they_are(name: str) -> None:
    """More may come after them."""
    schema, (inputs, outputs) = NODES[name].GET_SCHEMA(), CONTRACT[name]
    assert [each.id for each in schema.inputs][: len(inputs.split())] == inputs.split()
    assert [each.io_type for each in schema.outputs][: len(outputs.split())] == outputs.split()


@pytest.mark.parametrize("name", CONTRACT)
def test_no_input_that_is_new_is_required(name: str) -> None:
    """A saved graph has nothing for it."""
    schema, (inputs, _) = NODES[name].GET_SCHEMA(), CONTRACT[name]
    new = schema.inputs[len(inputs.split()) :]
    assert all(each.optional or (isinstance(each, io.WidgetInput) and each.default is not None) for each in new)
