"""One run in ComfyUI: its wrappers, conditions, ControlNets and memory."""
