using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Xml;

namespace Pskc.Xml;

/// <summary>
/// Walks a hostile XML file forward, element by element. Text passes through one buffer that is cleared at the end.
/// Every handler of an element leaves the cursor on that element's end.
/// </summary>
internal sealed class XmlCursor : IDisposable
{
    private readonly GuardedStream stream;
    private readonly PskcLimits limits;
    private readonly XmlReader reader;
    private readonly IXmlLineInfo lines;
    private readonly string?[] repeated = new string?[64];
    private char[] text = ArrayPool<char>.Shared.Rent(4096);

    public XmlCursor(Stream source, PskcLimits limits)
    {
        this.limits = limits;
        stream = new GuardedStream(source, limits);
        var notXml = stream.SkipToMarkup();
        if (notXml is not null)
        {
            throw new PskcException(PskcFault.NotXml, $"This is not a PSKC key container: it is {notXml}.");
        }
        reader = XmlReader.Create(stream, new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
            IgnoreWhitespace = true,
            MaxCharactersInDocument = limits.MaxFileBytes,
            MaxCharactersFromEntities = 1024,
            NameTable = new BoundedNameTable(),
            CheckCharacters = true,
        });
        lines = (IXmlLineInfo)reader;
    }

    /// <summary>The namespace of the container's own elements, once the root was read.</summary>
    public string ContainerNamespace { get; set; } = "";

    /// <summary>Maps names to the RFC's; identity but in dialects that write them in lower case.</summary>
    public Func<string, string>? NameMap { get; set; }

    public int Line => lines.LineNumber + stream.SkippedLines;

    public long StartOfMarkup => stream.Skipped;

    public string RawName => reader.LocalName;

    public string Namespace => reader.NamespaceURI;

    public bool IsPlainAt(int depth) => reader.Depth == depth;

    /// <summary>
    /// The RFC's name of the element when it is the container's own, "" when it is foreign. A PSKC element of another
    /// PSKC namespace, or of none, is refused: other readers would take it for ours, and see another file than we do.
    /// </summary>
    public string PskcName
    {
        get
        {
            var ns = reader.NamespaceURI;
            if (ns == ContainerNamespace)
            {
                return Map(reader.LocalName);
            }
            if (ns.Length == 0 || Ns.IsPskc(ns))
            {
                throw Fault(PskcFault.MixedNamespaces, $"element {PskcException.Printable(reader.LocalName)} is in " +
                    $"{Ns.Words(ns)}, its container in {PskcException.Printable(ContainerNamespace)}. Ask the sender for a file of one namespace.");
            }
            return "";
        }
    }

    /// <summary>
    /// The name of an element of XML Encryption, XML Signature or PKCS#5, which drafts put in odd namespaces.
    /// </summary>
    public string CryptoName
    {
        get
        {
            var ns = reader.NamespaceURI;
            return ns.Length == 0 || ns == ContainerNamespace || Ns.IsCrypto(ns) ? Map(reader.LocalName) : "";
        }
    }

    private string Map(string name) => NameMap is null ? name : NameMap(name);

    /// <summary>Moves to the root element.</summary>
    public void MoveToRoot()
    {
        do
        {
            if (!Step())
            {
                throw Fault(PskcFault.Truncated, "the file has no root element.");
            }
        }
        while (reader.NodeType != XmlNodeType.Element);
    }

    /// <summary>Steps into the element; false when it is written as empty.</summary>
    public bool Open()
    {
        reader.MoveToElement();
        return !reader.IsEmptyElement;
    }

    /// <summary>Moves to the next child element of an opened element; false, on its end, when there is none.</summary>
    public bool Next(bool open)
    {
        while (open && Step())
        {
            switch (reader.NodeType)
            {
                case XmlNodeType.Element:
                    return true;
                case XmlNodeType.EndElement:
                    return false;
                case XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.EntityReference:
                    throw Fault(PskcFault.BadStructure, "there is text where only elements may stand.");
                default:
                    break;
            }
        }
        return false;
    }

    /// <summary>Reads to the end of the document, past the root.</summary>
    public void ReadToEnd()
    {
        while (Step())
        {
        }
    }

    /// <summary>Skips the element with all it holds.</summary>
    public void Skip()
    {
        var depth = reader.Depth;
        if (!Open())
        {
            return;
        }
        while (Step() && (reader.NodeType != XmlNodeType.EndElement || reader.Depth > depth))
        {
        }
    }

    /// <summary>The text of the element, trimmed; valid until the next call.</summary>
    public ReadOnlySpan<char> Text()
    {
        var name = reader.LocalName;
        var length = 0;
        if (!Open())
        {
            return [];
        }
        while (Step() && reader.NodeType != XmlNodeType.EndElement)
        {
            if (reader.NodeType is XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.SignificantWhitespace)
            {
                length = Append(length, name);
            }
            else if (reader.NodeType == XmlNodeType.Element)
            {
                throw Fault(PskcFault.BadStructure, $"element {name} holds an element where only text may stand.");
            }
        }
        return text.AsSpan(0, length).Trim(" \t\r\n");
    }

    private int Append(int length, string name)
    {
        while (true)
        {
            if (length == text.Length)
            {
                var larger = ArrayPool<char>.Shared.Rent(text.Length * 2);
                text.AsSpan().CopyTo(larger);
                ClearText();
                ArrayPool<char>.Shared.Return(text);
                text = larger;
            }
            var read = ReadChunk(length);
            if (read == 0)
            {
                return length;
            }
            length += read;
            if (length > limits.MaxValueChars)
            {
                throw Fault(PskcFault.LimitExceeded, $"the text of {name} is longer than {limits.MaxValueChars} " +
                    "characters (PskcLimits.MaxValueChars).");
            }
        }
    }

    private int ReadChunk(int length)
    {
        stream.BeginStep();
        try
        {
            return reader.ReadValueChunk(text, length, text.Length - length);
        }
        catch (Exception e) when (IsXmlFault(e))
        {
            throw Translated(e);
        }
    }

    /// <summary>The text of the element as a string, null when empty. Never for secrets.</summary>
    public string? TextOrNull()
    {
        var span = Text();
        if (span.IsEmpty)
        {
            return null;
        }
        // Manufacturer, model and issuer are the same in every package of a shipment.
        ref var slot = ref repeated[string.GetHashCode(span) & (repeated.Length - 1)];
        return slot is not null && span.SequenceEqual(slot) ? slot : slot = span.ToString();
    }

    /// <summary>The first of the attributes that is there.</summary>
    public string? Attribute(string name, string? alternative = null, string? third = null) =>
        reader.GetAttribute(name)
        ?? (alternative is null ? null : reader.GetAttribute(alternative))
        ?? (third is null ? null : reader.GetAttribute(third))
        ?? (NameMap is null ? null : reader.GetAttribute(name.ToLowerInvariant()));

    /// <summary>Names of all attributes but namespace declarations, mapped to the RFC's.</summary>
    public IEnumerable<string> AttributeNames()
    {
        for (var more = reader.MoveToFirstAttribute(); more; more = reader.MoveToNextAttribute())
        {
            if (reader.Prefix != "xmlns" && reader.Name != "xmlns" && reader.Prefix != "xsi")
            {
                yield return reader.NamespaceURI.Length == 0 ? Map(reader.LocalName) : reader.Name;
            }
        }
        reader.MoveToElement();
    }

    /// <summary>The element as XML text, with the namespaces it needs.</summary>
    public string OuterXml()
    {
        using var copy = new StringWriter();
        using (var writer = XmlWriter.Create(copy, new XmlWriterSettings
        {
            OmitXmlDeclaration = true,
            ConformanceLevel = ConformanceLevel.Fragment,
        }))
        {
            stream.BeginStep();
            try
            {
                using var subtree = reader.ReadSubtree();
                while (subtree.Read())
                {
                    CheckDepth();
                    Copy(subtree, writer);
                }
            }
            catch (Exception e) when (IsXmlFault(e))
            {
                throw Translated(e);
            }
        }
        return copy.ToString();
    }

    private static void Copy(XmlReader from, XmlWriter to)
    {
        switch (from.NodeType)
        {
            case XmlNodeType.Element:
                var empty = from.IsEmptyElement;
                to.WriteStartElement(from.Prefix, from.LocalName, from.NamespaceURI);
                to.WriteAttributes(from, defattr: false);
                if (empty)
                {
                    to.WriteEndElement();
                }
                break;
            case XmlNodeType.EndElement:
                to.WriteEndElement();
                break;
            case XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.SignificantWhitespace:
                to.WriteString(from.Value);
                break;
            default:
                break;
        }
    }

    public PskcException Fault(PskcFault fault, string what) => PskcException.At(fault, Line, what);

    private bool Step()
    {
        stream.BeginStep();
        bool more;
        try
        {
            more = reader.Read();
        }
        catch (Exception e) when (IsXmlFault(e))
        {
            throw Translated(e);
        }
        CheckDepth();
        return more;
    }

    private void CheckDepth()
    {
        if (reader.Depth > limits.MaxDepth)
        {
            throw Fault(PskcFault.LimitExceeded,
                $"elements nest deeper than {limits.MaxDepth} (PskcLimits.MaxDepth).");
        }
    }

    private static bool IsXmlFault(Exception e) =>
        e is XmlException or ArgumentException or InvalidOperationException or NotSupportedException;

    private PskcException Translated(Exception fault)
    {
        if (fault is not XmlException e)
        {
            return PskcException.At(PskcFault.NotXml, Line,
                $"the file is not well-formed XML: {fault.Message}", fault);
        }
        var line = e.LineNumber + stream.SkippedLines;
        if (Says("DTD") || Says("DOCTYPE"))
        {
            return PskcException.At(PskcFault.DtdForbidden, line, "the file has a DOCTYPE. Nothing in PSKC " +
                "needs one and it is how XML readers are attacked, so it is refused. Ask the sender for a file without.", e);
        }
        if (Says("MaxCharacters"))
        {
            return PskcException.At(PskcFault.LimitExceeded, line,
                "the file is larger than the limits allow (PskcLimits).", e);
        }
        return stream.AtEnd && (Says("nexpected end of file") || Says("nclosed") || Says("Root element is missing"))
            ? PskcException.At(PskcFault.Truncated, line, "the file ends before its container does: it was " +
                "cut off. Nothing of it may be used; fetch it again.", e)
            : PskcException.At(PskcFault.NotXml, line, $"the file is not well-formed XML: {e.Message}", e);

        bool Says(string words) => e.Message.Contains(words, StringComparison.Ordinal);
    }

    private void ClearText() => CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(text.AsSpan()));

    public void Dispose()
    {
        reader.Dispose();
        ClearText();
        ArrayPool<char>.Shared.Return(text);
        text = [];
    }
}
