using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using SecurityKeys.Cards;

namespace SecurityKeys.OathApplet;

/// <summary>
/// The OATH application of a YubiKey (Yubico, "YKOATH protocol"; the bytes as yubikit's oath.py sends them).
/// </summary>
public sealed class OathApplication
{
    private const int SecretBytesMin = 14; // shorter ones are padded with zeros, which HMAC does anyway
    private const int AccessKeyBytes = 16;
    private static readonly Version RenameFirmware = new(5, 3, 1);
    private static readonly Version Sha512Firmware = new(4, 3, 1);

    private readonly AppletChannel channel;
    private byte[] salt = [];
    private byte[]? challenge;

    private OathApplication(AppletChannel channel) => this.channel = channel;

    /// <summary>The application identifier.</summary>
    public static ReadOnlySpan<byte> Aid => [0xA0, 0x00, 0x00, 0x05, 0x27, 0x21, 0x01];

    /// <summary>The key's firmware.</summary>
    public Version Firmware { get; private set; } = new(0, 0, 0);

    /// <summary>Random bytes the applet drew at its last reset: another value, another life of the applet.</summary>
    public ReadOnlyMemory<byte> DeviceId => salt;

    /// <summary>An access code is set and was not yet proved in this session.</summary>
    public bool Locked => challenge is not null;

    /// <summary>Selects the application; <see cref="AppletNotFoundException"/> when there is none.</summary>
    public static OathApplication Select(ISmartCardConnection connection) =>
        TrySelect(connection) ?? throw new AppletNotFoundException("OATH");

    /// <summary>Selects the application; null when there is none.</summary>
    public static OathApplication? TrySelect(ISmartCardConnection connection)
    {
        // SEND REMAINING is A5 here, not the standard's C0.
        var oath = new OathApplication(new AppletChannel(connection, getResponseInstruction: 0xA5));
        if (oath.channel.TrySelect(Aid) is not { } answer) return null;
        oath.ReadSelection(answer);
        return oath;
    }

    /// <summary>The credentials on the key; order is the key's.</summary>
    public IReadOnlyList<OathCredential> List()
    {
        var answer = channel.Send("list OATH credentials", new CommandApdu(0x00, 0xA1, 0x00, 0x00));
        var credentials = new List<OathCredential>();
        foreach (var element in Tlv.ReadAll(answer))
        {
            if (element.Tag != 0x72 || element.Value.Length < 1)
                throw new BadCardAnswerException("The list of credentials is not well-formed.");
            var kind = element.Value.Span[0];
            credentials.Add(new OathCredential(
                Encoding.UTF8.GetString(element.Value.Span[1..]),
                (OathType)(kind & 0xF0), (OathAlgorithm)(kind & 0x0F)));
        }
        return credentials;
    }

    /// <summary>
    /// PUT. A credential of the same name is replaced, its counter with it. The counter is written big-endian, and
    /// left out when 0.
    /// </summary>
    public void Put(NewOathCredential credential, ReadOnlySpan<byte> secret)
    {
        ArgumentNullException.ThrowIfNull(credential);
        if (credential.Digits is < 6 or > 8)
            throw new ArgumentException("The key makes codes of 6 to 8 digits.", nameof(credential));
        if (credential.InitialMovingFactor != 0 && credential.Type != OathType.Hotp)
            throw new ArgumentException("Only HOTP has a counter.", nameof(credential));
        if (credential.Algorithm == OathAlgorithm.Sha512 && Firmware < Sha512Firmware)
            throw new NotOnThisFirmwareException("SHA-512", Sha512Firmware, Firmware);

        using var key = new TlvWriter();
        using var data = new TlvWriter();
        key.Raw((byte)((int)credential.Type | (int)credential.Algorithm), (byte)credential.Digits);
        AddSecret(key, secret, credential.Algorithm);
        data.Add(0x71, NameBytes(credential.Name)).Add(0x73, key.Written.Span);
        if (credential.Touch) data.Raw(0x78, 0x02); // a property without a length: not TLV
        if (credential.InitialMovingFactor != 0)
        {
            Span<byte> movingFactor = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(movingFactor, credential.InitialMovingFactor);
            data.Add(0x7A, movingFactor);
        }
        channel.Send("write an OATH credential", new CommandApdu(0x00, 0x01, 0x00, 0x00, data.Written));
    }

