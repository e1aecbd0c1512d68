# python-fido2 sets PIN and PIN rules of the key in the reader named by the first argument, with both protocols.
import sys
from fido2.pcsc import CtapPcscDevice
from fido2.ctap import CtapError
from fido2.ctap2 import Ctap2, ClientPin, Config
from fido2.ctap2.pin import PinProtocolV1, PinProtocolV2

device = next(CtapPcscDevice.list_devices(sys.argv[1]))
ctap = Ctap2(device)
print("versions", ",".join(ctap.info.versions), "clientPin", ctap.info.options["clientPin"])
pin = ClientPin(ctap, PinProtocolV1())
pin.set_pin("1234")
print("tries", pin.get_pin_retries()[0])
pin = ClientPin(ctap, PinProtocolV2())
try:
    pin.change_pin("0000", "2718")
except CtapError as e:
    print("wrong", e.code.name, pin.get_pin_retries()[0])
pin.change_pin("1234", "271828")
token = pin.get_pin_token("271828", ClientPin.PERMISSION.AUTHENTICATOR_CFG)
Config(ctap, pin.protocol, token).set_min_pin_length(min_pin_length=6, force_change_pin=True)
info = ctap.get_info()
print("rules", info.min_pin_length, info.force_pin_change)
