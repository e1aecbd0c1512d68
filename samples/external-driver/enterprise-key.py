#!/usr/bin/env python3
"""A driver for a key whose maker offers only a closed command line: JSON lines in, JSON lines out (docs/keys.md).

This one drives a key that exists in a state file, so that it can be run anywhere. For real keys, keep everything
above "the key" and replace what is below it by calls of the maker's tool. Hand secrets to that tool over its
standard input or environment where it allows that: arguments can be read by every user of the machine.

    enterprise-key.py [--state FILE]
"""
import argparse
import hmac
import json
import pathlib
import sys

RULES = {
    "pin": {"min": 6, "max": 8, "alphabet": "0123456789"},
    "puk": {"min": 16, "max": 16, "alphabet": "0123456789"},
}


class Refusal(Exception):
    """An answer with "ok": false."""

    def __init__(self, error, message, **more):
        self.answer = {"ok": False, "error": error, "message": message, **more}


def answer(request, key):
    operation = request.get("op")
    if operation == "hello":
        return {
            "protocol": 1,
            "name": "enterprise-key (sample)",
            "operations": ["list", *OPERATIONS],
            "rules": RULES,
        }
    if operation == "list":
        return {"readers": [key.reader]}
    if operation not in OPERATIONS:
        raise Refusal("unsupported", "this driver has no such operation")
    if request.get("reader") != key.reader:
        raise Refusal("no-key", "there is no key in that reader")
    return OPERATIONS[operation](key, request) or {}


def check_rule(which, value):
    rule = RULES[which]
    if not (isinstance(value, str) and rule["min"] <= len(value) <= rule["max"]
            and all(c in rule["alphabet"] for c in value)):
        raise Refusal("refused", f"the {which} breaks the key's rules")
    return value


# --- the key -----------------------------------------------------------------------------------------------------

class Key:
    """State of one key, written back after each change."""

    TRIES = 5
    FACTORY = {"cuid": "4790A1B2C3D4E5F60718", "pin": "000000", "puk": None, "pinTries": TRIES, "pukTries": TRIES,
               "forcePinChange": False}

    def __init__(self, file):
        self.file = file
        self.reader = "Sample Enterprise Key 0"
        self.state = dict(self.FACTORY)
        if file and file.exists():
            self.state.update(json.loads(file.read_text()))

    def save(self):
        if self.file:
            part = self.file.with_suffix(".part")
            part.write_text(json.dumps(self.state))
            part.replace(self.file)

    def prove(self, which, given):
        tries = which + "Tries"
        if self.state[which] is None:
            raise Refusal("refused", f"the {which} is not initialised")
        if self.state[tries] == 0:
            raise Refusal("blocked", f"the {which} is blocked")
        if not hmac.compare_digest(self.state[which].encode(), str(given).encode()):
            self.state[tries] -= 1
            self.save()
            if self.state[tries] == 0:
                raise Refusal("blocked", f"the {which} is blocked")
            raise Refusal("wrong", f"the {which} is wrong", triesLeft=self.state[tries])
        self.state[tries] = self.TRIES

    def set(self, **values):
        self.state.update(values)
        self.save()


def token_cuid(key, request):
    return {"cuid": key.state["cuid"]}


def properties(key, request):
    return {"properties": {
        "PUKInitialized": key.state["puk"] is not None,
        "ForcePinChange": key.state["forcePinChange"],
        "PinTriesLeft": key.state["pinTries"],
    }}


def puk_put(key, request):
    puk = check_rule("puk", request.get("puk"))
    key.prove("pin", request.get("pin"))
    key.set(puk=puk, pukTries=Key.TRIES)


def pin_change(key, request):
    new = check_rule("pin", request.get("newPin"))
    key.prove("pin", request.get("pin"))
    key.set(pin=new, forcePinChange=False)


def pin_unblock(key, request):
    new = check_rule("pin", request.get("newPin"))
    key.prove("puk", request.get("puk"))
    key.set(pin=new, pinTries=Key.TRIES)


def force_pin_change(key, request):
    key.prove("pin", request.get("pin"))
    key.set(forcePinChange=True)


OPERATIONS = {
    "token-cuid": token_cuid,
    "properties": properties,
    "puk-put": puk_put,
    "pin-change": pin_change,
    "pin-unblock": pin_unblock,
    "force-pin-change": force_pin_change,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=pathlib.Path)
    key = Key(parser.parse_args().state)
    for line in sys.stdin:
        request = {}
        try:
            request = json.loads(line)
            reply = {"ok": True, **answer(request, key)}
        except Refusal as refusal:
            reply = refusal.answer
        except Exception:  # never quote the request: it may hold a PIN
            reply = {"ok": False, "error": "refused", "message": "the request cannot be carried out"}
        print(json.dumps({"id": request.get("id"), **reply}), flush=True)


if __name__ == "__main__":
    main()
