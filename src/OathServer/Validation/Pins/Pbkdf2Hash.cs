using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace OathServer.Validation.Pins;

/// <summary>PBKDF2 (RFC 8018) in passlib's form: <c>$pbkdf2-sha512$rounds$salt$hash</c>, Base64 without padding and with
/// <c>.</c> for <c>+</c>.</summary>
internal sealed partial class Pbkdf2Hash
{
    // What a file may make the server spend on one PIN.
    private const int RoundsMax = 1_000_000;

    private readonly HashAlgorithmName algorithm;
    private readonly int rounds;
    private readonly byte[] salt;
    private readonly byte[] hash;

    private Pbkdf2Hash(HashAlgorithmName algorithm, int rounds, byte[] salt, byte[] hash) =>
        (this.algorithm, this.rounds, this.salt, this.hash) = (algorithm, rounds, salt, hash);

    [GeneratedRegex(@"^\$pbkdf2-(?<kind>sha256|sha512)\$(?<rounds>[0-9]{1,7})\$(?<salt>[A-Za-z0-9./]{11,86})\$(?<hash>[A-Za-z0-9./]{43,86})$", RegexOptions.CultureInvariant)]
    private static partial Regex Form();

    public static bool TryParse(string text, [NotNullWhen(true)] out Pbkdf2Hash? parsed)
    {
        parsed = null;
        var form = Form().Match(text);
        if (!form.Success || PasslibBase64.Decode(form.Groups["salt"].Value) is not { } salt || PasslibBase64.Decode(form.Groups["hash"].Value) is not { } hash)
        {
            return false;
        }

        var rounds = int.Parse(form.Groups["rounds"].Value, CultureInfo.InvariantCulture);
        var (algorithm, size) = form.Groups["kind"].Value == "sha512"
            ? (HashAlgorithmName.SHA512, SHA512.HashSizeInBytes) : (HashAlgorithmName.SHA256, SHA256.HashSizeInBytes);
        if (rounds is < 1 or > RoundsMax || hash.Length != size)
        {
            return false;
        }

        parsed = new Pbkdf2Hash(algorithm, rounds, salt, hash);
        return true;
    }

    public bool Is(byte[] pin) =>
        CryptographicOperations.FixedTimeEquals(Rfc2898DeriveBytes.Pbkdf2(pin, salt, rounds, algorithm, hash.Length), hash);
}
