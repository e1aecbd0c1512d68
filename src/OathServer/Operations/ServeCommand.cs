using System.CommandLine;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;

namespace OathServer.Operations;

/// <summary><c>serve</c>, and what the bare program does.</summary>
internal static class ServeCommand
{
    public const string Name = "serve";

    public static Command Create()
    {
        var serve = new Command(Name, "Runs the server until it is stopped (the default).");
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
            Say(app, $"OathServer is ready at {string.Join(", ", app.Urls)} (API: /docs, data: {Storage.StorageServices.DataFolder(app.Configuration)}).");
            foreach (var url in Transport.Unprotected(app))
            {
                app.Logger.LogWarning("{Url} can be reached from other machines without TLS: codes and API keys travel in the clear. Listen on https://, or set Proxy:Networks when a proxy ends TLS.", url);
            }

            await TryOfferFirstAdministratorAsync(app);
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

    /// <summary>What a person at a terminal reads; in a structured log it is an entry like the others.</summary>
    private static void Say(WebApplication app, string what)
    {
        if (LogsAreStructured(app))
        {
            app.Logger.LogInformation("{What}", what);
        }
        else
        {
            Console.WriteLine(what);
        }
    }

    private static bool LogsAreStructured(WebApplication app) => app.Configuration["Logging:Console:FormatterName"] is "json";

    /// <summary>It serves already: the link can wait, codes cannot. Nor can a stop in the meantime: what is served is drained.</summary>
    private static async Task TryOfferFirstAdministratorAsync(WebApplication app)
    {
        try
        {
            await OfferFirstAdministratorAsync(app, CancellationToken.None);
        }
        catch (Exception fault) when (Storage.StorageFault.IsPassing(fault))
        {
            app.Logger.LogWarning("No link for the first administrator could be made: {Fault} Start again, or make one with: OathServer staff link.", fault.Message);
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
        if (LogsAreStructured(app))
        {
            // They are collected and kept, where a link that makes an administrator must not be.
            if (!await db.Staff.AnyAsync(cancel))
            {
                app.Logger.LogWarning("There is no administrator yet. Make a link for the first one: OathServer staff link --name N --role administrator");
            }
        }
        else if (await app.Services.GetRequiredService<StaffLinks>().FirstAdministratorAsync(db, cancel) is { } link)
        {
            Console.WriteLine($"There is no administrator yet. Create the first one, within {StaffLinks.Life.TotalHours:0} hours, at {app.Urls.First()}{link}");
        }
    }
}
