using Oath;
using OathServer.Storage;
using Pskc;

namespace OathServer.Import.Formats;

/// <summary>Key containers (RFC 6030): each key as the server can or cannot use it.</summary>
internal static class PskcSeeds
{
    private const int DefaultTimeStep = 30;
    private const int DriftMax = 1000;

    public static SeedFile Open(Stream file, ImportOptions options, DateTimeOffset now)
    {
        var reader = PskcReader.Open(file, ReadOptions(options));
        var warnings = new List<string>();
        if (options.Key is not null && !reader.Header.IsEncrypted)
        {
            warnings.Add("A key or passphrase was given, but the file is not encrypted: its secrets travelled in the open.");
        }

        var caution = options.MacPolicy == MacPolicy.NoCheck && reader.Header.IsEncrypted
            ? "MACs were not checked, as was asked: secrets and counters of this file may have been changed on the way." : null;
        if (caution is not null)
        {
            warnings.Add(caution);
        }

        return new SeedFile(Name(reader.Header), Keys(reader, options, warnings, now), warnings) { Caution = caution };
    }

    private static PskcReadOptions ReadOptions(ImportOptions options) => new()
    {
        Key = options.Key,
        MacKey = options.MacKey,
        MacPolicy = options.MacPolicy,
        AllowUnauthenticated = options.MacPolicy == MacPolicy.NoCheck,
        AllowRsa15 = options.AllowRsa15,
        IntegerReading = options.IntegerReading,
        TrustAnchors = options.TrustAnchors,
        Limits = PskcLimits.Default with { MaxFileBytes = options.LengthMax },
    };

    private static string Name(KeyContainerHeader header)
    {
        var form = header.Dialect == Dialect.Rfc6030 ? $"PSKC {header.Version}" : $"PSKC ({header.Dialect})";
        var lockedBy = header.EncryptionKind switch
        {
            EncryptionKind.PreSharedKey => ", encrypted with a pre-shared key",
            EncryptionKind.Passphrase => ", encrypted with a passphrase",
            EncryptionKind.PrivateKey => ", encrypted to an RSA key",
            _ => ", not encrypted",
        };
        return form + lockedBy + (header.SignerSubject is { } signer ? $", signed by {signer}" : "");
    }

    private static IEnumerable<SeedKey> Keys(PskcReader reader, ImportOptions options, List<string> warnings, DateTimeOffset now)
    {
        using (reader)
        {
            foreach (var package in reader.ReadKeyPackages())
            {
                foreach (var key in package.Keys)
                {
                    // The secret passes to the seed key, which clears it.
                    yield return Seed(package, key, options, now);
                }
            }

            warnings.AddRange(reader.Warnings.Select(w => w.ToString()));
        }
    }

    private static SeedKey Seed(KeyPackage package, Key key, ImportOptions options, DateTimeOffset now)
    {
        var type = key.Algorithm == KeyAlgorithm.Totp ? TokenType.Totp : TokenType.Hotp;
        var drift = type == TokenType.Totp ? key.TimeDrift ?? 0 : 0;
        var seed = new SeedKey
        {
            Line = key.Line > 0 ? key.Line : package.Line,
            Manufacturer = package.Manufacturer,
            DeviceSerial = package.SerialNo ?? key.Id ?? "",
            IssueNumber = package.IssueNo,
            KeyId = key.Id,
            Type = type,
            Algorithm = key.Hash switch { OtpHash.Sha256 => OathAlgorithm.Sha256, OtpHash.Sha512 => OathAlgorithm.Sha512, _ => OathAlgorithm.Sha1 },
            Digits = key.ResponseFormat?.Length ?? options.Digits ?? 6,
            TimeStep = type == TokenType.Totp ? key.TimeInterval ?? DefaultTimeStep : 0,
            Counter = type == TokenType.Hotp ? key.Counter ?? 0 : 0,
            Drift = Math.Abs(drift) <= DriftMax ? drift : 0,
            Secret = key.Secret ?? [],
            Owner = UserName(package.UserId ?? key.UserId),
            NotEnrolled = WhyNotEnrolled(key),
            Disabled = WhyDisabled(package, key, now),
            Suspended = WhySuspended(package, key, now),
        };
        foreach (var warning in Warnings(key, type, options, drift))
        {
            seed.Warn(warning);
        }

        return seed;
    }

