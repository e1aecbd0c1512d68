using System.Globalization;
using Oath;
using OathServer.Storage;

namespace OathServer.Import.Formats;

/// <summary>Fields of text files, read strictly into a key; what does not fit is the fault of that key alone.</summary>
internal static class Fields
{
    public static void Counter(SeedKey key, string text, bool isLastUsed = false)
    {
        if (text.Length == 0)
        {
            key.Warn("the file has no counter; 0 assumed");
        }
        else if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var counter)
            || counter > SeedKey.CounterMax - (isLastUsed ? 1 : 0))
        {
            Bad(key, $"its counter is not a decimal number from 0 to {SeedKey.CounterMax}");
        }
        else
        {
            key.Counter = isLastUsed ? counter + 1 : counter;
        }
    }

    public static void Type(SeedKey key, string text)
    {
        switch (text.ToUpperInvariant())
        {
            case "" or "HOTP":
                key.Type = TokenType.Hotp;
                break;
            case "TOTP":
                key.Type = TokenType.Totp;
                break;
            case "OCRA" or "OCRA2":
                key.NotEnrolled = "OCRA is not validated here";
                break;
            case "MOTP":
                key.NotEnrolled = "mOTP is not validated here";
                break;
            default:
                Bad(key, "its type is neither hotp nor totp");
                break;
        }
    }

    public static void Digits(SeedKey key, string text, ImportOptions options)
    {
        if (text.Length == 0)
        {
            key.Digits = options.Digits ?? 6;
        }
        else if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var digits) && digits is >= Hotp.MinDigits and <= Hotp.MaxDigits)
        {
            key.Digits = digits;
        }
        else
        {
            Bad(key, $"its codes are not of {Hotp.MinDigits} to {Hotp.MaxDigits} digits");
        }
    }

    public static void TimeStep(SeedKey key, string text)
    {
        if (text.Length == 0)
        {
            key.TimeStep = 30;
            key.Warn("the file has no time step; 30 s assumed");
        }
        else if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var step) && step is >= 1 and <= 3600)
        {
            key.TimeStep = step;
        }
        else
        {
            Bad(key, "its time step is not 1 to 3600 s");
        }
    }

    public static void Algorithm(SeedKey key, string text, ImportOptions options)
    {
        switch (text.ToUpperInvariant().Replace("-", "", StringComparison.Ordinal))
        {
            case "":
                key.Algorithm = options.Algorithm ?? OathAlgorithm.Sha1;
                break;
            case "SHA1" or "HMACSHA1":
                key.Algorithm = OathAlgorithm.Sha1;
                break;
            case "SHA256" or "HMACSHA256":
                key.Algorithm = OathAlgorithm.Sha256;
                break;
            case "SHA512" or "HMACSHA512":
                key.Algorithm = OathAlgorithm.Sha512;
                break;
            default:
                Bad(key, "its hash is none of sha1, sha256, sha512");
                break;
        }
    }

    public static void Bad(SeedKey key, string text)
    {
        key.Fault ??= Fault.BadRow;
        key.FaultText ??= text;
    }
}
