using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace OathServer.Storage;

/// <summary>For <c>dotnet ef migrations add</c> only: the model without a database.</summary>
internal sealed class SqliteDesignTime : IDesignTimeDbContextFactory<SqliteOathDbContext>
{
    public SqliteOathDbContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<SqliteOathDbContext>().UseSqlite("Data Source=:memory:").Options);
}

/// <inheritdoc cref="SqliteDesignTime"/>
internal sealed class PostgreSqlDesignTime : IDesignTimeDbContextFactory<PostgreSqlOathDbContext>
{
    public PostgreSqlOathDbContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<PostgreSqlOathDbContext>().UseNpgsql("Host=nowhere").Options);
}
