"""All rows of the compatibility matrix."""

from __future__ import annotations

import matrix_compiled
import matrix_conditions
import matrix_faults
import matrix_guiders
import matrix_nodes
import matrix_notices
import matrix_parallel
import matrix_patches
import matrix_precision
import matrix_replay
import matrix_rivals
import matrix_samplers
import matrix_soak

PARTS = (matrix_conditions, matrix_guiders, matrix_samplers, matrix_nodes, matrix_patches, matrix_rivals,
         matrix_compiled, matrix_precision, matrix_faults, matrix_replay, matrix_notices, matrix_parallel, matrix_soak)
ROWS = [row for part in PARTS for row in part.ROWS]
CASES = [(row, model) for row in ROWS for model in row.models]
