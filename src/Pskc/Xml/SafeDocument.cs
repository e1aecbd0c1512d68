using System.Xml;

namespace Pskc.Xml;

/// <summary>
/// The one place a DOM is built, for signatures. XmlDocument.Load by itself takes a DOCTYPE in silence.
/// </summary>
internal static class SafeDocument
{
    public static XmlDocument Load(Stream stream)
    {
        var document = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
        using var reader = XmlReader.Create(stream, new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            CloseInput = false,
        });
        document.Load(reader);
        return document;
    }
}
