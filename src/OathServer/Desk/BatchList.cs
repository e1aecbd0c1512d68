using OathServer.Import;
using OathServer.Import.Formats;

namespace OathServer.Desk;

/// <summary>A list of users as separated values: <c>user</c> and, if wanted, <c>serial</c>; a first line of those very words
/// is a heading.</summary>
internal static class BatchList
{
    /// <summary>The users, or what is wrong and on which line.</summary>
    public static (List<BatchUser> Users, string? Fault) Read(Stream text)
    {
        var users = new List<BatchUser>();
        try
        {
            using var table = new CsvTable(text, ',');
            while (table.Read())
            {
                if (users.Count == 0 && table.Text(0).Equals("user", StringComparison.OrdinalIgnoreCase))
                {
                    continue;
                }

                if (table.Count > 2 || table.TextOrNull(0) is not { } user)
                {
                    return (users, $"line {table.Line}: a line is a user, and after a comma a token's serial if one is meant.");
                }

                users.Add(new BatchUser(user, table.TextOrNull(1)));
            }

            return (users, null);
        }
        catch (ImportRefusedException fault)
        {
            return (users, fault.Message);
        }
    }
}
