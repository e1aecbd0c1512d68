using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using OathServer.Storage;
using SQLitePCL;

namespace OathServer.Import;

/// <summary>Writes new tokens, their counters and PINs to SQLite by prepared statements, inside the caller's transaction. By
/// the raw binding: the driver's parameters take as long as the rows, and validations wait for the write lock meanwhile;
/// the change tracker would take some forty times as long.</summary>
internal sealed class SqliteTokenRows : IDisposable
{
    private const string InsertToken = """
        INSERT INTO tokens ("Id", "Serial", "Realm", "Type", "Algorithm", "Digits", "TimeStep", "SealedSecret", "StartCounter",
          "PersonId", "Batch", "ImportId", "Manufacturer", "DeviceSerial", "IssueNumber", "KeyId", "DisabledReason", "CreatedAt")
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
        """;

    private const string InsertCounter = """
        INSERT INTO token_counters (token_id, counter, generation, state, flags, failures, locked_until, drift, last_accepted_at, last_request)
        VALUES (?1, ?2, ?3, ?4, ?6, 0, 0, ?5, 0, 0)
        """;

    private const string InsertPin = """
        INSERT INTO token_pins ("TokenId", "Scheme", "SealedVerifier", "Version", "PersonId", "Source", "SetBy", "SetAt")
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        """;

    private readonly sqlite3 handle;
    private readonly sqlite3_stmt token;
    private readonly sqlite3_stmt counter;
    private readonly sqlite3_stmt pin;

    private SqliteTokenRows(SqliteConnection connection)
    {
        handle = connection.Handle!;
        token = Prepare(InsertToken);
        counter = Prepare(InsertCounter);
        pin = Prepare(InsertPin);
    }

    public static void Write(OathDbContext db, NewTokens tokens, Action<int>? progress, CancellationToken cancel)
    {
        var connection = (SqliteConnection)db.Database.GetDbConnection();
        var transaction = (SqliteTransaction)db.Database.CurrentTransaction!.GetDbTransaction();
        var id = LastId(connection, transaction);
        using var rows = new SqliteTokenRows(connection);
        rows.Bind(rows.token, 3, tokens.Realm);
        rows.Bind(rows.token, 11, tokens.Batch);
        rows.Bind(rows.token, 12, tokens.ImportId);
        rows.Bind(rows.token, 18, tokens.CreatedAt);
        rows.Bind(rows.counter, 3, NewTokens.Generation);
        rows.Bind(rows.pin, 4, NewTokens.PinVersion);
        rows.Bind(rows.pin, 6, tokens.PinSource);
        rows.Bind(rows.pin, 7, tokens.ImportedBy);
        rows.Bind(rows.pin, 8, tokens.CreatedAt);
        for (var i = 0; i < tokens.Keys.Length; i++)
        {
            rows.Write(++id, tokens, i);
            if (i % 1000 == 999)
            {
                cancel.ThrowIfCancellationRequested();
                progress?.Invoke(i + 1);
            }
        }
    }

    private void Write(long id, NewTokens tokens, int index)
    {
        var key = tokens.Keys[index];
        Bind(token, 1, id);
        Bind(token, 2, key.TokenSerial);
        Bind(token, 4, (long)key.Type);
        Bind(token, 5, (long)key.Algorithm);
        Bind(token, 6, key.Digits);
        Bind(token, 7, key.TimeStep);
        Check(raw.sqlite3_bind_blob(token, 8, tokens.Secrets[index]));
        Bind(token, 9, key.Counter);
        Bind(token, 10, tokens.PersonOf(key));
        Bind(token, 13, key.Manufacturer);
        Bind(token, 14, key.DeviceSerial);
        Bind(token, 15, key.IssueNumber);
        Bind(token, 16, key.KeyId);
        Bind(token, 17, key.Disabled ?? key.Suspended);
        Run(token);
        Bind(counter, 1, id);
        Bind(counter, 2, key.Counter);
        Bind(counter, 4, (long)key.State);
        Bind(counter, 5, key.Drift);
        Bind(counter, 6, (long)tokens.FlagsOf(index));
        Run(counter);
        if (tokens.Pins[index] is { } sealedPin)
        {
            Bind(pin, 1, id);
            Bind(pin, 2, sealedPin.Scheme.ToString());
            Check(raw.sqlite3_bind_blob(pin, 3, sealedPin.Verifier));
            Bind(pin, 5, tokens.PersonOf(key));
            Run(pin);
        }
    }

    public void Dispose()
    {
        token.Dispose();
        counter.Dispose();
        pin.Dispose();
    }

    /// <summary>Ids are never used again, even after a row is gone: the sequence knows the highest there ever was.</summary>
    private static long LastId(SqliteConnection connection, SqliteTransaction transaction)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'tokens'), 0)";
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private sqlite3_stmt Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v2(handle, sql, out var statement));
        return statement;
    }

    private void Bind(sqlite3_stmt statement, int place, long? value) => Check(value is { } number
        ? raw.sqlite3_bind_int64(statement, place, number)
        : raw.sqlite3_bind_null(statement, place));

    private void Bind(sqlite3_stmt statement, int place, string? value) => Check(value is null
        ? raw.sqlite3_bind_null(statement, place)
        : raw.sqlite3_bind_text(statement, place, value));

    private void Run(sqlite3_stmt statement)
    {
        var code = raw.sqlite3_step(statement);
        if (code != raw.SQLITE_DONE)
        {
            Check(code);
        }

        _ = raw.sqlite3_reset(statement);
    }

    private void Check(int code) => SqliteException.ThrowExceptionForRC(code, handle);
}
