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
        using var table = new Formats.CsvTable(stream, ',');
        while (table.Read())
        {
            var (serial, user, line) = (table.Text(0), table.Text(1), table.Line);
            if (line == 1 && serial.Equals("serial", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (table.Count != 2 || serial.Length == 0 || user.Length == 0)
            {
                throw new ImportRefusedException(Fault.BadOwners, $"Line {line} of the list of owners is not serial,user.", line: line);
            }

            if (!list.owners.TryAdd(serial, (user, line)))
            {
                throw new ImportRefusedException(Fault.BadOwners,
                    $"Line {line} of the list of owners names serial {serial} again (first in line {list.LineOf(serial)}).", serial, line: line);
            }
        }

        return list;
    }
}
