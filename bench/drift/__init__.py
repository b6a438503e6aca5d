"""What full steps at a drifted x cost."""

from models.pack import load_pack

load_pack()
