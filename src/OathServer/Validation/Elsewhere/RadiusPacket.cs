using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace OathServer.Validation.Elsewhere;

/// <summary>An Access-Request with a password, and the check of its answer (RFC 2865 §3 to §5, RFC 3579 §3.2). No RADIUS
/// client is kept on the package registry; this is the little of it that PAP needs.</summary>
[SuppressMessage("Security", "CA5351", Justification = "RADIUS is made of MD5 (RFC 2865); the link to it must be protected otherwise.")]
internal static class RadiusPacket
{
    public const int AccessAccept = 2;
    public const int AccessReject = 3;
    public const int AccessChallenge = 11;

    /// <summary>Octets of a packet at most (RFC 2865 §3).</summary>
    public const int Max = 4096;

    /// <summary>Octets of a password at most (RFC 2865 §5.2).</summary>
    public const int PasswordMax = 128;

    /// <summary>Octets of a name at most: one attribute.</summary>
    public const int NameMax = 253;

    private const int Header = 20;
    private const int Md5Size = 16;
    private const byte UserName = 1;
    private const byte UserPassword = 2;
    private const byte NasIdentifier = 32;
    private const byte MessageAuthenticator = 80;

    /// <summary>A request signed with Message-Authenticator, which stands first.</summary>
    public static byte[] Request(byte id, string user, string password, byte[] secret)
    {
        var packet = new List<byte>(128) { 1, id, 0, 0 };
        var authenticator = RandomNumberGenerator.GetBytes(Md5Size);
        packet.AddRange(authenticator);
        Add(packet, MessageAuthenticator, new byte[Md5Size]);
        Add(packet, UserName, Encoding.UTF8.GetBytes(user));
        Add(packet, UserPassword, Hide(Encoding.UTF8.GetBytes(password), authenticator, secret));
        Add(packet, NasIdentifier, "OathServer"u8);
        var bytes = packet.ToArray();
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)bytes.Length);
        HMACMD5.HashData(secret, bytes).CopyTo(bytes.AsSpan(Header + 2));
        return bytes;
    }

    /// <summary>The code of an answer to <paramref name="request"/>; null when it is none, or not of somebody who knows
    /// the secret.</summary>
    public static int? Read(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> request, byte[] secret, bool mustBeSigned)
    {
        if (answer.Length < Header || answer[1] != request[1])
        {
            return null;
        }

        var length = BinaryPrimitives.ReadUInt16BigEndian(answer[2..]);
        if (length < Header || length > answer.Length || length > Max)
        {
            return null;
        }

        answer = answer[..length];
        var asked = request[4..Header];
        byte[] said = [.. answer[..4], .. asked, .. answer[Header..]];
        if (!CryptographicOperations.FixedTimeEquals(MD5.HashData([.. said, .. secret]), answer[4..Header]))
        {
            return null;
        }

        var signed = false;
        for (var at = Header; at < length; at += answer[at + 1])
        {
            if (at + 2 > length || answer[at + 1] < 2 || at + answer[at + 1] > length)
            {
                return null;
            }

            if (answer[at] == MessageAuthenticator)
            {
                if (answer[at + 1] != Md5Size + 2 || signed)
                {
                    return null;
                }

                var mac = answer.Slice(at + 2, Md5Size);
                said.AsSpan(at + 2, Md5Size).Clear();
                if (!CryptographicOperations.FixedTimeEquals(HMACMD5.HashData(secret, said), mac))
                {
                    return null;
                }

                signed = true;
            }
        }

        return signed || !mustBeSigned ? answer[0] : null;
    }

    /// <summary>RFC 2865 §5.2: the password in blocks of 16, each under the MD5 of the secret and the block before.</summary>
    private static byte[] Hide(byte[] password, byte[] authenticator, byte[] secret)
    {
        var hidden = new byte[Math.Max(Md5Size, (password.Length + Md5Size - 1) / Md5Size * Md5Size)];
        password.CopyTo(hidden, 0);
        CryptographicOperations.ZeroMemory(password);
        var before = authenticator;
        for (var block = 0; block < hidden.Length; block += Md5Size)
        {
            var pad = MD5.HashData([.. secret, .. before]);
            for (var i = 0; i < Md5Size; i++)
            {
                hidden[block + i] ^= pad[i];
            }

            before = hidden[block..(block + Md5Size)];
        }

        return hidden;
    }

    private static void Add(List<byte> packet, byte type, ReadOnlySpan<byte> value)
    {
        packet.Add(type);
        packet.Add((byte)(value.Length + 2));
        packet.AddRange(value);
    }
}
