#!/usr/bin/env python3
"""OathServer from Python, with the standard library alone.

    OATHSERVER_URL=https://oath.example.com OATHSERVER_KEY=… ./oathserver.py validate USER CODE
    … resync SERIAL CODE CODE | record CUID-OR-SERIAL-OR-NAME

Ends with 0: accepted, resynchronised, found; 1: refused, not found; 2: no answer to rely on.
"""
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid


class Unavailable(Exception):
    """No answer to rely on: nobody may be let in."""


class OathServer:
    """The calls a relying party and a help desk need."""

    def __init__(self, url, key, timeout=10, pauses=(0, 0.2, 1)):
        self.url, self.key, self.timeout, self.pauses = url.rstrip("/"), key, timeout, pauses

    def validate(self, user, code, realm=None):
        """True when the code was accepted; it never will be again. One request id over all tries: after a lost reply the
        server gives the same answer again instead of "used before"."""
        request_id = str(uuid.uuid4())
        body = {"user": user, "code": code} | ({"realm": realm} if realm else {})
        for pause in self.pauses:
            time.sleep(pause)
            try:
                status, answer = self._call("POST", "/v1/validate", body, {"Idempotency-Key": request_id})
            except OSError:
                continue
            except http.client.HTTPException:
                continue
            if status == 200:
                return answer["accepted"] is True
            if status not in (429, 503):
                raise Unavailable(f"{status}: {answer}")
        raise Unavailable("no answer")

    def resynchronise(self, serial, codes):
        """None when the token is realigned, else why not."""
        status, answer = self._call("POST", f"/v1/tokens/{urllib.parse.quote(serial, safe='')}/resync", {"codes": codes})
        if status == 200:
            return None
        if status in (404, 422):
            return answer.get("detail") or answer.get("title")
        raise Unavailable(f"{status}: {answer}")

    def records(self, search):
        """The records of a CUID, a serial number, a user's name or mail."""
        status, answer = self._call("GET", "/v1/records?" + urllib.parse.urlencode({"search": search}))
        if status != 200:
            raise Unavailable(f"{status}: {answer}")
        return answer

    def _call(self, method, path, body=None, headers=None):
        request = urllib.request.Request(
            self.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"X-API-Key": self.key, "Content-Type": "application/json"} | (headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as refusal:
            text = refusal.read()
            return refusal.code, json.loads(text) if text else {}


def main(words):
    server = OathServer(os.environ["OATHSERVER_URL"], os.environ["OATHSERVER_KEY"])
    match words:
        case ["validate", user, code]:
            accepted = server.validate(user, code)
            print("accepted" if accepted else "refused")
            return 0 if accepted else 1
        case ["resync", serial, *codes] if len(codes) in (2, 3):
            why = server.resynchronise(serial, codes)
            print(why or "resynchronised")
            return 1 if why else 0
        case ["record", search]:
            found = server.records(search)
            print(json.dumps(found))
            return 0 if found else 1
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Unavailable, OSError) as fault:
        print(fault, file=sys.stderr)
        sys.exit(2)
