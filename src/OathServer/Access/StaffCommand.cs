using System.CommandLine;
using OathServer.Audit;
using OathServer.Operations;

namespace OathServer.Access;

/// <summary><c>staff link --name N [--role R]</c>: on the server's own machine, for when nobody can sign in.</summary>
internal static class StaffCommand
{
    public static Command Create()
    {
        var name = new Option<string>("--name") { Required = true, Description = "Who, as they sign in." };
        var role = new Option<string?>("--role") { Description = "Adds the person with this role when they are not there yet." };
        role.AcceptOnlyFromAmong(Roles.Staff);
        var link = new Command("link", "Prints a one-time link, alone, on the last line, by which a person chooses a new password.") { name, role };
        link.SetAction(async (parsed, cancel) =>
        {
            await using var host = await OathHost.OpenStorageAsync(cancel);
            await using var scope = host.Services.CreateAsyncScope();
            var life = scope.ServiceProvider.GetRequiredService<StaffLife>();
            var who = parsed.GetRequiredValue(name);
            var actor = AuditEvent.OnThisMachine();
            var staff = await life.FindAsync(who);
            string? path;
            if (staff is not null)
            {
                path = await life.LinkAsync(staff, actor, cancel);
            }
            else if (parsed.GetValue(role) is { } given)
            {
                (var result, path) = await life.AddAsync(who, given, actor, cancel);
                if (path is null)
                {
                    await Console.Error.WriteLineAsync(result.Text);
                    return 2;
                }
            }
            else
            {
                await Console.Error.WriteLineAsync($"There is nobody named {who}. Add --role to make them known.");
                return 2;
            }

            Console.WriteLine($"For {who}, once, within {StaffLinks.Life.TotalHours:0} hours, at this server's address:");
            Console.WriteLine(path);
            return 0;
        });
        return new Command("staff", "People who sign in to this server.") { link };
    }
}
