using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using OathServer.Storage;

namespace OathServer.Import;

/// <summary>Writes new tokens and their counters to SQLite by two prepared statements, inside the caller's transaction.
/// The change tracker would take some forty times as long.</summary>
internal static class SqliteTokenRows
{
    private const string InsertToken = """
        INSERT INTO tokens ("Id", "Serial", "Realm", "Type", "Algorithm", "Digits", "TimeStep", "SealedSecret", "StartCounter",
          "PersonId", "Batch", "ImportId", "Manufacturer", "DeviceSerial", "IssueNumber", "KeyId", "DisabledReason", "CreatedAt")
        VALUES ($id, $serial, $realm, $type, $algorithm, $digits, $step, $secret, $start, $person, $batch, $import,
          $manufacturer, $device, $issue, $key, $disabled, $created)
        """;

    private const string InsertCounter = """
        INSERT INTO token_counters (token_id, counter, generation, state, flags, failures, locked_until, drift, last_accepted_at, last_request)
        VALUES ($id, $counter, $generation, $state, 0, 0, 0, $drift, 0, 0)
        """;

    public static void Write(OathDbContext db, NewTokens tokens, Action<int>? progress, CancellationToken cancel)
    {
        var connection = (SqliteConnection)db.Database.GetDbConnection();
        var transaction = (SqliteTransaction)db.Database.CurrentTransaction!.GetDbTransaction();
        var id = LastId(connection, transaction);
        using var token = Prepare(connection, transaction, InsertToken, "id", "serial", "realm", "type", "algorithm", "digits",
            "step", "secret", "start", "person", "batch", "import", "manufacturer", "device", "issue", "key", "disabled", "created");
        using var counter = Prepare(connection, transaction, InsertCounter, "id", "counter", "generation", "state", "drift");
        var (t, c) = (token.Parameters, counter.Parameters);
        (t[2].Value, t[10].Value, t[11].Value, t[17].Value) = (tokens.Realm, Or(tokens.Batch), tokens.ImportId, tokens.CreatedAt);
        c[2].Value = NewTokens.Generation;
        for (var i = 0; i < tokens.Keys.Length; i++)
        {
            var key = tokens.Keys[i];
            t[0].Value = c[0].Value = ++id;
            (t[1].Value, t[3].Value, t[4].Value, t[5].Value) = (key.TokenSerial, (int)key.Type, (int)key.Algorithm, key.Digits);
            (t[6].Value, t[7].Value, t[8].Value, t[9].Value) = (key.TimeStep, tokens.Secrets[i], key.Counter, Or(tokens.PersonOf(key)));
            (t[12].Value, t[13].Value, t[14].Value) = (Or(key.Manufacturer), key.DeviceSerial, Or(key.IssueNumber));
            (t[15].Value, t[16].Value) = (Or(key.KeyId), Or(key.Disabled ?? key.Suspended));
            token.ExecuteNonQuery();
            (c[1].Value, c[3].Value, c[4].Value) = (key.Counter, (int)key.State, key.Drift);
            counter.ExecuteNonQuery();
            if (i % 1000 == 999)
            {
                cancel.ThrowIfCancellationRequested();
                progress?.Invoke(i + 1);
            }
        }
    }

    /// <summary>Ids are never used again, even after a row is gone: the sequence knows the highest there ever was.</summary>
    private static long LastId(SqliteConnection connection, SqliteTransaction transaction)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'tokens'), 0)";
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static SqliteCommand Prepare(SqliteConnection connection, SqliteTransaction transaction, string sql, params string[] names)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        foreach (var name in names)
        {
            command.Parameters.Add(new SqliteParameter { ParameterName = "$" + name });
        }

        command.Prepare();
        return command;
    }

    private static object Or(object? value) => value ?? DBNull.Value;
}
