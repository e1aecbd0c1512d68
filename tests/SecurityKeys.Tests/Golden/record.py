# Records what yubikit (yubikey-manager 4.0.9, Debian) sends, into yubikit-4.0.9.txt beside this file.
# Run: /usr/bin/python3 record.py > yubikit-4.0.9.txt
from yubikit.core import TRANSPORT
from yubikit.core.smartcard import SmartCardConnection, ApduFormat
from yubikit.piv import PivSession, MANAGEMENT_KEY_TYPE, OBJECT_ID, SLOT, KEY_TYPE
from yubikit.oath import OathSession, CredentialData, OATH_TYPE, HASH_ALGORITHM
from yubikit.yubiotp import YubiOtpSession, HotpSlotConfiguration, SLOT as OTP_SLOT
from yubikit.management import ManagementSession


class Recorder(SmartCardConnection):
    transport = TRANSPORT.USB
    sent = None

    def send_and_receive(self, apdu):
        self.sent = apdu
        ins = apdu[1]
        if ins == 0xA4:
            aid = apdu[5:]
            if aid.startswith(bytes.fromhex("a0000005274711")):
                return b"Virtual mgr - FW version 5.4.3", 0x9000
            if aid.startswith(bytes.fromhex("a0000005272101")):
                return bytes.fromhex("7903050403" "71080102030405060708"), 0x9000
            if aid.startswith(bytes.fromhex("a0000005272001")):
                return bytes.fromhex("050403000000"), 0x9000
            return b"", 0x9000
        if ins == 0xFD:
            return bytes.fromhex("050403"), 0x9000
        if ins == 0xF7:
            return bytes.fromhex("0101ff" "020200ff" "050101" "06020303"), 0x9000
        if ins == 0x01 and len(apdu) > 60 and apdu[2] in (1, 3):
            return bytes.fromhex("050403010500"), 0x9000
        if ins == 0xA2:
            return bytes.fromhex("76050600000000"), 0x9000
        if ins == 0xCB:
            return bytes.fromhex("5300"), 0x9000
        return b"", 0x9000


def record(name, act):
    try:
        act()
    except Exception:
        pass  # the canned answer may not please; the command was sent
    print(name, wire.sent.hex().upper())


wire = Recorder()
print("# yubikit of yubikey-manager 4.0.9 (Debian 12), recorded by record.py; short APDUs.")
print("# name bytes")
piv = None


def select_piv():
    global piv
    piv = PivSession(wire)


record("piv-version", select_piv)
piv.protocol.apdu_format = ApduFormat.SHORT
record("piv-verify", lambda: piv.verify_pin("123456"))
record("piv-change-pin", lambda: piv.change_pin("123456", "271828"))
record("piv-change-puk", lambda: piv.change_puk("12345678", "87654321"))
record("piv-unblock", lambda: piv.unblock_pin("87654321", "314159"))
record("piv-set-retries", lambda: piv.set_pin_attempts(8, 5))
record("piv-metadata-pin", piv.get_pin_metadata)
record("piv-metadata-puk", piv.get_puk_metadata)
record("piv-metadata-key", piv.get_management_key_metadata)
record("piv-set-key-3des", lambda: piv.set_management_key(MANAGEMENT_KEY_TYPE.TDES, bytes(range(24))))
record("piv-set-key-aes256-touch", lambda: piv.set_management_key(MANAGEMENT_KEY_TYPE.AES256, bytes(range(32)), True))
record("piv-get-chuid", lambda: piv.get_object(OBJECT_ID.CHUID))
record("piv-put-ccc", lambda: piv.put_object(OBJECT_ID.CAPABILITY, b"\x01\x02\x03"))
record("piv-generate", lambda: piv.generate_key(SLOT.AUTHENTICATION, KEY_TYPE.ECCP256))
record("piv-attest", lambda: piv.attest_key(SLOT.AUTHENTICATION))
oath = OathSession(wire)
rfc = b"12345678901234567890"


def put(touch=False, **more):
    return lambda: oath.put_credential(CredentialData(**{**dict(
        name="alice", oath_type=OATH_TYPE.HOTP, hash_algorithm=HASH_ALGORITHM.SHA1, secret=rfc, issuer="bank"), **more}), touch)


record("oath-put", put())
record("oath-put-counter-1", put(counter=1))
record("oath-put-counter-max-touch", put(counter=0xFFFFFFFF, touch=True))
record("oath-put-totp-60", put(oath_type=OATH_TYPE.TOTP, hash_algorithm=HASH_ALGORITHM.SHA256, digits=8, period=60))
record("oath-put-short-secret", put(secret=b"12345"))
record("oath-put-long-secret", put(secret=b"x" * 65))
record("oath-put-sha512-long", put(secret=b"x" * 129, hash_algorithm=HASH_ALGORITHM.SHA512))
record("oath-list", oath.list_credentials)
record("oath-delete", lambda: oath.delete_credential(b"bank:alice"))
record("oath-rename", lambda: oath.rename_credential(b"bank:alice", "bob", "bank"))
record("oath-remove-code", oath.unset_key)
record("oath-reset", lambda: oath.protocol.send_apdu(0, 4, 0xDE, 0xAD))
record("slot-1", lambda: YubiOtpSession(wire).put_configuration(OTP_SLOT.ONE, HotpSlotConfiguration(rfc).imf(4096)))
record("slot-2", lambda: YubiOtpSession(wire).put_configuration(
    OTP_SLOT.TWO, HotpSlotConfiguration(rfc).digits8(True).imf(0xFFFF0), acc_code=b"secret", cur_acc_code=b"before"))
record("slot-delete", lambda: YubiOtpSession(wire).delete_slot(OTP_SLOT.ONE, b"secret"))
record("management-read", lambda: ManagementSession(wire).read_device_info())
