# Yubico's own library programs OTP slots of the key in the reader named by the first argument.
import sys
from smartcard.System import readers
from ykman.pcsc import ScardSmartCardConnection
from yubikit.core import TRANSPORT
from yubikit.core.otp import CommandRejectedError
from yubikit.yubiotp import YubiOtpSession, HotpSlotConfiguration, SLOT

reader = next(r for r in readers() if r.name == sys.argv[1])
connection = ScardSmartCardConnection(reader.createConnection())
session = YubiOtpSession(connection)
print("serial", session.get_serial())
secret = b"12345678901234567890"
session.put_configuration(SLOT.ONE, HotpSlotConfiguration(secret).imf(4096))
session.put_configuration(SLOT.TWO, HotpSlotConfiguration(secret).digits8(True), acc_code=b"secret")
try:
    session.put_configuration(SLOT.TWO, HotpSlotConfiguration(secret))
    print("overwritten without access code")
except CommandRejectedError:
    print("guarded")
session.put_configuration(SLOT.TWO, HotpSlotConfiguration(secret).digits8(True).imf(16)
                          .token_id(bytes.fromhex("e16305174211")), acc_code=b"secret",
                          cur_acc_code=b"secret")
state = session.get_config_state()
print("configured", state.is_configured(SLOT.ONE), state.is_configured(SLOT.TWO))
if len(sys.argv) > 2:
    session.delete_slot(SLOT.ONE)
    session.delete_slot(SLOT.TWO, b"secret")
    state = session.get_config_state()
    print("configured", state.is_configured(SLOT.ONE), state.is_configured(SLOT.TWO))
