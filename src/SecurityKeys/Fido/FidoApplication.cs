using System.Security.Cryptography;
using SecurityKeys.Cards;

namespace SecurityKeys.Fido;

/// <summary>What a key says of its FIDO2 application (CTAP 2.1, 6.4).</summary>
/// <param name="Versions">Protocol versions.</param>
/// <param name="PinIsSet">Option clientPin: true set, false can be set, null no PIN on this key.</param>
/// <param name="CanSetMinPinLength">Option setMinPINLength.</param>
/// <param name="AlwaysUv">Option alwaysUv.</param>
/// <param name="MinPinLength">Element 0D, 4 where the key does not tell.</param>
/// <param name="ForcePinChange">Element 0C.</param>
/// <param name="PinProtocols">Element 06, preferred first.</param>
public sealed record FidoInfo(
    IReadOnlyList<string> Versions, bool? PinIsSet, bool CanSetMinPinLength, bool AlwaysUv, int MinPinLength,
    bool ForcePinChange, IReadOnlyList<int> PinProtocols);

/// <summary>The FIDO2 application answered with an error (CTAP 2.1, 8.2).</summary>
public sealed class FidoStatusException(string what, byte status)
    : SmartCardException($"The key refused to {what}: {Explain(status)} (CTAP {status:X2}).")
{
    /// <summary>The CTAP status byte.</summary>
    public byte Status { get; } = status;

    /// <summary>The PIN was wrong; a try was spent.</summary>
    public bool IsWrongPin => Status == 0x31;

    private static string Explain(byte status) => status switch
    {
        0x27 or 0x2F => "no touch",
        0x30 => "not allowed now (a reset works only within ten seconds of inserting the key)",
        0x31 => "wrong PIN",
        0x32 => "PIN blocked, only a reset helps",
        0x33 => "proof of the PIN not accepted",
        0x34 => "too many wrong PINs, pull the key and insert it again",
        0x35 => "no PIN is set",
        0x36 => "a PIN is needed",
        0x37 => "the PIN breaks the key's rules (length, or the same again)",
        _ => "status",
    };
}

/// <summary>Says in the caller's code what a FIDO2 reset does.</summary>
public enum FidoReset
{
    /// <summary>Not confirmed; refused.</summary>
    NotConfirmed,

    /// <summary>Every passkey and registration on the key is destroyed, and its PIN with them.</summary>
    DestroyEveryRegistration,
}

/// <summary>
/// FIDO2 over ISO 7816 (CTAP 2.1, 11.3): PIN and PIN policy. Over USB most keys offer FIDO as a HID device only; then
/// this application cannot be selected through a reader and there is nothing to be done here.
/// </summary>
public sealed class FidoApplication
{
    private const byte ClientPin = 0x06;
    private const byte Config = 0x0D;
    private const int KeepAlivesMax = 600;
    private const int PinBytesMax = 63;

    private readonly AppletChannel channel;

    private FidoApplication(AppletChannel channel) => this.channel = channel;

    /// <summary>The application identifier.</summary>
    public static ReadOnlySpan<byte> Aid => [0xA0, 0x00, 0x00, 0x06, 0x47, 0x2F, 0x00, 0x01];

    /// <summary>Selects the application; null when it is not reachable here.</summary>
    public static FidoApplication? TrySelect(ISmartCardConnection connection)
    {
        var channel = new AppletChannel(connection);
        return channel.TrySelect(Aid) is null ? null : new FidoApplication(channel);
    }

    /// <summary>authenticatorGetInfo; null on a key that knows U2F only.</summary>
    public FidoInfo? GetInfo()
    {
        var answer = channel.Transmit(new CommandApdu(0x80, 0x10, 0x00, 0x00, new byte[] { 0x04 }, Le: 0));
        if (answer.Status != StatusWord.Ok || answer.Data.IsEmpty || answer.Data.Span[0] != 0) return null;
        var map = Cbor.DecodeMap(answer.Data.Span[1..]);
        var options = map.GetValueOrDefault(4L) as Dictionary<object, object?> ?? [];
        return new FidoInfo(
            [.. (map.GetValueOrDefault(1L) as List<object?> ?? []).OfType<string>()],
            options.GetValueOrDefault("clientPin") as bool?,
            options.GetValueOrDefault("setMinPINLength") is true,
            options.GetValueOrDefault("alwaysUv") is true,
            map.GetValueOrDefault(0x0DL) is long and >= 4 and <= PinBytesMax and var length ? (int)length : 4,
            map.GetValueOrDefault(0x0CL) is true,
            [.. (map.GetValueOrDefault(6L) as List<object?> ?? [1L]).OfType<long>()
                .Where(p => p is 1 or 2).Select(p => (int)p)]);
    }

    /// <summary>Tries left for the PIN, without spending one (6.5.5.2).</summary>
    public int GetPinTriesLeft() =>
        Call("read the PIN tries", ClientPin, new() { [1L] = 1L, [2L] = 1L })
            .GetValueOrDefault(3L) is long left and >= 0 and <= 8
            ? (int)left
            : throw new BadCardAnswerException("The key does not say how many tries are left.");

    /// <summary>
    /// Sets the first PIN (6.5.5.5): UTF-8, at least the key's minimum in characters, at most 63 bytes.
    /// </summary>
    public void SetPin(ReadOnlySpan<byte> pin, int protocol = 2)
    {
        using var session = Agree(protocol, out var ours);
        var sealedPin = SealPin(session, pin);
        Call("set the PIN", ClientPin, new()
        {
            [1L] = protocol, [2L] = 3L, [3L] = ours, [4L] = session.Authenticate(sealedPin), [5L] = sealedPin,
        });
    }