    /// <summary>
    /// The next HOTP code. <b>Asking is using</b>: the key's counter moves on, so whoever validates must accept
    /// this very code. Null when the key has no such credential.
    /// </summary>
    public string? CalculateHotp(string name) => Calculate(name, []);

    /// <summary>
    /// The TOTP code of the time step (Unix time divided by the period); null when there is no such credential.
    /// </summary>
    public string? CalculateTotp(string name, ulong timeStep)
    {
        Span<byte> step = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(step, timeStep);
        return Calculate(name, step);
    }

    /// <summary>DELETE; false when there was no such credential.</summary>
    public bool Delete(string name)
    {
        using var data = new TlvWriter();
        data.Add(0x71, NameBytes(name));
        return Done("delete an OATH credential",
            channel.Transmit(new CommandApdu(0x00, 0x02, 0x00, 0x00, data.Written)).Status);
    }

    /// <summary>RENAME (firmware 5.3.1); false when there is no such credential.</summary>
    public bool Rename(string name, string newName)
    {
        if (Firmware < RenameFirmware) throw new NotOnThisFirmwareException("Renaming", RenameFirmware, Firmware);
        using var data = new TlvWriter();
        data.Add(0x71, NameBytes(name)).Add(0x71, NameBytes(newName));
        return Done("rename an OATH credential",
            channel.Transmit(new CommandApdu(0x00, 0x05, 0x00, 0x00, data.Written)).Status);
    }

    /// <summary>RESET: erases every credential and the access code, without asking for it.</summary>
    public void Reset()
    {
        channel.Send("reset OATH", new CommandApdu(0x00, 0x04, 0xDE, 0xAD));
        ReadSelection(channel.TrySelect(Aid) ?? throw new AppletNotFoundException("OATH"));
    }

    /// <summary>
    /// The access key made of a password: PBKDF2-HMAC-SHA-1, 1000 rounds, the applet's salt. The caller zeroes it.
    /// </summary>
    public byte[] DeriveAccessKey(ReadOnlySpan<byte> password) =>
        Rfc2898DeriveBytes.Pbkdf2(password, salt, 1000, HashAlgorithmName.SHA1, AccessKeyBytes);

    /// <summary>SET CODE: from the next selection on, the applet asks for this access key.</summary>
    public void SetAccessKey(ReadOnlySpan<byte> accessKey)
    {
        if (accessKey.Length != AccessKeyBytes)
            throw new ArgumentException($"An access key has {AccessKeyBytes} bytes.", nameof(accessKey));

        Span<byte> ours = stackalloc byte[8];
        RandomNumberGenerator.Fill(ours);
        using var key = new TlvWriter();
        using var data = new TlvWriter();
        key.Raw((byte)((int)OathType.Totp | (int)OathAlgorithm.Sha1)).Raw(accessKey);
        data.Add(0x73, key.Written.Span).Add(0x74, ours).Add(0x75, HMACSHA1.HashData(accessKey, ours));
        channel.Send("set the access code", new CommandApdu(0x00, 0x03, 0x00, 0x00, data.Written));
    }

    /// <summary>SET CODE with nothing: no access code any more.</summary>
    public void RemoveAccessKey() =>
        channel.Send("remove the access code", new CommandApdu(0x00, 0x03, 0x00, 0x00, new byte[] { 0x73, 0x00 }));

