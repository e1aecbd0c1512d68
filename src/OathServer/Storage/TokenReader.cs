using System.Collections.Concurrent;
using System.Data.Common;
using Oath;

namespace OathServer.Storage;

/// <summary>A token as validation needs it, its secret still sealed.</summary>
internal readonly record struct SealedToken(
    long Id, string Serial, string Realm, TokenType Type, OathAlgorithm Algorithm, int Digits, int TimeStep,
    byte[] SealedSecret, long PersonId, int Generation);

/// <summary>Reads tokens for the hot path with statements prepared once, on a few connections of its own: with a
/// context each, a cold cache would cost twenty times as much. The same SQL on both databases.</summary>
internal sealed class TokenReader(Func<CancellationToken, ValueTask<DbConnection>> open) : IDisposable
{
    /// <summary>Reads at the same time; more wait.</summary>
    private const int SessionsMax = 4;

    /// <summary>How long a read waits for its turn before it is refused: a database that hangs must not gather callers.</summary>
    private static readonly TimeSpan TurnMax = TimeSpan.FromSeconds(2);

    private const string Columns =
        """
        SELECT t."Id", t."Serial", t."Realm", t."Type", t."Algorithm", t."Digits", t."TimeStep", t."SealedSecret", t."PersonId", c.generation
        FROM tokens t JOIN token_counters c ON c.token_id = t."Id"
        """;

    private const string SerialSql = Columns + """ WHERE t."Serial" = @a""";

    private const string UserSql = Columns +
        """ JOIN people p ON p."Id" = t."PersonId" WHERE p."Realm" = @a AND p."NormalizedName" = @b ORDER BY t."Id" """;

    private readonly ConcurrentBag<Session> idle = [];
    private readonly SemaphoreSlim places = new(SessionsMax);

    public Task<List<SealedToken>> BySerialAsync(string serial, CancellationToken cancel) =>
        ReadAsync(session => session.BySerial, serial, null, cancel);

    /// <summary>The tokens of a user, oldest first.</summary>
    public Task<List<SealedToken>> ByUserAsync(string realm, string normalizedName, CancellationToken cancel) =>
        ReadAsync(session => session.ByUser, realm, normalizedName, cancel);

    public void Dispose()
    {
        while (idle.TryTake(out var session))
        {
            session.Dispose();
        }

        places.Dispose();
    }

    /// <exception cref="StorageUnavailableException">The database does not answer.</exception>
    private async Task<List<SealedToken>> ReadAsync(Func<Session, DbCommand> which, string a, string? b, CancellationToken cancel)
    {
        if (!await places.WaitAsync(TurnMax, cancel))
        {
            throw new StorageUnavailableException("Too many tokens are being read.");
        }

        try
        {
            while (idle.TryTake(out var kept))
            {
                try
                {
                    return await ReadAsync(kept, which(kept), a, b, cancel);
                }
                catch (DbException fault) when (fault.InnerException is not TimeoutException)
                {
                    // The database may have gone away and come back meanwhile: a new connection tells.
                }
            }

            var opened = new Session(await open(cancel));
            return await ReadAsync(opened, which(opened), a, b, cancel);
        }
        catch (DbException fault)
        {
            throw new StorageUnavailableException("The token could not be read.", fault);
        }
        finally
        {
            places.Release();
        }
    }

    private async Task<List<SealedToken>> ReadAsync(Session session, DbCommand command, string a, string? b, CancellationToken cancel)
    {
        var whole = false;
        try
        {
            command.Parameters[0].Value = a;
            if (b is not null)
            {
                command.Parameters[1].Value = b;
            }

            var tokens = new List<SealedToken>(1);
            await using (var reader = await command.ExecuteReaderAsync(cancel))
            {
                while (await reader.ReadAsync(cancel))
                {
                    tokens.Add(new SealedToken(
                        reader.GetInt64(0), reader.GetString(1), reader.GetString(2), (TokenType)reader.GetInt16(3),
                        (OathAlgorithm)reader.GetInt16(4), reader.GetInt32(5), reader.GetInt32(6), (byte[])reader.GetValue(7),
                        reader.IsDBNull(8) ? 0 : reader.GetInt64(8), reader.GetInt32(9)));
                }
            }

            whole = true;
            return tokens;
        }
        finally
        {
            if (whole)
            {
                idle.Add(session);
            }
            else
            {
                session.Dispose();
            }
        }
    }

    private sealed class Session : IDisposable
    {
        private readonly DbConnection connection;

        public Session(DbConnection connection)
        {
            this.connection = connection;
            BySerial = Prepare(SerialSql, "@a");
            ByUser = Prepare(UserSql, "@a", "@b");
        }

        public DbCommand BySerial { get; }

        public DbCommand ByUser { get; }

        public void Dispose() => connection.Dispose();

        private DbCommand Prepare(string sql, params ReadOnlySpan<string> parameters)
        {
            var command = connection.CreateCommand();
            command.CommandText = sql;
            foreach (var name in parameters)
            {
                var parameter = command.CreateParameter();
                parameter.ParameterName = name;
                parameter.DbType = System.Data.DbType.String;
                command.Parameters.Add(parameter);
            }

            command.Prepare();
            return command;
        }
    }
}
