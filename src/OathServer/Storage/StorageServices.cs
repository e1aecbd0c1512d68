using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using OathServer.Secrets;

namespace OathServer.Storage;

/// <summary>Which database, and where.</summary>
internal sealed class StorageOptions
{
    public string Provider { get; set; } = Sqlite;

    public const string Sqlite = "Sqlite";
    public const string PostgreSql = "PostgreSql";
}

/// <summary>Tells whether nothing was sealed in this store yet, so that a missing sealing key may be made.</summary>
internal sealed record StoreOrigin(Func<bool> IsNew);

/// <summary>Registers the database, the sealer and the one writer of counters.</summary>
internal static class StorageServices
{
    public static void AddStorage(this IServiceCollection services, IConfiguration configuration)
    {
        var provider = configuration["Storage:Provider"] ?? StorageOptions.Sqlite;
        var folder = DataFolder(configuration);
        var connectionString = configuration.GetConnectionString("Oath");
        switch (provider)
        {
            case StorageOptions.Sqlite:
                AddSqlite(services, configuration, folder, connectionString);
                break;
            case StorageOptions.PostgreSql:
                AddPostgreSql(services, connectionString);
                break;
            default:
                throw new InvalidOperationException(
                    $"Storage:Provider is {provider}; it must be {StorageOptions.Sqlite} or {StorageOptions.PostgreSql}.");
        }

        services.AddSingleton(provider => KeyRingSettings.Open(
            configuration, Path.Combine(DataFolder(configuration), "sealing.key"), provider.GetRequiredService<StoreOrigin>().IsNew(),
            provider.GetRequiredService<ILogger<KeyRing>>()));
        services.AddSingleton(provider => new Sealer(provider.GetRequiredService<KeyRing>()));
        services.AddSingleton<ServerSecrets>();
        if (JournalPath(configuration) is { } journal)
        {
            services.AddSingleton(_ => new AcceptanceJournal(journal));
        }

        services.AddSingleton<FactsChanged>();
        services.AddSingleton<CommitFigures>();
        services.AddSingleton<CounterCommit>();
        services.AddHostedService(provider => provider.GetRequiredService<CounterCommit>());
        services.AddSingleton<StorageStart>();
    }

    /// <summary>Where the database, the sealing key and the owner's lock are kept.</summary>
    public static string DataFolder(IConfiguration configuration) => Path.GetFullPath(configuration["Data:Folder"] ?? "data");

    /// <summary>Where acceptances are journaled; null when they are not.</summary>
    public static string? JournalPath(IConfiguration configuration) =>
        configuration["Journal:File"] is { Length: > 0 } path ? Path.GetFullPath(path) : null;

    /// <summary>Whether one process owns the store, and with it the data folder.</summary>
    public static bool HasOneOwner(IConfiguration configuration) =>
        (configuration["Storage:Provider"] ?? StorageOptions.Sqlite) == StorageOptions.Sqlite;

    private static void AddSqlite(
        IServiceCollection services, IConfiguration configuration, string folder, string? connectionString)
    {
        var path = Path.Combine(folder, "oath.db");
        var connections = new SqliteConnections(string.IsNullOrEmpty(connectionString)
            ? new SqliteConnectionStringBuilder { DataSource = path }.ToString()
            : connectionString);
        services.AddSingleton(connections);
        services.AddSingleton<WriteTurn>();
        services.AddSingleton(new StoreOrigin(() => !File.Exists(path)));
        services.AddDbContext<OathDbContext, SqliteOathDbContext>(options => options
            .UseSqlite(connections.ConnectionString)
            .AddInterceptors(connections));
        services.AddSingleton(_ => new TokenReader(_ => ValueTask.FromResult<DbConnection>(connections.Open())));
        services.AddSingleton<ICounterStore>(provider => new SqliteCounterStore(
            connections, provider.GetRequiredService<StorageStart>().ChainKey, provider.GetService<AcceptanceJournal>(),
            provider.GetRequiredService<DiskReserve>(), turn: provider.GetRequiredService<WriteTurn>()));
        var megabytes = configuration.GetValue(DiskReserve.SizeSetting, DiskReserve.DefaultMegabytes);
        services.AddSingleton(provider => new DiskReserve(
            folder, (long)megabytes << 20, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<DiskReserve>>()));
    }

    private static void AddPostgreSql(IServiceCollection services, string? connectionString)
    {
        var connections = new PostgreSqlConnections(connectionString);
        services.AddSingleton(_ => connections);
        services.AddSingleton(new StoreOrigin(() => PostgreSqlStart.IsNew(connections)));
        services.AddSingleton<PostgreSqlCommitGuard>();
        services.AddDbContext<OathDbContext, PostgreSqlOathDbContext>((provider, options) => options
            .UseNpgsql(connections.Pool)
            // A statement that fails reaches its caller as an exception; the first start on an empty database is no fault.
            .ConfigureWarnings(warnings => warnings.Log((RelationalEventId.CommandError, LogLevel.Debug)))
            .AddInterceptors(provider.GetRequiredService<PostgreSqlCommitGuard>()));
        services.AddSingleton(_ => new TokenReader(connections.OpenOwnAsync));
        services.AddSingleton<ICounterStore>(provider => new PostgreSqlCounterStore(
            connections, provider.GetRequiredService<StorageStart>().ChainKey, journal: provider.GetService<AcceptanceJournal>()));
        services.AddHostedService<FactsNotices>();
    }
}
