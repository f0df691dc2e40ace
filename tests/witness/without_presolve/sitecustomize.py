"""Every linear programme of this Python and its children is solved without presolve, and each solve is recorded.

Python imports this module when it starts with the folder on PYTHONPATH, in kernels and worker processes alike. HiGHS
is reached by three ways: highspy, linopy, which calls highspy, and scipy's linprog, which carries a HiGHS of its own.
WITNESS_PRESOLVE is the option's value, left as it is if empty. WITNESS_RECORD is a file that gets a line a solve: kind
of programme, the option as HiGHS has it after the run, and what HiGHS says of its presolve.
"""

import os

import highspy
import scipy.optimize._linprog

PRESOLVE, RECORD = os.environ["WITNESS_PRESOLVE"], os.environ["WITNESS_RECORD"]


def record(*words):
    """Append a line; short ones stay whole, however many processes write."""
    file = os.open(RECORD, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{' '.join(words)}\n".encode())
    os.close(file)


def run(highs):
    """Set the option, run HiGHS and record what it did."""
    if PRESOLVE:
        highs.setOptionValue("presolve", PRESOLVE)
    status = RUN(highs)
    kind = "LP" if highs.getInfo().mip_node_count < 0 else "MILP"
    record(kind, highs.getOptionValue("presolve")[1], highs.getModelPresolveStatus().name)
    return status


def linprog(*arguments, presolve=True, **options):
    """Solve as scipy does, with the option."""
    presolve = {"on": True, "off": False}.get(PRESOLVE, presolve)
    record("LP", "on" if presolve else "off", "scipy")
    return LINPROG(*arguments, presolve=presolve, **options)


RUN, highspy.Highs.run = highspy.Highs.run, run
LINPROG, scipy.optimize._linprog._linprog_highs = scipy.optimize._linprog._linprog_highs, linprog
