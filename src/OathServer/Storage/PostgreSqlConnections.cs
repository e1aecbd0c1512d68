using System.Data.Common;
using Npgsql;

namespace OathServer.Storage;

/// <summary>
/// Opens connections to PostgreSQL and refuses those whose commits would not be flushed. The model shares a pool; the
/// writer of counters, the readers of the hot path and the listener keep connections of their own, so an exhausted pool
/// does not stop them.
/// </summary>
internal sealed class PostgreSqlConnections : IDisposable
{
    /// <summary>Seconds that opening a connection may take: past it the request is refused instead of hanging.</summary>
    private const int ConnectSeconds = 2;

    /// <summary>Seconds a statement of the model may take.</summary>
    private const int CommandSeconds = 4;

    /// <summary>Seconds a statement of the hot path may take.</summary>
    private const int HotCommandSeconds = 2;

    private const int StartTries = 6;

    private readonly NpgsqlConnectionStringBuilder settings;

    /// <exception cref="InvalidOperationException">The connection string is missing, or is not one.</exception>
    public PostgreSqlConnections(string? connectionString)
    {
        settings = Parse(connectionString);
        Pool = Source(settings);
        var own = new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Pooling = false, CommandTimeout = HotCommandSeconds };
        Own = Source(own);
        // A listener only waits: this is how it finds out that its peer is gone.
        own.KeepAlive = HotCommandSeconds;
        Listening = Source(own);
    }

    /// <summary>For the model: connections shared by all requests.</summary>
    public NpgsqlDataSource Pool { get; }

    /// <summary>For who keeps a connection to itself.</summary>
    public NpgsqlDataSource Own { get; }

    /// <summary>As <see cref="Own"/>, asking for a sign of life every few seconds.</summary>
    public NpgsqlDataSource Listening { get; }

    public async ValueTask<DbConnection> OpenOwnAsync(CancellationToken cancel) => await Own.OpenConnectionAsync(cancel);

    /// <summary>For a node that starts: a database that is only slow to answer is asked again, a few times.</summary>
    /// <exception cref="NpgsqlException">It refuses, is not there, or stays silent.</exception>
    public NpgsqlConnection OpenAtStart()
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return Own.OpenConnection();
            }
            catch (NpgsqlException slow) when (tries < StartTries && (slow.InnerException ?? slow) is TimeoutException)
            {
                // Nothing was sent: once more.
            }
        }
    }

    /// <summary>What to put right, in one line without secrets, when the database cannot be used at start.</summary>
    public string Explain(Exception fault)
    {
        var where = $"database {settings.Database ?? settings.Username} at {settings.Host}:{settings.Port}";
        return fault switch
        {
            PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } =>
                $"PostgreSQL has no {where}. Create it: createdb --owner={settings.Username} {settings.Database}",
            PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification } refused =>
                $"PostgreSQL refuses user {settings.Username} for {where}: {refused.MessageText}. Check ConnectionStrings:Oath and pg_hba.conf.",
            PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } refused =>
                $"User {settings.Username} may not do in {where} what the server needs: {refused.MessageText}. Make it the owner of the database: ALTER DATABASE {settings.Database} OWNER TO {settings.Username}",
            PostgresException refused => $"PostgreSQL refuses {where}: {refused.MessageText} (SQLSTATE {refused.SqlState}).",
            _ => $"PostgreSQL does not answer for {where}: {fault.InnerException?.Message ?? fault.Message} Start it, or check ConnectionStrings:Oath.",
        };
    }

    public void Dispose()
    {
        Pool.Dispose();
        Own.Dispose();
        Listening.Dispose();
    }

    private static NpgsqlConnectionStringBuilder Parse(string? connectionString)
    {
        if (string.IsNullOrWhiteSpace(connectionString))
        {
            throw new InvalidOperationException(
                "Storage:Provider is PostgreSql, but ConnectionStrings:Oath is empty. Set it, e.g. ConnectionStrings__Oath='Host=db.example.org;Database=oath;Username=oath;Password=...'.");
        }

        try
        {
            var said = new DbConnectionStringBuilder { ConnectionString = connectionString };
            var settings = new NpgsqlConnectionStringBuilder(connectionString) { NoResetOnClose = true };
            settings.Timeout = said.ContainsKey("Timeout") ? settings.Timeout : ConnectSeconds;
            settings.CommandTimeout = said.ContainsKey("Command Timeout") || said.ContainsKey("CommandTimeout") ? settings.CommandTimeout : CommandSeconds;
            // A server that did not answer in time is not waited for again to hear that it gave up.
            settings.CancellationTimeout = said.ContainsKey("Cancellation Timeout") ? settings.CancellationTimeout : -1;
            // After a failover the host that was the standby is looked at again at once.
            settings.HostRecheckSeconds = said.ContainsKey("Host Recheck Seconds") ? settings.HostRecheckSeconds : 1;
            settings.ApplicationName ??= "OathServer";
            return settings;
        }
        catch (Exception fault) when (fault is ArgumentException or FormatException or KeyNotFoundException)
        {
            // The text of the fault may quote what stands in the string, a password among it.
            throw new InvalidOperationException(
                "ConnectionStrings:Oath is not a PostgreSQL connection string. It looks like Host=db.example.org;Database=oath;Username=oath;Password=... (values with ; or = in single quotes).");
        }
    }

    private static NpgsqlDataSource Source(NpgsqlConnectionStringBuilder settings)
    {
        var target = new NpgsqlConnectionStringBuilder(settings.ConnectionString);
        target.Remove("Target Session Attributes");
        var builder = new NpgsqlDataSourceBuilder(target.ConnectionString);
        builder.UsePhysicalConnectionInitializer(
            PostgreSqlDurability.Prepare, connection => PostgreSqlDurability.PrepareAsync(connection, CancellationToken.None));
        // Of several hosts, the one that takes writes.
        return settings.Host?.Contains(',', StringComparison.Ordinal) == true
            ? builder.BuildMultiHost().WithTargetSession(TargetSessionAttributes.Primary)
            : builder.Build();
    }
}
