"""What TAP Accelerate has to be told to be the paper's TAP: without what the pack adds."""

PAPER_SETTINGS = {"target": "residual", "placement": "paper", "correction": "off", "trust": "full",
                  "probe_stride": 1}
