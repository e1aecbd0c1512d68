using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using OathServer.Storage;

namespace OathServer.Tests.Storage;

/// <summary>What is made of the model ahead of time (<c>tools/migrations</c>) is what the model says.</summary>
public class ModelTests
{
    [Fact]
    public void The_migrations_of_both_databases_hold_the_model_whole()
    {
        using var sqlite = new SqliteDesignTime().CreateDbContext([]);
        using var postgreSql = new PostgreSqlDesignTime().CreateDbContext([]);

        Assert.False(sqlite.Database.HasPendingModelChanges(), "SQLite: run tools/migrations");
        Assert.False(postgreSql.Database.HasPendingModelChanges(), "PostgreSQL: run tools/migrations");
    }

    [Fact]
    public void The_model_compiled_ahead_is_the_one_the_code_describes()
    {
        using var sqlite = new SqliteDesignTime().CreateDbContext([]);
        using var postgreSql = new PostgreSqlDesignTime().CreateDbContext([]);

        foreach (var context in (ReadOnlySpan<OathDbContext>)[sqlite, postgreSql])
        {
            Assert.EndsWith($"{context.GetType().Name}Model", context.Model.GetType().Name, StringComparison.Ordinal);
            Assert.Equal(Described(context.GetService<IDesignTimeModel>().Model), Described(context.Model));
        }
    }

    private static List<string> Described(IModel model) =>
    [
        .. model.GetEntityTypes().SelectMany(entity => (List<string>)
        [
            $"{entity.Name} in {entity.GetTableName()}",
            .. entity.GetProperties().Select(p =>
                $"{entity.Name}.{p.Name} in {p.GetColumnName()} {p.GetColumnType()} {p.IsNullable} {p.IsConcurrencyToken} {p.ValueGenerated} {p.Sentinel} {p.GetTypeMapping().Converter?.GetType()}"),
            .. entity.GetKeys().Select(k => $"{entity.Name} key {Names(k.Properties)} {k.IsPrimaryKey()}"),
            .. entity.GetForeignKeys().Select(f => $"{entity.Name} to {f.PrincipalEntityType.Name} by {Names(f.Properties)} {f.DeleteBehavior} {f.IsUnique}"),
            .. entity.GetIndexes().Select(i => $"{entity.Name} index {Names(i.Properties)} {i.IsUnique}"),
        ]).Order(StringComparer.Ordinal),
    ];

    private static string Names(IEnumerable<IReadOnlyProperty> properties) => string.Join(",", properties.Select(p => p.Name));
}
