namespace Pskc.Xml;

/// <summary>Namespaces that occur in key containers.</summary>
internal static class Ns
{
    public const string Rfc6030 = "urn:ietf:params:xml:ns:keyprov:pskc";
    public const string Draft10 = "urn:ietf:params:xml:ns:keyprov:pskc:1.0";
    public const string Container = "urn:ietf:params:xml:ns:keyprov:container";
    public const string Container10 = "urn:ietf:params:xml:ns:keyprov:container:1.0";
    public const string Oath200608 = "http://www.openauthentication.org/OATH/2006/08/PSKC";
    public const string Oath200610 = "http://www.openauthentication.org/OATH/2006/10/PSKC";

    public const string Ds = "http://www.w3.org/2000/09/xmldsig#";
    public const string Xenc = "http://www.w3.org/2001/04/xmlenc#";
    public const string Xenc11 = "http://www.w3.org/2009/xmlenc11#";
    public const string Pkcs5 = "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#";
    public const string Pkcs5Plain = "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5#";

    public static bool IsPskc(string ns) =>
        ns is Rfc6030 or Draft10 or Container or Container10 or Oath200608 or Oath200610;

    public static bool IsCrypto(string ns) => ns is Ds or Xenc or Xenc11 or Pkcs5 or Pkcs5Plain;

    /// <summary>A namespace in a sentence.</summary>
    public static string Words(string name) => name.Length == 0 ? "no namespace" : $"namespace {PskcException.Printable(name)}";
}
