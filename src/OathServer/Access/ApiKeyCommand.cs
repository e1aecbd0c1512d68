using System.CommandLine;
using OathServer.Operations;

namespace OathServer.Access;

/// <summary><c>apikey create --name N --role R</c>: the first key is made on the server's own machine, so that there is
/// no default password.</summary>
internal static class ApiKeyCommand
{
    public static Command Create()
    {
        var name = new Option<string>("--name") { Required = true, Description = "What the key is for, e.g. vpn-gateway." };
        var role = new Option<string>("--role") { Required = true, Description = $"One of: {string.Join(", ", Roles.All)}." };
        role.AcceptOnlyFromAmong(Roles.All);
        var realm = new Option<string[]>("--realm") { Description = "A realm it may enter; repeat for several. All when left out." };
        var days = new Option<int?>("--days") { Description = "Days until it expires. Never when left out." };
        var create = new Command("create", "Makes an API key and prints it, alone, on the last line. It cannot be read again.")
        {
            name, role, realm, days,
        };
        create.SetAction(async (parsed, cancel) =>
        {
            await using var host = await OathHost.OpenStorageAsync(cancel);
            try
            {
                var life = parsed.GetValue(days) is { } count ? TimeSpan.FromDays(count) : (TimeSpan?)null;
                var key = await host.Services.GetRequiredService<ApiKeys>().CreateAsync(
                    parsed.GetRequiredValue(name), parsed.GetRequiredValue(role), parsed.GetValue(realm) ?? [], life, cancel);
                Console.WriteLine($"API key {parsed.GetRequiredValue(name)}, role {parsed.GetRequiredValue(role)}. Keep it now; it is not shown again:");
                Console.WriteLine(key);
                return 0;
            }
            catch (ArgumentException refusal)
            {
                await Console.Error.WriteLineAsync(refusal.Message.Split(" (Parameter", 2)[0]);
                return 2;
            }
        });
        return new Command("apikey", "API keys of relying parties and automations.") { create };
    }
}
