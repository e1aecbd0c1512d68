using OathServer.Validation;
using OathServer.Validation.Pins;

namespace OathServer.Import.Formats;

/// <summary>Reads the PINs a file of another server holds, and counts for the report which are carried and which are not.
/// Their kind is told, never a hash.</summary>
internal sealed class OldPins
{
    private readonly Tally carried = new();
    private readonly Tally left = new();

    /// <summary>A hash as privacyIDEA or LinOTP keep it; null where there is none, or none that can be checked.</summary>
    /// <param name="hash">passlib's form, or SHA-256 in hexadecimal.</param>
    /// <param name="seed">What was hashed along with the PIN, in hexadecimal; empty where the hash says it itself.</param>
    public SeedPin? OfHash(string hash, string seed)
    {
        hash = hash.Trim();
        if (hash.Length == 0)
        {
            return null;
        }

        if ((PinHash.OfPasslib(hash) ?? PinHash.OfSaltedSha256(hash, seed.Trim())) is { } read)
        {
            carried.Add(read.Scheme == Storage.PinScheme.SaltedSha256 ? "SHA-256" : read.Scheme.ToString());
            return SeedPin.Of(read);
        }

        left.Add(KindOf(hash, seed));
        return null;
    }

    /// <summary>A PIN in the open, which is hashed before it is stored; null where there is none.</summary>
    public SeedPin? OfPlain(string pin)
    {
        if (pin.Length == 0)
        {
            return null;
        }

        if (pin.Length > ValidationPolicy.PinLengthMax || pin.Any(char.IsControl))
        {
            left.Add($"longer than {ValidationPolicy.PinLengthMax} characters");
            return null;
        }

        carried.Add("in the open");
        return SeedPin.Of(pin);
    }

    /// <summary>A PIN that the old server had somebody else look at.</summary>
    public void CheckedElsewhere() => left.Add("looked at elsewhere");

    /// <summary>A sentence a matter; none where no PIN was met.</summary>
    public IEnumerable<string> Sentences()
    {
        if (!carried.IsEmpty)
        {
            yield return $"PINs of new tokens are carried: {carried}. They are asked for before the code where the realm's policy says so (pin: before-code), and rest where it does not.";
        }

        if (!left.IsEmpty)
        {
            yield return $"PINs not carried: {left}. Set them anew at the token, or take the codes alone.";
        }
    }

    private static string KindOf(string hash, string seed) =>
        hash.StartsWith("$argon2", StringComparison.Ordinal) ? "Argon2 that is damaged or asks for too much"
        : hash.StartsWith("$pbkdf2", StringComparison.OrdinalIgnoreCase) ? "PBKDF2 that is damaged or asks for too much"
        : hash.StartsWith("$5$", StringComparison.Ordinal) || hash.StartsWith("$6$", StringComparison.Ordinal) ? "crypt(3)"
        : hash.StartsWith("@@", StringComparison.Ordinal) ? "encrypted under the old server's own key"
        : hash.Length == 64 && hash.All(char.IsAsciiHexDigit) && seed.Length == 0 ? "SHA-256 without its seed"
        : "of another kind";
}
