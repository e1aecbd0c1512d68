using System.Globalization;
using Pskc.Xml;

namespace Pskc.Reading;

/// <summary>
/// Recognises the dialect by root element and namespace, and checks the version (RFC 6030 section 1.2).
/// </summary>
internal static class RootElement
{
    public static (Dialect Dialect, string? Version, string? Id) Read(
        XmlCursor xml, PskcReadOptions options, Action<int, string> warn)
    {
        var name = xml.RawName;
        var ns = xml.Namespace;
        var found = Recognise(name, ns);
        if (options.Dialect is { } forced)
        {
            // Forcing reads a root of an unknown namespace as that dialect's; it does not turn one dialect into
            // another.
            if (found is not null && found != forced && !(found == Dialect.Rfc6030 && forced == Dialect.DraftIetf))
            {
                throw xml.Fault(PskcFault.WrongKind, $"the file is of dialect {found}, not {forced}.");
            }
            found ??= name.EndsWith("Container", StringComparison.OrdinalIgnoreCase) ? forced : null;
        }
        if (found is not { } dialect)
        {
            throw xml.Fault(PskcFault.WrongKind, $"this is not a PSKC key container: its root element is " +
                $"<{PskcException.Printable(name)}> of {Ns.Words(ns)}, expected <KeyContainer> of urn:ietf:params:xml:ns:keyprov:pskc.");
        }
        xml.ContainerNamespace = ns;
        xml.NameMap = dialect == Dialect.PrivacyIdea ? PrivacyIdeaNames.Rfc : null;
        var version = xml.Attribute("Version", "version")?.Trim();
        CheckVersion(xml, options, dialect, version, warn);
        return (dialect, version, xml.Attribute("Id", "id", "ID"));
    }

    private static Dialect? Recognise(string name, string ns) => (name, ns) switch
    {
        ("KeyContainer", Ns.Rfc6030) => Dialect.Rfc6030,
        ("keycontainer", Ns.Rfc6030) => Dialect.PrivacyIdea,
        ("KeyContainer", Ns.Draft10) => Dialect.DraftIetf,
        ("KeyContainer", Ns.Container or Ns.Container10) => Dialect.DraftHoyer01,
        ("SecretContainer", Ns.Oath200608 or Ns.Oath200610) => Dialect.DraftHoyer00,
        _ => null,
    };

    private static void CheckVersion(
        XmlCursor xml, PskcReadOptions options, Dialect dialect, string? version, Action<int, string> warn)
    {
        if (version is null)
        {
            if (dialect is Dialect.Rfc6030 or Dialect.PrivacyIdea)
            {
                warn(xml.Line, "the container has no Version; RFC 6030 section 4 wants 1.0.");
            }
            return;
        }
        var parts = version.Split('.');
        var numbers = new int[2];
        var known = parts.Length <= 2;
        for (var i = 0; known && i < parts.Length; i++)
        {
            known = int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]);
        }
        if (known && numbers[0] == 1 && dialect is Dialect.DraftHoyer00 or Dialect.DraftHoyer01)
        {
            return;
        }
        if (known && numbers[0] == 1 && numbers[1] > 0 && options.AllowNewerMinorVersion)
        {
            warn(xml.Line, $"the container is of version {PskcException.Printable(version)}, read as 1.0.");
            return;
        }
        if (!known || numbers[0] != 1 || numbers[1] != 0)
        {
            throw xml.Fault(PskcFault.UnsupportedVersion,
                $"the container is of version '{PskcException.Printable(version)}'; this reader knows 1.0.");
        }
    }
}
