using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;
using OathServer.Storage;

namespace OathServer.Import;

/// <summary>Writes new tokens, their counters and PINs to PostgreSQL by binary COPY, inside the caller's transaction.</summary>
internal static class PostgreSqlTokenRows
{
    private const string CopyTokens = """
        COPY tokens ("Id", "Serial", "Realm", "Type", "Algorithm", "Digits", "TimeStep", "SealedSecret", "StartCounter",
          "PersonId", "Batch", "ImportId", "Manufacturer", "DeviceSerial", "IssueNumber", "KeyId", "DisabledReason", "CreatedAt")
        FROM STDIN (FORMAT BINARY)
        """;

    private const string CopyCounters = """
        COPY token_counters (token_id, counter, generation, state, flags, failures, locked_until, drift, last_accepted_at, last_request)
        FROM STDIN (FORMAT BINARY)
        """;

    private const string CopyPins = """
        COPY token_pins ("TokenId", "Scheme", "SealedVerifier", "Version", "PersonId", "Source", "SetBy", "SetAt")
        FROM STDIN (FORMAT BINARY)
        """;

    public static async Task WriteAsync(OathDbContext db, NewTokens tokens, Action<int>? progress, CancellationToken cancel)
    {
        var connection = (NpgsqlConnection)db.Database.GetDbConnection();
        var ids = await ReserveIdsAsync(connection, tokens.Keys.Length, cancel);
        await using (var copy = await connection.BeginBinaryImportAsync(CopyTokens, cancel))
        {
            for (var i = 0; i < ids.Length; i++)
            {
                await WriteTokenAsync(copy, tokens, i, ids[i], cancel);
                if (i % 1000 == 999)
                {
                    progress?.Invoke((i + 1) / 2);
                }
            }

            await copy.CompleteAsync(cancel);
        }

        await using (var copy = await connection.BeginBinaryImportAsync(CopyCounters, cancel))
        {
            for (var i = 0; i < ids.Length; i++)
            {
                await WriteCounterAsync(copy, tokens, i, ids[i], cancel);
                if (i % 1000 == 999)
                {
                    progress?.Invoke((ids.Length + i + 1) / 2);
                }
            }

            await copy.CompleteAsync(cancel);
        }

        await WritePinsAsync(connection, tokens, ids, cancel);
    }

    private static async Task WritePinsAsync(NpgsqlConnection connection, NewTokens tokens, long[] ids, CancellationToken cancel)
    {
        if (Array.TrueForAll(tokens.Pins, p => p is null))
        {
            return;
        }

        await using var copy = await connection.BeginBinaryImportAsync(CopyPins, cancel);
        for (var i = 0; i < ids.Length; i++)
        {
            if (tokens.Pins[i] is not { } pin)
            {
                continue;
            }

            await copy.StartRowAsync(cancel);
            await copy.WriteAsync(ids[i], NpgsqlDbType.Bigint, cancel);
            await copy.WriteAsync(pin.Scheme.ToString(), NpgsqlDbType.Text, cancel);
            await copy.WriteAsync(pin.Verifier, NpgsqlDbType.Bytea, cancel);
            await copy.WriteAsync(NewTokens.PinVersion, NpgsqlDbType.Integer, cancel);
            await WriteIdAsync(copy, tokens.PersonOf(tokens.Keys[i]), cancel);
            await WriteTextAsync(copy, tokens.PinSource, cancel);
            await copy.WriteAsync(tokens.ImportedBy, NpgsqlDbType.Text, cancel);
            await copy.WriteAsync(tokens.CreatedAt, NpgsqlDbType.Bigint, cancel);
        }

        await copy.CompleteAsync(cancel);
    }

    /// <summary>From the sequence itself, so that another node may add tokens at the same time.</summary>
    private static async Task<long[]> ReserveIdsAsync(NpgsqlConnection connection, int count, CancellationToken cancel)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT nextval(pg_get_serial_sequence('tokens', 'Id')) FROM generate_series(1, $1)";
        command.Parameters.AddWithValue(count);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var ids = new long[count];
        for (var i = 0; await reader.ReadAsync(cancel); i++)
        {
            ids[i] = reader.GetInt64(0);
        }

        return ids;
    }

    private static async Task WriteTokenAsync(NpgsqlBinaryImporter copy, NewTokens tokens, int index, long id, CancellationToken cancel)
    {
        var key = tokens.Keys[index];
        await copy.StartRowAsync(cancel);
        await copy.WriteAsync(id, NpgsqlDbType.Bigint, cancel);
        await copy.WriteAsync(key.TokenSerial, NpgsqlDbType.Text, cancel);
        await copy.WriteAsync(tokens.Realm, NpgsqlDbType.Text, cancel);
        await copy.WriteAsync((short)key.Type, NpgsqlDbType.Smallint, cancel);
        await copy.WriteAsync((short)key.Algorithm, NpgsqlDbType.Smallint, cancel);
        await copy.WriteAsync(key.Digits, NpgsqlDbType.Integer, cancel);
        await copy.WriteAsync(key.TimeStep, NpgsqlDbType.Integer, cancel);
        await copy.WriteAsync(tokens.Secrets[index], NpgsqlDbType.Bytea, cancel);
        await copy.WriteAsync(key.Counter, NpgsqlDbType.Bigint, cancel);
        await WriteIdAsync(copy, tokens.PersonOf(key), cancel);
        await WriteTextAsync(copy, tokens.Batch, cancel);
        await WriteIdAsync(copy, tokens.ImportId, cancel);
        await WriteTextAsync(copy, key.Manufacturer, cancel);
        await WriteTextAsync(copy, key.DeviceSerial, cancel);
        await WriteTextAsync(copy, key.IssueNumber, cancel);
        await WriteTextAsync(copy, key.KeyId, cancel);
        await WriteTextAsync(copy, key.Disabled ?? key.Suspended, cancel);
        await copy.WriteAsync(tokens.CreatedAt, NpgsqlDbType.Bigint, cancel);
    }

    private static async Task WriteCounterAsync(NpgsqlBinaryImporter copy, NewTokens tokens, int index, long id, CancellationToken cancel)
    {
        var key = tokens.Keys[index];
        await copy.StartRowAsync(cancel);
        await copy.WriteAsync(id, NpgsqlDbType.Bigint, cancel);
        await copy.WriteAsync(key.Counter, NpgsqlDbType.Bigint, cancel);
        await copy.WriteAsync(NewTokens.Generation, NpgsqlDbType.Integer, cancel);
        await copy.WriteAsync((int)key.State, NpgsqlDbType.Integer, cancel);
        await copy.WriteAsync((int)tokens.FlagsOf(index), NpgsqlDbType.Integer, cancel);
        await copy.WriteAsync(0, NpgsqlDbType.Integer, cancel);
        await copy.WriteAsync(0L, NpgsqlDbType.Bigint, cancel);
        await copy.WriteAsync(key.Drift, NpgsqlDbType.Integer, cancel);
        await copy.WriteAsync(0L, NpgsqlDbType.Bigint, cancel);
        await copy.WriteAsync(0L, NpgsqlDbType.Bigint, cancel);
    }

    private static Task WriteTextAsync(NpgsqlBinaryImporter copy, string? text, CancellationToken cancel) =>
        text is null ? copy.WriteNullAsync(cancel) : copy.WriteAsync(text, NpgsqlDbType.Text, cancel);

    private static Task WriteIdAsync(NpgsqlBinaryImporter copy, long? id, CancellationToken cancel) =>
        id is null ? copy.WriteNullAsync(cancel) : copy.WriteAsync(id.Value, NpgsqlDbType.Bigint, cancel);
}
