"""The sample driver with a fault, as a file beside its state says: cut-driver.py SAMPLE STATE.

{"without": [operations it lacks], "rules": {...}, "dieAt": n, "after": true} -- it ends at its nth request that is
no "hello" or "list", counted over restarts, before or after carrying it out; once.
"""
import importlib.util
import json
import os
import pathlib
import sys

sample, state = sys.argv[1:]
spec = importlib.util.spec_from_file_location("sample", sample)
driver = importlib.util.module_from_spec(spec)
spec.loader.exec_module(driver)
faults = pathlib.Path(state + ".faults")
count = pathlib.Path(state + ".count")
honest = driver.answer


def told():
    return json.loads(faults.read_text()) if faults.exists() else {}


def answer(request, key):
    if request.get("op") in ("hello", "list"):
        return honest(request, key)
    # The test may have put another key into the reader meanwhile.
    key.__init__(key.file)
    at = int(count.read_text()) + 1 if count.exists() else 1
    count.write_text(str(at))
    if at == told().get("dieAt") and not told().get("after"):
        os._exit(3)
    reply = honest(request, key)
    if at == told().get("dieAt"):
        os._exit(3)
    return reply


for operation in told().get("without", []):
    driver.OPERATIONS.pop(operation)
for which, rule in told().get("rules", {}).items():
    driver.RULES[which].update(rule)
driver.answer = answer
sys.argv = [sample, "--state", state]
driver.main()
