using System.Text;

namespace OathServer.Import;

/// <summary>Who gets which key: lines of <c>serial,user</c>, a header allowed.</summary>
internal sealed class OwnerList
{
    private readonly Dictionary<string, (string User, int Line)> owners = new(StringComparer.Ordinal);

    public IEnumerable<string> Serials => owners.Keys;

    public string? OwnerOf(string serial) => owners.TryGetValue(serial, out var owner) ? owner.User : null;

    public int LineOf(string serial) => owners.TryGetValue(serial, out var owner) ? owner.Line : 0;

    /// <exception cref="ImportRefusedException">A line that is not <c>serial,user</c>, or a serial named twice.</exception>
    public static OwnerList Read(Stream stream)
    {
        var list = new OwnerList();
        using var table = new Formats.CsvTable(new StreamReader(stream, new UTF8Encoding(false, throwOnInvalidBytes: true)), ',');
        foreach (var row in table.Rows())
        {
            if (row.Fields is ["serial", "user"] && row.Line == 1)
            {
                continue;
            }

            if (row.Fields is not [{ Length: > 0 } serial, { Length: > 0 } user])
            {
                throw new ImportRefusedException(Fault.BadOwners,
                    $"Line {row.Line} of the list of owners is not serial,user.", line: row.Line);
            }

            if (!list.owners.TryAdd(serial, (user, row.Line)))
            {
                throw new ImportRefusedException(Fault.BadOwners,
                    $"Line {row.Line} of the list of owners names serial {serial} again (first in line {list.LineOf(serial)}).", serial, line: row.Line);
            }
        }

        return list;
    }
}
