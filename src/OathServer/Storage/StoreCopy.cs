using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace OathServer.Storage;

/// <summary>One table after its copy: what both stores hold of it.</summary>
internal sealed record CopiedTable(string Name, long Rows, string Digest);

/// <summary>
/// Copies every table of the model from SQLite into an empty PostgreSQL by binary COPY, in one transaction, and commits
/// only when both hold the same rows: the same count, and the same digest over all values, read back from both.
/// </summary>
internal sealed class StoreCopy(OathDbContext from, OathDbContext to)
{
    /// <exception cref="InvalidOperationException">The target is not empty, or does not hold what was copied. Nothing
    /// was changed.</exception>
    public async Task<List<CopiedTable>> RunAsync(Action<CopiedTable> copied, CancellationToken cancel)
    {
        var tables = InOrder(to.Model).ConvertAll(entity => new StoreTable(from.Model.FindEntityType(entity.ClrType)!, entity));
        await from.Database.OpenConnectionAsync(cancel);
        await to.Database.OpenConnectionAsync(cancel);
        var source = from.Database.GetDbConnection();
        var target = (NpgsqlConnection)to.Database.GetDbConnection();
        // Large tables take longer than a request may.
        to.Database.SetCommandTimeout(TimeSpan.FromHours(2));
        await using var transaction = await to.Database.BeginTransactionAsync(cancel);
        foreach (var table in tables)
        {
            if (await AnyAsync(target, table, cancel))
            {
                throw new InvalidOperationException(
                    $"The target database is not empty: table {table.Name} has rows. Move into a new one; nothing was changed.");
            }
        }

        var report = new List<CopiedTable>();
        foreach (var table in tables)
        {
            await CopyAsync(source, target, table, cancel);
            var (rows, digest) = await DigestAsync(source, table.SelectFromSqlite, table, cancel);
            var held = await DigestAsync(target, table.SelectFromPostgreSql, table, cancel);
            if (held != (rows, digest))
            {
                throw new InvalidOperationException(
                    $"Table {table.Name} came out otherwise: {rows} rows with digest {digest} in SQLite, {held.Rows} with {held.Digest} in PostgreSQL. Nothing was changed.");
            }

            await table.ContinueNumbersAsync(target, cancel);
            report.Add(new CopiedTable(table.Name, rows, digest));
            copied(report[^1]);
        }

        await transaction.CommitAsync(cancel);
        return report;
    }

    /// <summary>Tables after those they refer to.</summary>
    private static List<IEntityType> InOrder(IModel model)
    {
        var ordered = new List<IEntityType>();
        var left = model.GetEntityTypes().Where(e => e.GetTableName() is not null).OrderBy(e => e.GetTableName(), StringComparer.Ordinal).ToList();
        while (left.Count > 0)
        {
            var ready = left.FirstOrDefault(e => e.GetForeignKeys().All(k => k.PrincipalEntityType == e || ordered.Contains(k.PrincipalEntityType)))
                ?? throw new InvalidOperationException($"The tables {string.Join(", ", left.Select(e => e.GetTableName()))} refer to one another in a circle.");
            ordered.Add(ready);
            left.Remove(ready);
        }

        return ordered;
    }

    private static async Task<bool> AnyAsync(NpgsqlConnection target, StoreTable table, CancellationToken cancel)
    {
        await using var any = new NpgsqlCommand($"SELECT EXISTS (SELECT FROM {table.Quoted})", target);
        return await any.ExecuteScalarAsync(cancel) is true;
    }

    private static async Task CopyAsync(DbConnection source, NpgsqlConnection target, StoreTable table, CancellationToken cancel)
    {
        await using var select = source.CreateCommand();
        select.CommandText = table.SelectFromSqlite;
        await using var reader = await select.ExecuteReaderAsync(cancel);
        await using var copy = await target.BeginBinaryImportAsync(table.CopyInto, cancel);
        copy.Timeout = TimeSpan.FromMinutes(30);
        while (await reader.ReadAsync(cancel))
        {
            await copy.StartRowAsync(cancel);
            for (var column = 0; column < table.Types.Length; column++)
            {
                if (table.Read(reader, column) is { } value)
                {
                    await copy.WriteAsync(value, table.Types[column], cancel);
                }
                else
                {
                    await copy.WriteNullAsync(cancel);
                }
            }
        }

        await copy.CompleteAsync(cancel);
    }

    private static async Task<(long Rows, string Digest)> DigestAsync(
        DbConnection connection, string sql, StoreTable table, CancellationToken cancel)
    {
        await using var select = connection.CreateCommand();
        select.CommandText = sql;
        select.CommandTimeout = 0;
        await using var reader = await select.ExecuteReaderAsync(cancel);
        using var digest = new TableDigest();
        while (await reader.ReadAsync(cancel))
        {
            for (var column = 0; column < table.Types.Length; column++)
            {
                digest.Add(table.Read(reader, column));
            }

            digest.EndRow();
        }

        return (digest.Rows, digest.ToString());
    }
}
