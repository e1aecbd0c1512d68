using System.Globalization;
using System.Text;

namespace SecurityKeys.OathApplet;

/// <summary>Whether codes move on by use or by time.</summary>
public enum OathType
{
    /// <summary>By use (RFC 4226).</summary>
    Hotp = 0x10,

    /// <summary>By time (RFC 6238).</summary>
    Totp = 0x20,
}

/// <summary>The hash under the HMAC.</summary>
public enum OathAlgorithm
{
    /// <summary>SHA-1.</summary>
    Sha1 = 0x01,

    /// <summary>SHA-256.</summary>
    Sha256 = 0x02,

    /// <summary>SHA-512; firmware 4.3.1 or later.</summary>
    Sha512 = 0x03,
}

/// <summary>
/// A credential's name on the key: <c>issuer:account</c>, with <c>period/</c> in front for an odd TOTP period.
/// </summary>
public static class OathName
{
    /// <summary>The longest name the applet takes, in bytes of UTF-8.</summary>
    public const int BytesMax = 64;

    /// <summary>As yubikit's oath.py writes it (<c>_format_cred_id</c>).</summary>
    public static string Format(string? issuer, string account, OathType type, int period = 30)
    {
        ArgumentException.ThrowIfNullOrEmpty(account);
        var name = string.IsNullOrEmpty(issuer) ? account : $"{issuer}:{account}";
        if (type == OathType.Totp && period != 30)
            name = string.Create(CultureInfo.InvariantCulture, $"{period}/{name}");
        if (Encoding.UTF8.GetByteCount(name) > BytesMax)
            throw new ArgumentException($"A credential's name has at most {BytesMax} bytes.", nameof(account));
        return name;
    }
}

/// <summary>A credential that is on a key, as LIST names it. Its secret and counter cannot be read back.</summary>
public sealed record OathCredential(string Name, OathType Type, OathAlgorithm Algorithm);

/// <summary>A credential to be written. Holds no secret: that is given beside it and never kept.</summary>
/// <param name="Name">See <see cref="OathName"/>.</param>
/// <param name="Type">HOTP or TOTP.</param>
/// <param name="Algorithm">The hash.</param>
/// <param name="Digits">6 to 8.</param>
/// <param name="InitialMovingFactor">The counter of the first HOTP code; the key holds 32 bits of it.</param>
/// <param name="Touch">Whether each code needs a touch.</param>
public sealed record NewOathCredential(
    string Name, OathType Type, OathAlgorithm Algorithm, int Digits, uint InitialMovingFactor = 0, bool Touch = false);
