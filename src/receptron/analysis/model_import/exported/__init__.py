"""Exported programs (.pt2) as networks to look at, without torch's own loader.

`torch.export.load` unpickles sample inputs, constants and weights, gives strings of the file to `sympify` and `exec`, walks from
`torch` to whatever a dotted name says, and loads compiled libraries. Checking all of that would mean to follow it through every release.
So none of it is called: the graph is JSON, decoded by type (schema.py) from one member of the archive (archive.py); its operators are
looked up in a list (operators.py) and run one by one (plan.py, program.py) on tensors without numbers. Weights are made of the shapes that
are stated (owned.py), inputs are held against what the program was exported for (doors.py, guards.py). No member that could hold a pickle
is opened, and no text of the file becomes code, a module's name or a path.
"""

from receptron.analysis.model_import.exported.program import ExportedNet

__all__ = ["ExportedNet"]
