"""One sampling run in ComfyUI: its wrappers, conditions, ControlNets and memory."""
