using SecurityKeys.OathApplet;
using SecurityKeys.Piv;

namespace SecurityKeys.Virtual;

/// <summary>Everything a virtual key holds, copied out for a test to look at.</summary>
public sealed record VirtualKeyContents(VirtualPivContents Piv, IReadOnlyList<VirtualOathContents> Oath);

/// <summary>PIN and PUK without padding, tries left, management key.</summary>
public sealed record VirtualPivContents(
    byte[] Pin, int PinTriesLeft, int PinTriesTotal, byte[] Puk, int PukTriesLeft, int PukTriesTotal,
    byte[] ManagementKey, ManagementKeyAlgorithm ManagementKeyAlgorithm);

/// <summary>An OATH credential with its secret and the counter of its next code.</summary>
public sealed record VirtualOathContents(
    string Name, OathType Type, OathAlgorithm Algorithm, int Digits, byte[] Secret, uint MovingFactor, bool Touch);
