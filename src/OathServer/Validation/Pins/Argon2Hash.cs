using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;

namespace OathServer.Validation.Pins;

/// <summary>Argon2 (RFC 9106) in the encoded form of its reference implementation:
/// <c>$argon2id$v=19$m=102400,t=9,p=8$salt$hash</c>, standard Base64 without padding.</summary>
internal sealed partial class Argon2Hash
{
    // What a file may make the server spend on one PIN: well above passlib's defaults, far below what hurts.
    private const int MemoryMax = 256 * 1024;
    private const int PassesMax = 32;
    private const int LanesMax = 32;

    private readonly Argon2Parameters parameters;
    private readonly byte[] hash;

    private Argon2Hash(Argon2Parameters parameters, byte[] hash) => (this.parameters, this.hash) = (parameters, hash);

    // Without a version it is 1.0, from before versions were written.
    [GeneratedRegex(@"^\$argon2(?<kind>id|i|d)\$(v=(?<version>16|19)\$)?m=(?<memory>[0-9]{1,7}),t=(?<passes>[0-9]{1,3}),p=(?<lanes>[0-9]{1,3})\$(?<salt>[A-Za-z0-9+/]{11,86})\$(?<hash>[A-Za-z0-9+/]{16,86})$", RegexOptions.CultureInvariant)]
    private static partial Regex Form();

    public static bool TryParse(string text, [NotNullWhen(true)] out Argon2Hash? parsed)
    {
        parsed = null;
        var form = Form().Match(text);
        if (!form.Success || PasslibBase64.Decode(form.Groups["salt"].Value) is not { } salt || PasslibBase64.Decode(form.Groups["hash"].Value) is not { } hash)
        {
            return false;
        }

        int Number(string name) => int.Parse(form.Groups[name].Value, CultureInfo.InvariantCulture);
        var (memory, passes, lanes) = (Number("memory"), Number("passes"), Number("lanes"));
        if (memory > MemoryMax || passes is < 1 or > PassesMax || lanes is < 1 or > LanesMax || memory < 8 * lanes)
        {
            return false;
        }

        var kind = form.Groups["kind"].Value switch { "i" => Argon2Parameters.Argon2i, "d" => Argon2Parameters.Argon2d, _ => Argon2Parameters.Argon2id };
        var version = form.Groups["version"].Value == "19" ? Argon2Parameters.Version13 : Argon2Parameters.Version10;
        parsed = new Argon2Hash(
            new Argon2Parameters.Builder(kind).WithVersion(version).WithMemoryAsKB(memory).WithIterations(passes).WithParallelism(lanes).WithSalt(salt).Build(), hash);
        return true;
    }

    public bool Is(byte[] pin)
    {
        var made = new byte[hash.Length];
        var argon2 = new Argon2BytesGenerator();
        argon2.Init(parameters);
        argon2.GenerateBytes(pin, made);
        return CryptographicOperations.FixedTimeEquals(made, hash);
    }
}
