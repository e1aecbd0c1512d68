using SecurityKeys.OathApplet;
using SecurityKeys.Piv;

namespace SecurityKeys.Virtual;

/// <summary>Everything a virtual key holds, copied out for a test to look at.</summary>
public sealed record VirtualKeyContents(
    VirtualPivContents Piv, IReadOnlyList<VirtualOathContents> Oath, IReadOnlyList<VirtualSlotContents> Slots,
    VirtualFidoContents? Fido);

/// <summary>PIN and PUK without padding, tries left, management key.</summary>
public sealed record VirtualPivContents(
    byte[] Pin, int PinTriesLeft, int PinTriesTotal, byte[] Puk, int PukTriesLeft, int PukTriesTotal,
    byte[] ManagementKey, ManagementKeyAlgorithm ManagementKeyAlgorithm);

/// <summary>An OATH credential with its secret and the counter of its next code.</summary>
public sealed record VirtualOathContents(
    string Name, OathType Type, OathAlgorithm Algorithm, int Digits, byte[] Secret, uint MovingFactor, bool Touch);

/// <summary>A HOTP slot with its secret and the counter of its next code.</summary>
public sealed record VirtualSlotContents(int Slot, byte[] Secret, int Digits, uint MovingFactor);

/// <summary>The FIDO2 PIN and its rules.</summary>
public sealed record VirtualFidoContents(byte[]? Pin, int TriesLeft, int MinPinLength, bool ForcePinChange);
