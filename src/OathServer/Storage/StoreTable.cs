using System.Data.Common;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;
using NpgsqlTypes;

namespace OathServer.Storage;

/// <summary>A table of the model as both databases name and type it.</summary>
internal sealed class StoreTable
{
    private readonly string? numbered;

    public StoreTable(IEntityType sqlite, IEntityType postgreSql)
    {
        Name = postgreSql.GetTableName()!;
        var (here, there) = (StoreObjectIdentifier.Table(sqlite.GetTableName()!), StoreObjectIdentifier.Table(Name));
        var properties = postgreSql.GetProperties().Where(p => p.GetColumnName(there) is not null && p.GetComputedColumnSql(there) is null).ToList();
        var columns = string.Join(", ", properties.Select(p => Quote(p.GetColumnName(there)!)));
        Types = [.. properties.Select(p => TypeOf(p.GetColumnType()))];
        SelectFromSqlite = $"SELECT {string.Join(", ", properties.Select(p => Quote(sqlite.FindProperty(p.Name)!.GetColumnName(here)!)))} FROM {Quote(sqlite.GetTableName()!)}";
        SelectFromPostgreSql = $"SELECT {columns} FROM {Quoted}";
        CopyInto = $"COPY {Quoted} ({columns}) FROM STDIN (FORMAT BINARY)";
        numbered = properties.Find(p => p.ValueGenerated == ValueGenerated.OnAdd && p.IsPrimaryKey()
            && (p.ClrType == typeof(long) || p.ClrType == typeof(int)))?.GetColumnName(there);
    }

    public string Name { get; }

    public string Quoted => Quote(Name);

    public string SelectFromSqlite { get; }

    public string SelectFromPostgreSql { get; }

    public string CopyInto { get; }

    /// <summary>The columns' types in PostgreSQL.</summary>
    public NpgsqlDbType[] Types { get; }

    /// <summary>A value as PostgreSQL types it, whichever database it is read from; null for none.</summary>
    public object? Read(DbDataReader reader, int column)
    {
        if (reader.IsDBNull(column))
        {
            return null;
        }

        var value = reader.GetValue(column);
        return Types[column] switch
        {
            NpgsqlDbType.Bigint => Convert.ToInt64(value, CultureInfo.InvariantCulture),
            NpgsqlDbType.Integer => Convert.ToInt32(value, CultureInfo.InvariantCulture),
            NpgsqlDbType.Smallint => Convert.ToInt16(value, CultureInfo.InvariantCulture),
            NpgsqlDbType.Boolean => Convert.ToBoolean(value, CultureInfo.InvariantCulture),
            NpgsqlDbType.Double => Convert.ToDouble(value, CultureInfo.InvariantCulture),
            NpgsqlDbType.Uuid => value as Guid? ?? Guid.Parse((string)value),
            _ => value,
        };
    }

    /// <summary>New rows are numbered after those that were copied.</summary>
    public async Task ContinueNumbersAsync(NpgsqlConnection target, CancellationToken cancel)
    {
        if (numbered is null)
        {
            return;
        }

        await using var next = new NpgsqlCommand(
            $"SELECT setval(pg_get_serial_sequence($1, $2), max({Quote(numbered)})) FROM {Quoted} HAVING max({Quote(numbered)}) IS NOT NULL", target)
        {
            Parameters = { new() { Value = Quoted }, new() { Value = numbered } },
        };
        await next.ExecuteNonQueryAsync(cancel);
    }

    private static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private NpgsqlDbType TypeOf(string type) => type switch
    {
        "bigint" => NpgsqlDbType.Bigint,
        "integer" => NpgsqlDbType.Integer,
        "smallint" => NpgsqlDbType.Smallint,
        "boolean" => NpgsqlDbType.Boolean,
        "double precision" => NpgsqlDbType.Double,
        "bytea" => NpgsqlDbType.Bytea,
        "uuid" => NpgsqlDbType.Uuid,
        _ when type == "text" || type.StartsWith("character varying", StringComparison.Ordinal) => NpgsqlDbType.Text,
        _ => throw new NotSupportedException($"Table {Name} has a column of type {type}, which cannot be moved."),
    };
}
