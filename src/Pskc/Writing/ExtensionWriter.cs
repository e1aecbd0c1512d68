using System.Xml;
using Pskc.Xml;

namespace Pskc.Writing;

/// <summary>
/// Puts extensions back that a reader kept as XML text (RFC 6030 section 9), so that re-export loses none.
/// </summary>
internal static class ExtensionWriter
{
    public static void Write(XmlWriter xml, IReadOnlyList<string> extensions)
    {
        foreach (var text in extensions)
        {
            using var reader = XmlReader.Create(new StringReader(text), new XmlReaderSettings
            {
                DtdProcessing = DtdProcessing.Prohibit,
                XmlResolver = null,
                IgnoreWhitespace = true,
            });
            reader.MoveToContent();
            if (reader.NamespaceURI == Ns.Rfc6030 && reader.LocalName == "Extensions")
            {
                xml.WriteNode(reader, defattr: false);
            }
            else if (!Ns.IsPskc(reader.NamespaceURI) && reader.NamespaceURI.Length > 0)
            {
                // A foreign element that stood elsewhere; here is where the schema lets every reader expect it.
                xml.WriteStartElement("Extensions", Ns.Rfc6030);
                xml.WriteNode(reader, defattr: false);
                xml.WriteEndElement();
            }
        }
    }
}