    private static IEnumerable<string> Warnings(Key key, TokenType type, ImportOptions options, int drift)
    {
        if (key.Algorithm is not (KeyAlgorithm.Hotp or KeyAlgorithm.Totp))
        {
            yield break;
        }

        if (key.ResponseFormat?.Length is null)
        {
            yield return $"the file does not say how many digits its codes have; {options.Digits ?? 6} assumed";
        }

        if (type == TokenType.Hotp && key.Counter is null)
        {
            yield return "the file has no counter; 0 assumed";
        }

        if (type == TokenType.Totp && key.TimeInterval is null)
        {
            yield return $"the file has no time interval; {DefaultTimeStep} s assumed";
        }

        if (Math.Abs(drift) > DriftMax)
        {
            yield return $"a drift of {drift} steps is beyond belief; 0 assumed";
        }
    }

    /// <summary>What cannot become a token of this server at all: nothing of it is stored.</summary>
    private static string? WhyNotEnrolled(Key key) => key switch
    {
        { Algorithm: KeyAlgorithm.Ocra } => $"OCRA ({key.Suite}) is not validated here",
        { Algorithm: KeyAlgorithm.Pin } => "it is a PIN, not a one-time password",
        { Algorithm: KeyAlgorithm.YubiKeyAes } => "Yubico's own one-time passwords are not validated here",
        { Algorithm: KeyAlgorithm.Unspecified } => "the file does not say what algorithm it is for",
        { Algorithm: KeyAlgorithm.Other } => $"the algorithm {key.AlgorithmUri} is not validated here",
        { Hash: null } => key.UnusableReason,
        { Secret: null } => key.UnusableReason ?? "it has no secret",
        { ResponseFormat.Encoding: not (null or ValueEncoding.Decimal) } => $"its codes are {key.ResponseFormat.Encoding}, not decimal",
        { ResponseFormat.CheckDigits: true } => "its codes carry a check digit, which this server does not compare",
        { ResponseFormat.Length: < Hotp.MinDigits or > Hotp.MaxDigits } => $"its codes have {key.ResponseFormat.Length} digits; {Hotp.MinDigits} to {Hotp.MaxDigits} are validated here",
        { Algorithm: KeyAlgorithm.Totp, TimeInterval: < 1 or > 3600 } => $"its time interval is {key.TimeInterval} s; 1 to 3600 s are validated here",
        { Algorithm: KeyAlgorithm.Totp, Time: > 0 } => $"its time counts from {key.Time}, not from 1970 (RFC 6238 T0)",
        _ => null,
    };

    /// <summary>What is stored but may never be used: a policy that is not wholly kept forbids the key (RFC 6030 §5).</summary>
    private static string? WhyDisabled(KeyPackage package, Key key, DateTimeOffset now)
    {
        var policy = key.Policy;
        if (!policy.Usable || policy.KeyUsage.Count > 0 && !policy.KeyUsage.Contains("OTP", StringComparer.OrdinalIgnoreCase))
        {
            return policy.WhyNotOtp(now);
        }

        if (policy.ExpiryDate <= now)
        {
            return $"its policy ended at {policy.ExpiryDate:u}";
        }

        if (package.ExpiryDate <= now)
        {
            return $"the device expired at {package.ExpiryDate:u}";
        }

        if (policy.NumberOfTransactions is { } uses)
        {
            return $"its policy allows {uses} uses, which this server does not count";
        }

        return policy.Pin?.UsageMode is { } mode && !mode.Equals("Local", StringComparison.OrdinalIgnoreCase)
            ? $"its policy wants the PIN in the code ({mode}), which this server does not check"
            : key.UnusableReason;
    }

    private static string? WhySuspended(KeyPackage package, Key key, DateTimeOffset now) =>
        key.Policy.StartDate > now ? $"its policy starts at {key.Policy.StartDate:u}; resume it then"
        : package.StartDate > now ? $"the device is valid from {package.StartDate:u}; resume it then"
        : null;

    /// <summary>The user in a distinguished name (RFC 6030 §4.3.1): its UID, else its CN, else the text as it is.</summary>
    internal static string? UserName(string? distinguished)
    {
        if (string.IsNullOrWhiteSpace(distinguished))
        {
            return null;
        }

        string? common = null;
        foreach (var part in distinguished.Split(','))
        {
            var pair = part.Split('=', 2, StringSplitOptions.TrimEntries);
            if (pair.Length == 2 && pair[1].Length > 0)
            {
                if (pair[0].Equals("UID", StringComparison.OrdinalIgnoreCase))
                {
                    return pair[1];
                }

                common ??= pair[0].Equals("CN", StringComparison.OrdinalIgnoreCase) ? pair[1] : null;
            }
        }

        return common ?? distinguished.Trim();
    }
}