    /// <summary>Changes the PIN (6.5.5.6); ends a forced change.</summary>
    public void ChangePin(ReadOnlySpan<byte> current, ReadOnlySpan<byte> next, int protocol = 2)
    {
        using var session = Agree(protocol, out var ours);
        var sealedPin = SealPin(session, next);
        var sealedHash = SealHash(session, current);
        Call("change the PIN", ClientPin, new()
        {
            [1L] = protocol, [2L] = 4L, [3L] = ours, [4L] = session.Authenticate([.. sealedPin, .. sealedHash]),
            [5L] = sealedPin, [6L] = sealedHash,
        });
    }

    /// <summary>
    /// authenticatorConfig setMinPINLength (6.11.4): raises the minimum (it never falls but by a reset), and with
    /// <paramref name="forceChange"/> makes the key refuse its PIN until it is changed. The PIN is needed if set.
    /// </summary>
    public void SetMinPinLength(int? length, bool forceChange, ReadOnlySpan<byte> pin = default, int protocol = 2)
    {
        var settings = new Dictionary<object, object?>();
        if (length is { } l) settings[1L] = (long)l;
        if (forceChange) settings[3L] = true;
        var parameters = new Dictionary<object, object?> { [1L] = 3L, [2L] = settings };
        byte[]? token = null;
        try
        {
            if (!pin.IsEmpty)
            {
                token = GetConfigToken(pin, protocol);
                byte[] message = [.. Enumerable.Repeat((byte)0xFF, 32), Config, 0x03, .. Cbor.Encode(settings)];
                parameters[3L] = (long)protocol;
                parameters[4L] = PinProtocol.Authenticate(protocol, token, message);
            }
            Call("set the PIN rules", Config, parameters);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(token);
        }
    }

    /// <summary>
    /// authenticatorReset (6.6): only within ten seconds of power-up, with a touch, and said in so many words.
    /// </summary>
    public void Reset(FidoReset confirmation)
    {
        if (confirmation != FidoReset.DestroyEveryRegistration)
            throw new ArgumentException("A FIDO2 reset must be confirmed.", nameof(confirmation));
        Call("reset FIDO2", 0x07, null);
    }

    // getPinUvAuthTokenUsingPinWithPermissions, permission authenticatorConfig (6.5.5.7.2).
    private byte[] GetConfigToken(ReadOnlySpan<byte> pin, int protocol)
    {
        using var session = Agree(protocol, out var ours);
        var answer = Call("prove the PIN", ClientPin, new()
        {
            [1L] = protocol, [2L] = 9L, [3L] = ours, [6L] = SealHash(session, pin), [9L] = 0x20L,
        });
        return answer.GetValueOrDefault(2L) is byte[] sealedToken && session.Decrypt(sealedToken) is { } token
            ? token
            : throw new BadCardAnswerException("The key gave no token.");
    }

    private PinProtocol Agree(int protocol, out Dictionary<object, object?> ours)
    {
        if (protocol is not (1 or 2))
            throw new ArgumentOutOfRangeException(nameof(protocol), "There are protocols 1 and 2.");
        var answer = Call("agree on a key", ClientPin, new() { [1L] = protocol, [2L] = 2L });
        if (answer.GetValueOrDefault(1L) is not Dictionary<object, object?> theirs)
            throw new BadCardAnswerException("The key gave no public key.");
        using var key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        ours = PinProtocol.Cose(key);
        return PinProtocol.Agree(protocol, key, theirs);
    }

    private static byte[] SealPin(PinProtocol session, ReadOnlySpan<byte> pin)
    {
        if (pin.Length is < 4 or > PinBytesMax)
            throw new ArgumentException($"A FIDO2 PIN has 4 to {PinBytesMax} bytes.", nameof(pin));
        Span<byte> padded = stackalloc byte[64];
        padded.Clear();
        pin.CopyTo(padded);
        var sealedPin = session.Encrypt(padded);
        CryptographicOperations.ZeroMemory(padded);
        return sealedPin;
    }

    private static byte[] SealHash(PinProtocol session, ReadOnlySpan<byte> pin)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(pin, hash);
        var sealedHash = session.Encrypt(hash[..16]);
        CryptographicOperations.ZeroMemory(hash);
        return sealedHash;
    }

    private Dictionary<object, object?> Call(string what, byte command, Dictionary<object, object?>? parameters)
    {
        byte[] request = parameters is null ? [command] : [command, .. Cbor.Encode(parameters)];
        // NFCCTAP_MSG (11.3.5.1); while 9100 the key waits for a touch and NFCCTAP_GETRESPONSE asks on.
        var answer = channel.Transmit(new CommandApdu(0x80, 0x10, 0x00, 0x00, request, Le: 0));
        for (var i = 0; answer.Status.Value == 0x9100; i++)
        {
            if (i == KeepAlivesMax) throw new BadCardAnswerException("The key does not come to an end.");
            answer = channel.Transmit(new CommandApdu(0x80, 0x11, 0x00, 0x00, Le: 0));
        }
        if (answer.Status != StatusWord.Ok) throw new CardStatusException(what, answer.Status);
        if (answer.Data.IsEmpty) throw new BadCardAnswerException("The FIDO answer is empty.");
        if (answer.Data.Span[0] != 0) throw new FidoStatusException(what, answer.Data.Span[0]);
        return Cbor.DecodeMap(answer.Data.Span[1..]);
    }
}
