using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using OathServer.Secrets;

namespace OathServer.Storage;

/// <summary>Which database, and where.</summary>
internal sealed class StorageOptions
{
    public string Provider { get; set; } = Sqlite;

    public const string Sqlite = "Sqlite";
    public const string PostgreSql = "PostgreSql";
}

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
                AddSqlite(services, string.IsNullOrEmpty(connectionString)
                    ? new SqliteConnectionStringBuilder { DataSource = Path.Combine(folder, "oath.db") }.ToString()
                    : connectionString);
                break;
            default:
                throw new InvalidOperationException(
                    $"Storage:Provider is {provider}; it must be {StorageOptions.Sqlite} or {StorageOptions.PostgreSql}.");
        }

        services.AddSingleton(_ => KeyFile.Open(SealingKeyPath(configuration), mayCreate: !File.Exists(Path.Combine(folder, "oath.db"))));
        services.AddSingleton(provider => new Sealer(provider.GetRequiredService<KeyEncryptionKey>()));
        services.AddSingleton<ServerSecrets>();
        services.AddSingleton<FactsChanged>();
        services.AddSingleton<CounterCommit>();
        services.AddHostedService(provider => provider.GetRequiredService<CounterCommit>());
        services.AddSingleton<StorageStart>();
    }

    /// <summary>Where the database, the sealing key and the owner's lock are kept.</summary>
    public static string DataFolder(IConfiguration configuration) => Path.GetFullPath(configuration["Data:Folder"] ?? "data");

    private static string SealingKeyPath(IConfiguration configuration) =>
        configuration["Secrets:KeyFile"] is { Length: > 0 } path ? path : Path.Combine(DataFolder(configuration), "sealing.key");

    private static void AddSqlite(IServiceCollection services, string connectionString)
    {
        var connections = new SqliteConnections(connectionString);
        services.AddSingleton(connections);
        services.AddDbContext<OathDbContext, SqliteOathDbContext>(options => options
            .UseSqlite(connectionString)
            .AddInterceptors(connections));
        services.AddSingleton(_ => new TokenReader(connections.Open));
        services.AddSingleton<ICounterStore>(provider => new SqliteCounterStore(
            connections, provider.GetRequiredService<StorageStart>().ChainKey));
    }
}
