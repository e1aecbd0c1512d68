using System.Text;
using System.Xml;
using Oath;

namespace OathServer.Import.Formats;

/// <summary>SafeNet and Aladdin: <c>Tokens/Token[@serial]/Applications/Application/{Seed,MovingFactor}</c>, hexadecimal.</summary>
internal static class SafeNetSeeds
{
    private const int Sha256Seed = 32;
    private const int DepthMax = 16;

    public static IEnumerable<SeedKey> Read(Stream stream, ImportOptions options)
    {
        using var reader = XmlReader.Create(stream, new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = options.LengthMax,
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
            IgnoreWhitespace = true,
        });
        var line = (IXmlLineInfo)reader;
        SeedKey? key = null;
        var applications = 0;
        while (Read(reader))
        {
            if (reader.Depth > DepthMax)
            {
                throw new ImportRefusedException(Fault.BadRow, $"line {line.LineNumber}: elements are nested deeper than {DepthMax}.", line: line.LineNumber);
            }

            switch (reader.NodeType, reader.LocalName)
            {
                case (XmlNodeType.Element, "Token"):
                    key = new SeedKey { Line = line.LineNumber, Manufacturer = "SafeNet", DeviceSerial = reader.GetAttribute("serial")?.Trim() ?? "" };
                    applications = 0;
                    break;
                case (XmlNodeType.Element, "Application") when key is not null && ++applications > 1:
                    Fields.Bad(key, "it has several applications; which is the one-time password is not said");
                    break;
                case (XmlNodeType.Element, "Seed") when key is not null:
                    key.Secret = Encoding.UTF8.GetBytes(Text(reader));
                    break;
                case (XmlNodeType.Element, "MovingFactor") when key is not null:
                    Fields.Counter(key, Text(reader));
                    break;
                case (XmlNodeType.EndElement, "Token") when key is not null:
                    yield return Finish(key, options);
                    key = null;
                    break;
            }
        }
    }

    private static SeedKey Finish(SeedKey key, ImportOptions options)
    {
        Fields.Digits(key, "", options);
        Fields.Algorithm(key, "", options);
        if (key.Secret.Length == 0)
        {
            Fields.Bad(key, "it has no seed");
        }
        else if (key.Secret.Length == Sha256Seed * 2 && options.Algorithm is null)
        {
            Fields.Bad(key, $"its seed has {Sha256Seed} octets, which some take to mean SHA-256; say which hash it is (algorithm: {string.Join(", ", KebabNames.All<OathAlgorithm>())})");
        }

        return key;
    }

    private static bool Read(XmlReader reader)
    {
        try
        {
            return reader.Read();
        }
        catch (XmlException fault)
        {
            throw Refusal(fault);
        }
    }

    private static string Text(XmlReader reader)
    {
        try
        {
            // Leaves the reader on the end tag.
            return reader.IsEmptyElement || !reader.Read() || reader.NodeType != XmlNodeType.Text ? "" : reader.Value.Trim();
        }
        catch (XmlException fault)
        {
            throw Refusal(fault);
        }
    }

    private static ImportRefusedException Refusal(XmlException fault) => new(
        "not-xml", $"line {fault.LineNumber}: the file is not well-formed XML, or was cut off. Nothing of it may be used; fetch it again.", line: fault.LineNumber);
}
