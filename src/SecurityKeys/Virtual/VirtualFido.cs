using System.Security.Cryptography;
using System.Text;
using SecurityKeys.Cards;
using SecurityKeys.Fido;

namespace SecurityKeys.Virtual;

/// <summary>FIDO2 as far as a rollout touches it: getInfo, client PIN, PIN rules, reset (CTAP 2.1, 6).</summary>
internal sealed class VirtualFido : IVirtualApplet
{
    private const int TriesTotal = 8;
    private const int TriesPerPowerCycle = 3;
    private static readonly TimeSpan ResetWindow = TimeSpan.FromSeconds(10);

    private readonly VirtualKeyOptions options;
    private byte[]? pin; // kept whole so that a test can look; a real key keeps a hash
    private int triesLeft = TriesTotal;
    private int wrongSincePowerUp;
    private int minPinLength = 4;
    private bool forceChange;
    private ECDiffieHellman agreement = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
    private byte[]? configToken;
    private DateTimeOffset poweredAt;

    public VirtualFido(VirtualKeyOptions options) => (this.options, poweredAt) = (options, options.Clock.GetUtcNow());

    public bool Answers(ReadOnlySpan<byte> aid) => aid.Length >= 8 && aid.StartsWith(FidoApplication.Aid);

    public ResponseApdu Select() => new("U2F_V2"u8.ToArray(), StatusWord.Ok);

    public void PowerOff()
    {
        wrongSincePowerUp = 0;
        configToken = null;
        agreement = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        poweredAt = options.Clock.GetUtcNow();
    }

    public IVirtualApplet Clone() => new VirtualFido(options)
    {
        pin = pin, triesLeft = triesLeft, minPinLength = minPinLength, forceChange = forceChange,
    };

    public VirtualFidoContents Peek() => new(pin, triesLeft, minPinLength, forceChange);

    public ResponseApdu Process(CommandApdu command)
    {
        if (command is { Cla: 0x00, Ins: 0x03 }) return Select(); // U2F version
        if (command.Cla != 0x80 || command.Ins != 0x10 || command.Data.IsEmpty)
            return new ResponseApdu(default, StatusWord.UnknownInstruction);
        try
        {
            var request = command.Data.Span[0] is 0x06 or 0x0D ? Cbor.DecodeMap(command.Data.Span[1..]) : [];
            var (status, answer) = command.Data.Span[0] switch
            {
                0x04 => ((byte)0, Info()),
                0x06 => ClientPin(request),
                0x07 => (Reset(), null),
                0x0D => (Configure(request), null),
                _ => ((byte)0x01, null),
            };
            return new ResponseApdu(
                answer is null ? [status] : (byte[])[status, .. Cbor.Encode(answer)], StatusWord.Ok);
        }
        catch (BadCardAnswerException)
        {
            return new ResponseApdu(new byte[] { 0x12 }, StatusWord.Ok); // invalid CBOR
        }
    }

    private Dictionary<object, object?> Info() => new()
    {
        [1L] = new List<object?> { "U2F_V2", "FIDO_2_0", "FIDO_2_1" },
        [3L] = Convert.FromHexString("2FC0579F811347EAB116BB5A8DB9202A"),
        [4L] = new Dictionary<object, object?>
        {
            ["rk"] = true, ["up"] = true, ["plat"] = false, ["clientPin"] = pin is not null, ["pinUvAuthToken"] = true,
            ["authnrCfg"] = true, ["setMinPINLength"] = true, ["alwaysUv"] = false,
        },
        [5L] = 1200L,
        [6L] = new List<object?> { 2L, 1L },
        [0x0CL] = forceChange,
        [0x0DL] = (long)minPinLength,
    };

    private (byte, Dictionary<object, object?>?) ClientPin(Dictionary<object, object?> request)
    {
        if (request.GetValueOrDefault(2L) is not long sub) return (0x14, null);
        if (sub == 1) return (0, new() { [3L] = (long)triesLeft });
        if (request.GetValueOrDefault(1L) is not (1L or 2L)) return (0x02, null);
        if (sub == 2) return (0, new() { [1L] = PinProtocol.Cose(agreement) });

        if (request.GetValueOrDefault(3L) is not Dictionary<object, object?> theirs) return (0x14, null);
        using var session = PinProtocol.Agree((int)(long)request[1L]!, agreement, theirs);
        return sub switch
        {
            3 => (SetPin(session, request), null),
            4 => (ChangePin(session, request), null),
            5 => GetToken(session, request, config: false),
            9 => GetToken(session, request, request.GetValueOrDefault(9L) is long p && (p & 0x20) != 0),
            _ => (0x3E, null),
        };
    }

