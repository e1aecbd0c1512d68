#!/usr/bin/env python3
"""A driver for a key whose maker offers only a closed command line: JSON lines in, JSON lines out (docs/keys.md).

This one drives a key that exists in a state file, so that it can be run anywhere. For real keys, keep everything
above "the key" and replace what is below it by calls of the maker's tool. Hand secrets to that tool over its
standard input or environment where it allows that: arguments can be read by every user of the machine.

    enterprise-key.py [--state FILE]
"""
import argparse
import hashlib
import hmac
import json
import pathlib
import sys

RULES = {
    "pin": {"min": 6, "max": 8, "alphabet": "0123456789", "factory": "000000"},
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
               "forcePinChange": False, "oath": {}}

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


def oath_put(key, request):
    secret = bytes.fromhex(request["secretHex"])
    if request.get("algorithm") not in HASHES or request.get("type") not in ("hotp", "totp") or not secret:
        raise Refusal("refused", "the credential is of a kind this key does not make")
    key.prove("pin", request.get("pin"))
    kept = {m: request[m] for m in ("type", "algorithm", "digits", "counter", "period")}
    key.set(oath={**key.state["oath"], request["name"]: {**kept, "secret": secret.hex()}})


def oath_code(key, request):
    key.prove("pin", request.get("pin"))
    kept = key.state["oath"].get(request.get("name"))
    if kept is None:
        raise Refusal("refused", "there is no such credential")
    factor = kept["counter"] if kept["type"] == "hotp" else request["time"] // kept["period"]
    if kept["type"] == "hotp":
        kept["counter"] += 1
        key.save()
    # RFC 4226, 5.3: dynamic truncation.
    mac = hmac.digest(bytes.fromhex(kept["secret"]), factor.to_bytes(8, "big"), HASHES[kept["algorithm"]])
    at = mac[-1] & 15
    number = int.from_bytes(mac[at:at + 4], "big") & 0x7FFFFFFF
    return {"code": str(number % 10 ** kept["digits"]).zfill(kept["digits"])}


HASHES = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}

OPERATIONS = {
    "token-cuid": token_cuid,
    "properties": properties,
    "puk-put": puk_put,
    "pin-change": pin_change,
    "pin-unblock": pin_unblock,
    "force-pin-change": force_pin_change,
    "oath-put": oath_put,
    "oath-code": oath_code,
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
