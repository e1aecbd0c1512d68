using System.Globalization;
using System.Security.Cryptography;
using Pskc.Xml;

namespace Pskc.Reading;

/// <summary>
/// Turns a parsed key into one with its values: opens them, types them, and says what speaks against using it.
/// </summary>
internal sealed class KeyOpener(ContainerKeys keys, PskcReadOptions options, Action<int, string> warn)
{
    public Key Open(RawKey raw)
    {
        var (algorithm, suiteInUri) = AlgorithmNames.Algorithm(raw.AlgorithmUri);
        var suite = raw.Suite ?? suiteInUri;
        var isOtp = algorithm is KeyAlgorithm.Hotp or KeyAlgorithm.Totp;
        var hash = isOtp ? AlgorithmNames.Hash(suite) : null;
        var policy = Policy(raw);
        string? unusable = null;
        byte[]? secret = null;
        try
        {
            secret = Octets(raw.Secret, "Secret", ref unusable);
            if (secret is { Length: 0 })
            {
                throw PskcException.At(PskcFault.BadValue, raw.Secret!.Line,
                    "the secret is empty. A key without secret has no Secret element at all; ask the sender.");
            }
            var key = new Key
            {
                Line = raw.Line,
                Id = raw.Id,
                AlgorithmUri = raw.AlgorithmUri,
                Algorithm = algorithm,
                Suite = suite,
                Hash = hash,
                Issuer = raw.Issuer,
                FriendlyName = raw.FriendlyName,
                UserId = raw.UserId,
                KeyProfileId = raw.KeyProfileId,
                KeyReference = raw.KeyReference,
                ResponseFormat = raw.ResponseFormat,
                ChallengeFormat = raw.ChallengeFormat,
                Extensions = raw.Extensions,
                Policy = policy,
                Secret = secret,
                Counter = Integer(raw.Counter, "Counter", octets: 8, signed: false, ref unusable),
                Time = Integer(raw.Time, "Time", octets: 8, signed: false, ref unusable),
                TimeInterval = (int?)Integer(raw.TimeInterval, "TimeInterval", octets: 4, signed: false, ref unusable),
                TimeDrift = (int?)Integer(raw.TimeDrift, "TimeDrift", octets: 4, signed: true, ref unusable),
                UnusableReason = unusable
                    ?? (isOtp && hash is null ? $"its suite '{PskcException.Printable(suite!)}' names no hash that is known" : null)
                    ?? (secret is null ? NoSecret(raw) : null)
                    ?? (policy.Usable ? null : policy.WhyNotOtp(DateTimeOffset.UnixEpoch)),
            };
            if (algorithm == KeyAlgorithm.Hotp && key.Counter is null && secret is not null)
            {
                warn(raw.Line, "the HOTP key has no counter; RFC 6030 section 10.1 wants one. Peers take 0.");
            }
            secret = null;
            return key;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private static string NoSecret(RawKey raw) => raw.KeyReference is not null
        ? $"it has no secret; it is to be derived from '{PskcException.Printable(raw.KeyReference)}'"
        : "it has no secret";

    private static KeyPolicy Policy(RawKey raw)
    {
        var policy = raw.Policy ?? KeyPolicy.Unrestricted;
        return raw.StartDate is null && raw.ExpiryDate is null && raw.Usage.Count == 0 ? policy : policy with
        {
            StartDate = policy.StartDate ?? raw.StartDate,
            ExpiryDate = policy.ExpiryDate ?? raw.ExpiryDate,
            KeyUsage = [.. policy.KeyUsage, .. raw.Usage],
            NotUnderstood = [.. policy.NotUnderstood, .. raw.Usage.Where(use => !PolicyReader.IsKnownUse(use))],
        };
    }

    private byte[]? Octets(RawValue? value, string name, ref string? unusable)
    {
        if (value?.Encrypted is null)
        {
            return value?.Octets;
        }
        if (options.StructureOnly)
        {
            unusable ??= "its values were not decrypted";
            return null;
        }
        byte[]? opened;
        try
        {
            opened = keys.Open(value.Encrypted, value.Mac);
        }
        catch (PskcException e) when (e.Fault == PskcFault.MacMissing && options.MacPolicy == MacPolicy.SkipKey)
        {
            unusable = $"its {name} has no MAC";
            warn(value.Line, $"{name} has no MAC; the key was skipped.");
            return null;
        }
        if (opened is null && options.MacPolicy == MacPolicy.SkipKey)
        {
            unusable = $"its {name} does not authenticate";
            warn(value.Line, $"{name} does not authenticate; the key was skipped.");
            return null;
        }
        return opened ?? throw PskcException.At(PskcFault.NotAuthentic, value.Line,
            $"the encrypted {name} does not authenticate. Either the key or passphrase is not the one this file was made " +
            "with, or the file was changed on the way. Nothing of it may be used; check both with the sender.");
    }

    private long? Integer(RawValue? value, string name, int octets, bool signed, ref string? unusable)
    {
        if (value is null)
        {
            return null;
        }
        long? number;
        if (value.Text is not null)
        {
            number = PlainInteger(value, name, octets, signed);
        }
        else
        {
            number = Octets(value, name, ref unusable) is { } opened ? Decoded(value, name, opened, octets, signed) : null;
        }
        var least = signed ? int.MinValue : 0;
        var most = octets == 4 ? int.MaxValue : long.MaxValue;
        if (number < least || number > most)
        {
            throw PskcException.At(PskcFault.BadValue, value.Line, $"{name} is outside {least} to {most}.");
        }
        if (name == "Counter" && number > uint.MaxValue)
        {
            warn(value.Line, $"the counter {number} is further than any display counts; was it encrypted or coded otherwise?");
        }
        return number;
    }

    private long PlainInteger(RawValue value, string name, int octets, bool signed)
    {
        var text = value.Text!;
        var style = signed ? NumberStyles.AllowLeadingSign : NumberStyles.None;
        if (long.TryParse(text, style, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }
        // Some write an integer as Base64 of what it would be encrypted from. Only forms that speak for themselves.
        var decoded = Values.Base64OrNull(text);
        if (decoded is { Length: 4 or 8 } || (decoded is { Length: > 0 } && decoded.All(octet => char.IsAsciiDigit((char)octet))))
        {
            number = Decoded(value, name, decoded, octets, signed);
            warn(value.Line, $"{name} is not decimal as the standard says, but Base64; it was read as {number}.");
            return number;
        }
        throw PskcException.At(PskcFault.BadValue, value.Line,
            $"{name} is '{PskcException.Printable(text)}', not a decimal number from 0 to 9223372036854775807.");
    }

    private long Decoded(RawValue value, string name, byte[] opened, int octets, bool signed)
    {
        try
        {
            var number = IntegerOctets.Read(opened, octets, signed, options.IntegerReading, out var doubt);
            if (doubt is not null)
            {
                warn(value.Line, $"{name} {doubt}.");
            }
            return number;
        }
        catch (PskcException e)
        {
            throw PskcException.At(e.Fault, value.Line, $"{name} {e.Message}");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(opened);
        }
    }
}