    private byte SetPin(PinProtocol session, Dictionary<object, object?> request)
    {
        if (pin is not null) return 0x33;
        if (request.GetValueOrDefault(5L) is not byte[] sealedPin || !Proves(session, request, sealedPin)) return 0x33;
        return TakePin(session.Decrypt(sealedPin));
    }

    private byte ChangePin(PinProtocol session, Dictionary<object, object?> request)
    {
        if (pin is null) return 0x35;
        if (request.GetValueOrDefault(5L) is not byte[] sealedPin
            || request.GetValueOrDefault(6L) is not byte[] sealedHash
            || !Proves(session, request, [.. sealedPin, .. sealedHash]))
            return 0x33;
        var refused = TryPin(session.Decrypt(sealedHash));
        return refused != 0 ? refused : TakePin(session.Decrypt(sealedPin));
    }

    private (byte, Dictionary<object, object?>?) GetToken(
        PinProtocol session, Dictionary<object, object?> request, bool config)
    {
        if (pin is null) return (0x35, null);
        if (request.GetValueOrDefault(6L) is not byte[] sealedHash) return (0x14, null);
        var refused = TryPin(session.Decrypt(sealedHash));
        if (refused != 0) return (refused, null);
        if (forceChange) return (0x37, null); // 6.5.5.7: no token until the PIN is changed
        var token = RandomNumberGenerator.GetBytes(32);
        configToken = config ? token : null;
        return (0, new() { [2L] = session.Encrypt(token) });
    }

    private byte TryPin(byte[]? hash)
    {
        if (triesLeft == 0) return 0x32;
        if (wrongSincePowerUp >= TriesPerPowerCycle) return 0x34;
        triesLeft--;
        if (hash is null || !CryptographicOperations.FixedTimeEquals(SHA256.HashData(pin!).AsSpan(0, 16), hash))
        {
            agreement = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
            wrongSincePowerUp++;
            return triesLeft == 0 ? (byte)0x32 : wrongSincePowerUp >= TriesPerPowerCycle ? (byte)0x34 : (byte)0x31;
        }
        triesLeft = TriesTotal;
        wrongSincePowerUp = 0;
        return 0;
    }

    private byte TakePin(byte[]? padded)
    {
        if (padded is not { Length: 64 }) return 0x37;
        var next = padded.AsSpan().TrimEnd((byte)0).ToArray();
        if (next.Length > 63 || Encoding.UTF8.GetString(next).EnumerateRunes().Count() < minPinLength) return 0x37;
        if (forceChange && pin is not null && next.AsSpan().SequenceEqual(pin)) return 0x37;
        pin = next;
        triesLeft = TriesTotal;
        forceChange = false;
        configToken = null;
        return 0;
    }

    private byte Configure(Dictionary<object, object?> request)
    {
        if (request.GetValueOrDefault(1L) is not 3L) return 0x3E;
        if (request.GetValueOrDefault(2L) is not Dictionary<object, object?> settings) return 0x14;
        if (pin is not null)
        {
            if (request.GetValueOrDefault(4L) is not byte[] proof) return 0x36;
            byte[] message = [.. Enumerable.Repeat((byte)0xFF, 32), 0x0D, 0x03, .. Cbor.Encode(settings)];
            var version = request.GetValueOrDefault(3L) is 1L ? 1 : 2;
            if (configToken is null || !CryptographicOperations.FixedTimeEquals(
                    PinProtocol.Authenticate(version, configToken, message), proof))
                return 0x33;
        }
        if (settings.GetValueOrDefault(1L) is long length)
        {
            if (length < minPinLength || length > 63) return 0x37; // it only rises
            minPinLength = (int)length;
            if (pin is not null && Encoding.UTF8.GetString(pin).EnumerateRunes().Count() < length) forceChange = true;
        }
        if (settings.GetValueOrDefault(3L) is true)
        {
            if (pin is null) return 0x35;
            forceChange = true;
        }
        if (forceChange) configToken = null;
        return 0;
    }

    private byte Reset()
    {
        if (options.Clock.GetUtcNow() - poweredAt > ResetWindow) return 0x30;
        if (!options.IsTouched) return 0x2F;
        pin = null;
        triesLeft = TriesTotal;
        minPinLength = 4;
        forceChange = false;
        configToken = null;
        return 0;
    }

    private static bool Proves(PinProtocol session, Dictionary<object, object?> request, byte[] message) =>
        request.GetValueOrDefault(4L) is byte[] proof
        && CryptographicOperations.FixedTimeEquals(session.Authenticate(message), proof);
}
