using Microsoft.Data.Sqlite;
using Npgsql;
using NpgsqlTypes;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Load;

/// <summary>A database with tokens in it and an API key, made by the server's own code where it matters (schema,
/// sealing, key) and by bulk statements for the rows.</summary>
internal sealed class LoadedDatabase : IDisposable
{
    private readonly string folder;

    private LoadedDatabase(string folder, Dictionary<string, string?> settings, string apiKey, int tokens)
    {
        this.folder = folder;
        Settings = settings;
        ApiKey = apiKey;
        Tokens = tokens;
    }

    /// <summary>How a server is told to use it.</summary>
    public Dictionary<string, string?> Settings { get; }

    public string ApiKey { get; }

    public int Tokens { get; }

    /// <summary>A quiet server on this folder, or on PostgreSQL where a connection is given.</summary>
    public static Dictionary<string, string?> SettingsOf(string folder, string? postgreSql)
    {
        var settings = new Dictionary<string, string?> { ["Data:Folder"] = folder, ["Logging:LogLevel:Default"] = "Warning" };
        if (postgreSql is not null)
        {
            settings["Storage:Provider"] = "PostgreSql";
            settings["ConnectionStrings:Oath"] = postgreSql;
        }

        return settings;
    }

    public static async Task<LoadedDatabase> MakeAsync(int tokens, string? postgreSql = null)
    {
        var folder = Directory.CreateTempSubdirectory("oath-load-").FullName;
        var settings = SettingsOf(folder, postgreSql);
        await using var host = OathHost.Build(settings);
        await host.Services.GetRequiredService<StorageStart>().RunAsync(default);
        await using var scope = host.Services.CreateAsyncScope();
        var (_, key) = await host.Services.GetRequiredService<ApiKeyLife>().CreateAsync(
            scope.ServiceProvider.GetRequiredService<OathDbContext>(), "load", Roles.RelyingParty, [], life: null,
            new AuditEvent("load", "", ""), default);
        var sealer = host.Services.GetRequiredService<Sealer>();
        if (postgreSql is null)
        {
            FillSqlite(host.Services.GetRequiredService<SqliteConnections>(), sealer, tokens);
        }
        else
        {
            await FillPostgreSqlAsync(postgreSql, sealer, tokens);
        }

        return new LoadedDatabase(folder, settings, key, tokens);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static byte[] Sealed(Sealer sealer, int index) =>
        sealer.Seal(LoadTokens.Secret(index), SealedPlace.TokenSecret(LoadTokens.Serial(index), generation: 0));

    private static void FillSqlite(SqliteConnections connections, Sealer sealer, int tokens)
    {
        using var connection = connections.Open();
        using var transaction = connection.BeginTransaction();
        using var token = connection.CreateCommand();
        token.CommandText =
            """
            INSERT INTO tokens (Id, Serial, Realm, Type, Algorithm, Digits, TimeStep, SealedSecret, StartCounter, CreatedAt)
            VALUES ($id, $serial, 'default', 1, 0, 6, 0, $secret, 0, 0)
            """;
        using var counter = connection.CreateCommand();
        counter.CommandText =
            """
            INSERT INTO token_counters (token_id, counter, generation, state, flags, failures, locked_until, drift, last_accepted_at, last_request)
            VALUES ($id, 0, 0, 3, 0, 0, 0, 0, 0, 0)
            """;
        var id = token.Parameters.Add("$id", SqliteType.Integer);
        var serial = token.Parameters.Add("$serial", SqliteType.Text);
        var secret = token.Parameters.Add("$secret", SqliteType.Blob);
        var counterId = counter.Parameters.Add("$id", SqliteType.Integer);
        for (var i = 0; i < tokens; i++)
        {
            id.Value = counterId.Value = (long)i + 1;
            serial.Value = LoadTokens.Serial(i);
            secret.Value = Sealed(sealer, i);
            token.ExecuteNonQuery();
            counter.ExecuteNonQuery();
        }

        transaction.Commit();
        using var checkpoint = connection.CreateCommand();
        checkpoint.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
        checkpoint.ExecuteNonQuery();
    }

    private static async Task FillPostgreSqlAsync(string connectionString, Sealer sealer, int tokens)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using (var copy = await connection.BeginBinaryImportAsync(
            """COPY tokens ("Id", "Serial", "Realm", "Type", "Algorithm", "Digits", "TimeStep", "SealedSecret", "StartCounter", "CreatedAt") FROM STDIN (FORMAT BINARY)"""))
        {
            for (var i = 0; i < tokens; i++)
            {
                await copy.StartRowAsync();
                await copy.WriteAsync((long)i + 1);
                await copy.WriteAsync(LoadTokens.Serial(i));
                await copy.WriteAsync("default");
                await copy.WriteAsync((short)1, NpgsqlDbType.Smallint);
                await copy.WriteAsync((short)0, NpgsqlDbType.Smallint);
                await copy.WriteAsync(LoadTokens.Digits);
                await copy.WriteAsync(0);
                await copy.WriteAsync(Sealed(sealer, i));
                await copy.WriteAsync(0L);
                await copy.WriteAsync(0L);
            }

            await copy.CompleteAsync();
        }

        await using var counters = new NpgsqlCommand(
            """
            INSERT INTO token_counters (token_id, counter, generation, state, flags, failures, locked_until, drift, last_accepted_at, last_request)
            SELECT "Id", 0, 0, 3, 0, 0, 0, 0, 0, 0 FROM tokens;
            ANALYZE;
            """, connection);
        await counters.ExecuteNonQueryAsync();
    }
}