    /// <summary>
    /// VALIDATE: both sides prove the access key. False when it is wrong; there is no limit on tries.
    /// </summary>
    public bool Validate(ReadOnlySpan<byte> accessKey)
    {
        if (challenge is null) return true;

        Span<byte> ours = stackalloc byte[8];
        RandomNumberGenerator.Fill(ours);
        using var data = new TlvWriter();
        data.Add(0x75, HMACSHA1.HashData(accessKey, challenge)).Add(0x74, ours);
        var answer = channel.Transmit(new CommandApdu(0x00, 0xA3, 0x00, 0x00, data.Written));
        if (answer.Status == StatusWord.WrongData || answer.Status == StatusWord.DataInvalid) return false;
        if (answer.Status != StatusWord.Ok) throw new CardStatusException("prove the access code", answer.Status);
        if (!CryptographicOperations.FixedTimeEquals(
                Tlv.Require(answer.Data, 0x75).Span, HMACSHA1.HashData(accessKey, ours)))
            throw new BadCardAnswerException("The card could not prove that it knows its access code.");
        challenge = null;
        return true;
    }

    private string? Calculate(string name, ReadOnlySpan<byte> step)
    {
        using var data = new TlvWriter();
        data.Add(0x71, NameBytes(name)).Add(0x74, step);
        var answer = channel.Transmit(new CommandApdu(0x00, 0xA2, 0x00, 0x01, data.Written)); // P2 01: truncated
        if (!Done("calculate a code", answer.Status)) return null;

        var truncated = Tlv.Require(answer.Data, 0x76).Span;
        if (truncated.Length != 5 || truncated[0] is < 6 or > 10)
            throw new BadCardAnswerException("The code is not well-formed.");
        // RFC 4226, 5.3: 31 bits, reduced to the digits.
        ulong value = BinaryPrimitives.ReadUInt32BigEndian(truncated[1..]) & 0x7FFFFFFF;
        ulong modulus = 1;
        for (var i = 0; i < truncated[0]; i++) modulus *= 10;
        return (value % modulus).ToString("D" + truncated[0], CultureInfo.InvariantCulture);
    }

    private static bool Done(string what, StatusWord status)
    {
        if (status == StatusWord.DataInvalid || status == StatusWord.NotFound) return false;
        return status == StatusWord.Ok ? true : throw new CardStatusException(what, status);
    }

    private static byte[] NameBytes(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var bytes = Encoding.UTF8.GetBytes(name);
        return bytes.Length <= OathName.BytesMax
            ? bytes
            : throw new ArgumentException($"A credential's name has at most {OathName.BytesMax} bytes.", nameof(name));
    }

    private static void AddSecret(TlvWriter key, ReadOnlySpan<byte> secret, OathAlgorithm algorithm)
    {
        if (secret.IsEmpty) throw new ArgumentException("The secret is empty.", nameof(secret));
        var block = algorithm == OathAlgorithm.Sha512 ? 128 : 64;
        if (secret.Length > block)
        {
            // RFC 2104, 2: a key longer than a block is hashed first. The applet has no room to do it.
            Span<byte> hash = stackalloc byte[64];
            var length = algorithm switch
            {
                OathAlgorithm.Sha1 => SHA1.HashData(secret, hash),
                OathAlgorithm.Sha256 => SHA256.HashData(secret, hash),
                _ => SHA512.HashData(secret, hash),
            };
            key.Raw(hash[..length]);
            CryptographicOperations.ZeroMemory(hash);
            return;
        }
        key.Raw(secret);
        for (var i = secret.Length; i < SecretBytesMin; i++) key.Raw(0x00);
    }

    private void ReadSelection(ReadOnlyMemory<byte> answer)
    {
        var version = Tlv.Require(answer, 0x79).Span;
        if (version.Length != 3) throw new BadCardAnswerException("The OATH application's version is not well-formed.");
        Firmware = new Version(version[0], version[1], version[2]);
        salt = Tlv.Find(answer, 0x71)?.ToArray() ?? [];
        challenge = Tlv.Find(answer, 0x74)?.ToArray();
    }
}
