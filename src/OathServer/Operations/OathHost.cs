using OathServer.Access;
using OathServer.Audit;
using OathServer.Backup;
using OathServer.Desk;
using OathServer.Import;
using OathServer.Interop;
using OathServer.Monitoring;
using OathServer.Operations.Settings;
using OathServer.Pages;
using OathServer.Provisioning;
using OathServer.Readiness;
using OathServer.Records;
using OathServer.Scim;
using OathServer.SignIn;
using OathServer.Storage;
using OathServer.Tokens;
using OathServer.Validation;
using OathServer.Webhooks;

namespace OathServer.Operations;

/// <summary>Composes the server: what it is made of, in the order it is built.</summary>
internal static class OathHost
{
    /// <summary>The whole server, not started. <paramref name="settings"/> win over files and environment,
    /// <paramref name="replace"/> over the services registered here.</summary>
    public static WebApplication Build(
        IEnumerable<KeyValuePair<string, string?>>? settings = null, Action<IServiceCollection>? replace = null)
    {
        var builder = CreateBuilder(settings);
        AddFloor(builder);
        builder.Services.AddDrain();
        builder.Services.AddHostedService<AnchorClock>();
        builder.Services.AddHttpContextAccess();
        builder.Services.AddHttpFront();
        builder.Services.AddRazorComponents();
        builder.Services.AddConsole();
        builder.Services.AddSingleton<StaffLimits>();
        builder.Services.AddAccess(builder.Configuration);
        builder.Services.AddValidation(builder.Configuration);
        builder.Services.AddProvisioning(builder.Configuration);
        builder.Services.AddSingleton<RevealQuota>();
        builder.Services.AddSingleton<SecondPerson>();
        builder.Services.AddSingleton<PersonPurge>();
        builder.Services.AddDesk();
        builder.Services.AddHostedService<DailyFigures>();
        builder.Services.AddSingleton<RecordLife>();
        builder.Services.AddInterop(builder.Configuration);
        builder.Services.AddSingleton<ScimPeople>();
        builder.Services.AddWebhooks();
        builder.AddMonitoring();
        replace?.Invoke(builder.Services);

        var app = builder.Build();
        app.UseDrain();
        app.UseTransport();
        app.UseCertainEnds();
        app.UseApiKeyLane();
        app.UseExceptionHandler();
        app.UseApiKeyLaneFaults();
        app.UseHttpContextAccess();
        app.UseStatusCodePages();
        app.UseWebSockets();
        app.UseSecurityHeaders();
        app.UseAuthentication();
        app.UseApiKeyLimits();
        app.UseRoutingRefusal();
        app.UseAuthorization();
        app.UseConsoleLanguages();
        app.UseAntiforgery();
        app.UseFormCheck();
        app.MapValidation();
        app.MapTokens();
        app.MapImport();
        app.MapProfiles();
        app.MapProvisioning();
        app.MapAgents();
        app.MapBatches();
        app.MapRecords();
        app.MapReveals();
        app.MapPurge();
        app.MapReadiness();
        app.MapAudit();
        app.MapStaff();
        app.MapApiKeys();
        app.MapSignIn();
        app.MapConsole();
        app.MapInterop();
        app.MapScim();
        app.MapWebhooks();
        app.MapHealth();
        app.MapMonitoring();
        app.MapApiDocs();
        return app;
    }

    /// <summary>Takes the data folder where one process owns it, prepares the storage, then listens.</summary>
    public static async Task StartAsync(WebApplication app, CancellationToken cancel)
    {
        var folder = MakeFolder(app.Configuration);
        var owner = StorageServices.HasOneOwner(app.Configuration) ? OwnerLock.Take(folder) : null;
        app.Lifetime.ApplicationStopped.Register(() => owner?.Dispose());
        try
        {
            await app.Services.GetRequiredService<StorageStart>().RunAsync(cancel);
            await RefuseRolledBackAsync(app, cancel);
            if (app.Services.GetRequiredService<ValidationPolicy>().Warning() is { } warning)
            {
                app.Logger.LogWarning("{Warning}", warning);
            }

            await app.StartAsync(cancel);
        }
        catch
        {
            owner?.Dispose();
            throw;
        }
    }

    private static async Task RefuseRolledBackAsync(WebApplication app, CancellationToken cancel)
    {
        await using var scope = app.Services.CreateAsyncScope();
        await app.Services.GetRequiredService<RollbackCheck>().RunAsync(scope.ServiceProvider.GetRequiredService<OathDbContext>(), cancel);
    }

    /// <summary>The storage without the server, for commands on the server's own machine.</summary>
    public static async Task<WebApplication> OpenStorageAsync(CancellationToken cancel)
    {
        var app = BuildStorage();
        ProcessMemory.Close(app.Configuration, app.Logger);
        await app.Services.GetRequiredService<StorageStart>().RunAsync(cancel);
        return app;
    }

    /// <summary>As <see cref="OpenStorageAsync"/>, before anything was opened. <paramref name="settings"/> win.</summary>
    public static WebApplication BuildStorage(IEnumerable<KeyValuePair<string, string?>>? settings = null, bool makesFolder = true)
    {
        var builder = CreateBuilder(settings);
        AddFloor(builder);
        builder.Services.AddAccess(builder.Configuration);
        builder.Services.AddValidation(builder.Configuration);
        var app = builder.Build();
        if (makesFolder)
        {
            MakeFolder(app.Configuration);
        }

        return app;
    }

    /// <summary>The settings as a command sees them.</summary>
    public static IConfiguration Configuration(bool isChecked = true) => CreateBuilder(settings: null, isChecked).Configuration;

    private static WebApplicationBuilder CreateBuilder(IEnumerable<KeyValuePair<string, string?>>? settings, bool isChecked = true)
    {
        // appsettings.json stands beside the program, whatever folder it is started from.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        if (settings is not null)
        {
            builder.Configuration.AddInMemoryCollection(settings);
        }

        if (!isChecked)
        {
            return builder;
        }

        SettingsCheck.Run(builder.Configuration);

        builder.WebHost.ConfigureKestrel(Limits.Apply);
        // Sockets tell of events on threads of the pool (unless told otherwise by an environment variable), so that what
        // follows may as well run there; two more hand-overs a request would be a tenth of its cost.
        builder.WebHost.UseSockets(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.AddTransport();
        return builder;
    }

    private static void AddFloor(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddStorage(builder.Configuration);
        builder.Services.AddAudit(builder.Configuration);
        builder.Services.AddBackup();
        builder.Services.AddSingleton<TokenLife>();
        builder.Services.AddImport();
    }

    /// <summary>The folder of the database and the sealing key, closed to others from the start.</summary>
    private static string MakeFolder(IConfiguration configuration)
    {
        var folder = StorageServices.DataFolder(configuration);
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        return folder;
    }
}
