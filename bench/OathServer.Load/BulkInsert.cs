using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;
using NpgsqlTypes;
using OathServer.Storage;

namespace OathServer.Load;

/// <summary>Fills tables past the change tracker: COPY on PostgreSQL, one prepared statement in one transaction on SQLite.
/// Keys are given, not generated.</summary>
internal static class BulkInsert
{
    public static async Task RowsAsync<T>(OathDbContext db, IEnumerable<T> rows)
        where T : class
    {
        var type = db.Model.FindEntityType(typeof(T))!;
        var table = StoreObjectIdentifier.Table(type.GetTableName()!);
        var columns = type.GetProperties().Where(p => p.GetComputedColumnSql(table) is null).Select(p => new Column(p, p.GetColumnName(table)!)).ToList();
        var names = string.Join(", ", columns.Select(c => $"\"{c.Name}\""));
        await db.Database.OpenConnectionAsync();
        await (db.Database.GetDbConnection() is NpgsqlConnection connection
            ? CopyAsync(connection, $"COPY \"{table.Name}\" ({names}) FROM STDIN (FORMAT BINARY)", columns, rows)
            : InsertAsync(db, $"INSERT INTO \"{table.Name}\" ({names}) VALUES ({string.Join(", ", columns.Select((_, i) => $"@p{i}"))})", columns, rows));
    }

    private static async Task CopyAsync<T>(NpgsqlConnection connection, string copy, List<Column> columns, IEnumerable<T> rows)
        where T : class
    {
        await using var importer = await connection.BeginBinaryImportAsync(copy);
        foreach (var row in rows)
        {
            await importer.StartRowAsync();
            foreach (var column in columns)
            {
                if (column.Of(row) is { } value)
                {
                    await importer.WriteAsync(value, column.Type);
                }
                else
                {
                    await importer.WriteNullAsync();
                }
            }
        }

        await importer.CompleteAsync();
    }

    private static async Task InsertAsync<T>(OathDbContext db, string insert, List<Column> columns, IEnumerable<T> rows)
        where T : class
    {
        var connection = db.Database.GetDbConnection();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var command = connection.CreateCommand();
        (command.CommandText, command.Transaction) = (insert, transaction);
        var parameters = new DbParameter[columns.Count];
        for (var i = 0; i < parameters.Length; i++)
        {
            parameters[i] = command.CreateParameter();
            parameters[i].ParameterName = $"@p{i}";
            command.Parameters.Add(parameters[i]);
        }

        foreach (var row in rows)
        {
            for (var i = 0; i < parameters.Length; i++)
            {
                parameters[i].Value = columns[i].Of(row) ?? DBNull.Value;
            }

            // One thread, one file: asynchronous calls would only cost.
            command.ExecuteNonQuery();
        }

        await transaction.CommitAsync();
    }

    /// <summary>A column, and how its value is stored.</summary>
    private sealed class Column(IProperty property, string name)
    {
        private readonly Func<object?, object?> stored = property.GetTypeMapping().Converter is { } converter ? converter.ConvertToProvider : value => value;

        public string Name => name;

        public NpgsqlDbType Type => property.GetColumnType() switch
        {
            "bigint" => NpgsqlDbType.Bigint,
            "integer" => NpgsqlDbType.Integer,
            "smallint" => NpgsqlDbType.Smallint,
            "boolean" => NpgsqlDbType.Boolean,
            "double precision" => NpgsqlDbType.Double,
            "bytea" => NpgsqlDbType.Bytea,
            "uuid" => NpgsqlDbType.Uuid,
            _ => NpgsqlDbType.Text,
        };

        public object? Of(object row) => property.GetGetter().GetClrValue(row) is { } value ? stored(value) : null;
    }
}
