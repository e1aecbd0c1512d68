#!/usr/bin/python3
"""Makes pin-hashes.tsv: PINs as the old servers store them, by implementations that are not ours.

Debian's python3-passlib and python3-argon2 (the C reference code), which is what privacyIDEA itself calls; hashlib for the
SHA-256 of LinOTP and of old privacyIDEA. Run once, the result is kept: /usr/bin/python3 make-pin-hashes.py > pin-hashes.tsv
"""
import hashlib
import os

import argon2
import argon2.low_level
from passlib.context import CryptContext
from passlib.hash import argon2 as passlib_argon2
from passlib.hash import pbkdf2_sha512


def line(what, pin, hashed, seed=""):
    print("\t".join([what, pin, hashed, seed]))


def raw(kind, version, pin, time, memory, lanes):
    salt = os.urandom(16)
    return argon2.low_level.hash_secret(
        pin.encode(), salt, time_cost=time, memory_cost=memory, parallelism=lanes, hash_len=32, type=kind, version=version).decode()


print("# what\tPIN\thash\tseed")
# As privacyIDEA makes them (lib/crypto.py pass_hash: passlib's defaults, nine rounds); no pepper, which is for passwords.
privacyidea = CryptContext(["argon2", "pbkdf2_sha512"], argon2__rounds=9)
line("privacyIDEA argon2", "1234", privacyidea.hash("1234"))
line("privacyIDEA argon2, no PIN set", "", privacyidea.hash(""))
line("privacyIDEA argon2, more than ASCII", "Grüße-9", privacyidea.hash("Grüße-9"))
line("passlib argon2i", "1234", passlib_argon2.using(type="I", rounds=2, memory_cost=1024, parallelism=2).hash("1234"))
line("passlib argon2d", "1234", passlib_argon2.using(type="D", rounds=2, memory_cost=1024, parallelism=2).hash("1234"))
line("passlib argon2id", "0000", passlib_argon2.using(type="ID", rounds=2, memory_cost=512, parallelism=1).hash("0000"))
line("argon2i of version 1.0", "1234", raw(argon2.Type.I, 16, "1234", 2, 512, 1))
line("argon2i without its version, which then is 1.0", "1234", raw(argon2.Type.I, 16, "1234", 2, 512, 1).replace("$v=16", ""))
line("passlib pbkdf2_sha512", "1234", pbkdf2_sha512.hash("1234"))
line("passlib pbkdf2_sha512, no PIN set", "", pbkdf2_sha512.using(rounds=1000).hash(""))
line("passlib pbkdf2_sha512, a dot in its base64", "pin 1",
     next(h for h in iter(lambda: pbkdf2_sha512.using(rounds=1000).hash("pin 1"), None) if "." in h))
for name in ("LinOTP", "privacyIDEA before 3.0"):
    seed = os.urandom(16)
    line(name + " SHA-256", "4711", hashlib.sha256(b"4711" + seed).hexdigest(), seed.hex())
seed = os.urandom(16)
line("LinOTP SHA-256, no PIN set", "", hashlib.sha256(seed).hexdigest(), seed.hex())
