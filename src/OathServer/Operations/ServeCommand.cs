using System.CommandLine;
using OathServer.Access;

namespace OathServer.Operations;

/// <summary><c>serve</c>, and what the bare program does.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var serve = new Command("serve", "Runs the server until it is stopped (the default).");
        serve.SetAction((_, cancel) => RunAsync(cancel));
        return serve;
    }

    public static async Task<int> RunAsync(CancellationToken cancel)
    {
        try
        {
            await using var app = OathHost.Build();
            ProcessMemory.Close(app.Configuration, app.Logger);
            await OathHost.StartAsync(app, cancel);
            Console.WriteLine($"OathServer is ready at {string.Join(", ", app.Urls)} (API: /docs, data: {Storage.StorageServices.DataFolder(app.Configuration)}).");
            foreach (var url in Transport.Unprotected(app))
            {
                app.Logger.LogWarning("{Url} can be reached from other machines without TLS: codes and API keys travel in the clear. Listen on https://, or set Proxy:Networks when a proxy ends TLS.", url);
            }

            await OfferFirstAdministratorAsync(app, cancel);
            await app.WaitForShutdownAsync(cancel);
            return 0;
        }
        catch (Exception refusal) when (refusal is InvalidOperationException or Secrets.TokenUnavailableException)
        {
            // A setting or a file that must be put right first: one line, no stack.
            await Console.Error.WriteLineAsync(refusal.Message);
            return 1;
        }
        catch (IOException fault) when (fault.Message.Contains("bind", StringComparison.OrdinalIgnoreCase))
        {
            await Console.Error.WriteLineAsync($"{fault.Message} Stop what uses it, or listen elsewhere (Urls=http://127.0.0.1:8081).");
            return 1;
        }
    }

    /// <summary>There is no default password: whoever reads this terminal makes the first administrator.</summary>
    private static async Task OfferFirstAdministratorAsync(WebApplication app, CancellationToken cancel)
    {
        if (OpenIdSignIn.IsConfigured(app.Configuration))
        {
            return;
        }

        await using var scope = app.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<Storage.OathDbContext>();
        if (await app.Services.GetRequiredService<StaffLinks>().FirstAdministratorAsync(db, cancel) is { } link)
        {
            Console.WriteLine($"There is no administrator yet. Create the first one, within {StaffLinks.Life.TotalHours:0} hours, at {app.Urls.First()}{link}");
        }
    }
}
