using System.Globalization;
using OathServer.Validation;
using OathServer.Validation.Pins;

namespace OathServer.Import.Formats;

/// <summary>Reads the PINs a file of another server holds, and counts for the report which are carried and which are not.
/// Their kind is told, never a hash.</summary>
internal sealed class OldPins
{
    private readonly SortedDictionary<string, int> carried = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> left = new(StringComparer.Ordinal);

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
            Count(carried, read.Scheme == Storage.PinScheme.SaltedSha256 ? "SHA-256" : read.Scheme.ToString());
            return SeedPin.Of(read);
        }

        Count(left, KindOf(hash, seed));
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
            Count(left, $"longer than {ValidationPolicy.PinLengthMax} characters");
            return null;
        }

        Count(carried, "in the open");
        return SeedPin.Of(pin);
    }

    /// <summary>A PIN that the old server had somebody else look at.</summary>
    public void CheckedElsewhere() => Count(left, "looked at elsewhere");

    /// <summary>A sentence a matter; none where no PIN was met.</summary>
    public IEnumerable<string> Sentences()
    {
        if (carried.Count > 0)
        {
            yield return $"PINs of new tokens are carried: {List(carried)}. They are asked for before the code where the realm's policy says so (pin: before-code), and rest where it does not.";
        }

        if (left.Count > 0)
        {
            yield return $"PINs not carried: {List(left)}. Set them anew at the token, or take the codes alone.";
        }
    }

    private static string KindOf(string hash, string seed) =>
        hash.StartsWith("$argon2", StringComparison.Ordinal) ? "Argon2 that is damaged or asks for too much"
        : hash.StartsWith("$pbkdf2", StringComparison.OrdinalIgnoreCase) ? "PBKDF2 that is damaged or asks for too much"
        : hash.StartsWith("$5$", StringComparison.Ordinal) || hash.StartsWith("$6$", StringComparison.Ordinal) ? "crypt(3)"
        : hash.StartsWith("@@", StringComparison.Ordinal) ? "encrypted under the old server's own key"
        : hash.Length == 64 && hash.All(char.IsAsciiHexDigit) && seed.Length == 0 ? "SHA-256 without its seed"
        : "of another kind";

    private static string List(SortedDictionary<string, int> counts) =>
        string.Join(", ", counts.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Value} {c.Key}")));

    private static void Count(SortedDictionary<string, int> counts, string name) => counts[name] = counts.GetValueOrDefault(name) + 1;
}
