using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace OathServer.Import.Formats;

/// <summary>How a secret is written in text.</summary>
internal enum SecretEncoding
{
    Hex,
    Base32,
    Base64,
}

/// <summary>Turns written secrets into octets. The encoding is one for the whole file, and only taken when the secrets
/// leave no doubt.</summary>
internal static class SecretText
{
    /// <summary>Characters after which a coincidence is ruled out: that Base32 or Base64 text of this length shows only
    /// letters of a smaller alphabet has a chance below 10⁻⁹.</summary>
    private const int SureAt = 32;

    /// <summary>Reads the keys to the end and decodes their secrets, which so far hold the octets of the text.</summary>
    /// <exception cref="ImportRefusedException">The secrets fit two encodings.</exception>
    public static IEnumerable<SeedKey> Decode(IEnumerable<SeedKey> keys, SecretEncoding? known)
    {
        var all = keys.ToList();
        try
        {
            var encoding = known ?? Choose(all);
            foreach (var key in all.Where(k => k.Fault is null && k.NotEnrolled is null))
            {
                Decode(key, encoding);
            }
        }
        catch
        {
            all.ForEach(k => k.Dispose());
            throw;
        }

        return all;
    }

    private static void Decode(SeedKey key, SecretEncoding encoding)
    {
        var text = key.Secret;
        key.Secret = TryDecode(text, encoding) ?? [];
        CryptographicOperations.ZeroMemory(text);
        if (key.Secret.Length == 0)
        {
            key.Fault = Fault.BadSecret;
            key.FaultText = $"its secret is not {Words(encoding)}";
        }
    }

    private static SecretEncoding Choose(List<SeedKey> keys)
    {
        List<SecretEncoding> possible = [.. Enum.GetValues<SecretEncoding>()];
        var characters = 0;
        foreach (var key in keys.Where(k => k.Fault is null && k.NotEnrolled is null))
        {
            var fits = possible.FindAll(e => Fits(key.Secret, e));
            if (fits.Count > 0)
            {
                possible = fits;
                characters += key.Secret.Length;
            }
        }

        var text = possible.Contains(SecretEncoding.Base64) && possible.Count > 1 && characters >= SureAt
            ? possible.FindAll(e => e != SecretEncoding.Base64)
            : possible;
        return text is [var one] ? one : throw new ImportRefusedException(
            Fault.AmbiguousSecret,
            $"The secrets could be any of {string.Join(", ", text.Select(Words))}; a wrong guess would make every token useless. Say which it is (encoding).",
            keys.Count > 0 ? keys[0].DeviceSerial : null, line: keys.Count > 0 ? keys[0].Line : 0);
    }

    private static bool Fits(byte[] text, SecretEncoding encoding)
    {
        var octets = TryDecode(text, encoding);
        CryptographicOperations.ZeroMemory(octets);
        return octets is { Length: > 0 };
    }

    /// <summary>Strict: no blanks, no left-over bits. A character lost on the way must not become another secret.</summary>
    internal static byte[]? TryDecode(ReadOnlySpan<byte> text, SecretEncoding encoding) => encoding switch
    {
        SecretEncoding.Hex => Hex(text),
        SecretEncoding.Base32 => Base32(text),
        _ => FromBase64(text),
    };

    private static byte[]? Hex(ReadOnlySpan<byte> text)
    {
        var octets = new byte[text.Length / 2];
        return text.Length % 2 == 0 && Convert.FromHexString(text, octets, out _, out _) == OperationStatus.Done ? octets : null;
    }

    private static byte[]? FromBase64(ReadOnlySpan<byte> text)
    {
        var octets = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        return text.Length % 4 == 0 && text.IndexOfAny(" \t\r\n"u8) < 0
            && Base64.DecodeFromUtf8(text, octets, out _, out var written) == OperationStatus.Done
            ? octets[..written]
            : null;
    }

    /// <summary>RFC 4648 section 6; padding may be left out, as everybody does.</summary>
    private static byte[]? Base32(ReadOnlySpan<byte> text)
    {
        var letters = text.TrimEnd((byte)'=');
        if (text.Length != letters.Length && text.Length % 8 != 0 || letters.Length % 8 is 1 or 3 or 6)
        {
            return null;
        }

        var octets = new byte[letters.Length * 5 / 8];
        var (bits, count, at) = (0, 0, 0);
        foreach (var letter in letters)
        {
            var value = letter switch
            {
                >= (byte)'A' and <= (byte)'Z' => letter - 'A',
                >= (byte)'a' and <= (byte)'z' => letter - 'a',
                >= (byte)'2' and <= (byte)'7' => letter - '2' + 26,
                _ => -1,
            };
            if (value < 0)
            {
                return null;
            }

            bits = ((bits & 0xFFF) << 5) | value;
            count += 5;
            if (count >= 8)
            {
                count -= 8;
                octets[at++] = (byte)(bits >> count);
            }
        }

        return (bits & ((1 << count) - 1)) == 0 ? octets : null;
    }

    private static string Words(SecretEncoding encoding) => encoding switch
    {
        SecretEncoding.Hex => "hexadecimal",
        SecretEncoding.Base32 => "Base32",
        _ => "Base64",
    };
}
