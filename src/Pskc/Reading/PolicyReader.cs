using Pskc.Xml;

namespace Pskc.Reading;

/// <summary>
/// Reads a Policy; whatever is not known goes on record, for then the key must not be used (RFC 6030 section 5).
/// </summary>
internal static class PolicyReader
{
    private static readonly HashSet<string> knownUses = new(StringComparer.OrdinalIgnoreCase)
    {
        "OTP", "CR", "Encrypt", "Integrity", "Verify", "Unlock", "Decrypt", "KeyWrap", "Unwrap", "Derive", "Generate",
    };

    private static readonly HashSet<string> knownModes = new(StringComparer.OrdinalIgnoreCase)
    {
        "Local", "Prepend", "Append", "Algorithmic",
    };

    public static bool IsKnownUse(string use) => knownUses.Contains(use);

    public static KeyPolicy Read(XmlCursor xml)
    {
        DateTimeOffset? start = null, expiry = null;
        long? transactions = null;
        PinPolicy? pin = null;
        List<string> uses = [], unknown = [];
        var open = xml.Open();
        while (xml.Next(open))
        {
            switch (xml.PskcName)
            {
                case "StartDate":
                    start = Values.Date(xml, "StartDate");
                    break;
                case "ExpiryDate":
                    expiry = Values.Date(xml, "ExpiryDate");
                    break;
                case "NumberOfTransactions":
                    transactions = Values.Integer(xml, "NumberOfTransactions", xml.Text());
                    break;
                case "PINPolicy":
                    pin = ReadPin(xml, unknown);
                    break;
                case "KeyUsage":
                    AddUse(xml, uses, unknown);
                    break;
                default:
                    NotUnderstood(unknown, $"element {xml.RawName}");
                    xml.Skip();
                    break;
            }
        }
        return new KeyPolicy
        {
            StartDate = start,
            ExpiryDate = expiry,
            NumberOfTransactions = transactions,
            Pin = pin,
            KeyUsage = uses,
            NotUnderstood = unknown,
        };
    }

    private static void AddUse(XmlCursor xml, List<string> uses, List<string> unknown)
    {
        var use = xml.TextOrNull();
        if (use is null)
        {
            return;
        }
        if (!knownUses.Contains(use))
        {
            NotUnderstood(unknown, $"KeyUsage {use}");
        }
        if (uses.Count < 32)
        {
            uses.Add(use);
        }
    }

    private static PinPolicy ReadPin(XmlCursor xml, List<string> unknown)
    {
        foreach (var name in xml.AttributeNames())
        {
            if (name is not ("PINKeyId" or "PINUsageMode" or "PINUsageMethod" or "MaxFailedAttempts" or "MinLength"
                or "MaxLength" or "PINEncoding"))
            {
                NotUnderstood(unknown, $"PINPolicy attribute {name}");
            }
        }
        var mode = xml.Attribute("PINUsageMode", "PINUsageMethod");
        if (mode is not null && !knownModes.Contains(mode))
        {
            NotUnderstood(unknown, $"PINUsageMode {mode}");
        }
        var pin = new PinPolicy
        {
            PinKeyId = xml.Attribute("PINKeyId"),
            UsageMode = mode,
            MaxFailedAttempts = Values.Integer(xml, "MaxFailedAttempts", xml.Attribute("MaxFailedAttempts")),
            MinLength = Values.Integer(xml, "MinLength", xml.Attribute("MinLength")),
            MaxLength = Values.Integer(xml, "MaxLength", xml.Attribute("MaxLength")),
            Encoding = Values.Encoding(xml, "PINEncoding", xml.Attribute("PINEncoding")),
        };
        var open = xml.Open();
        while (xml.Next(open))
        {
            NotUnderstood(unknown, $"PINPolicy element {xml.RawName}");
            xml.Skip();
        }
        return pin;
    }

    private static void NotUnderstood(List<string> unknown, string what)
    {
        if (unknown.Count < 16)
        {
            unknown.Add(PskcException.Printable(what));
        }
    }
}
