using Microsoft.EntityFrameworkCore;

namespace OathServer.Load;

/// <summary>What we compare with, each as a server of its own: <c>peer-bare</c> and <c>peer-usual</c>.</summary>
internal static class Peers
{
    /// <summary>The limit of the machine: Kestrel answering a constant of the size of our answer, looking at nothing.</summary>
    public static WebApplication Bare()
    {
        var app = Builder().Build();
        var reply = """{"accepted":true,"serial":"L000000000"}"""u8.ToArray();
        app.MapPost("/v1/validate", (RequestDelegate)(http =>
        {
            http.Response.ContentType = "application/json; charset=utf-8";
            http.Response.ContentLength = reply.Length;
            return http.Response.Body.WriteAsync(reply).AsTask();
        }));
        return app;
    }

    /// <summary>The usual shape: load the row with EF Core, verify with Otp.NET (ending at the first match), save the
    /// counter, commit, durable as ours. On SQLite writers take turns, which is the best case for it: unserialised ones
    /// fail as busy. No API key, no throttle, no audit entry, the secret not sealed.</summary>
    /// <param name="database">A file of SQLite, or how PostgreSQL is reached.</param>
    public static WebApplication Usual(string database)
    {
        const int LookAhead = 10;
        var builder = Builder();
        builder.Services.AddDbContextPool<UsualContext>(options => Use(options, database));
        var app = builder.Build();
        var sqlite = !IsPostgreSql(database);
        if (sqlite)
        {
            using var scope = app.Services.CreateScope();
            scope.ServiceProvider.GetRequiredService<UsualContext>().Database.ExecuteSqlRaw("PRAGMA journal_mode = WAL");
        }

        var turn = new SemaphoreSlim(1, 1);
        app.MapPost("/v1/validate", async (UsualRequest request, UsualContext db) =>
        {
            if (sqlite)
            {
                await turn.WaitAsync();
            }

            try
            {
                var token = await db.Tokens.SingleOrDefaultAsync(t => t.Serial == request.Serial);
                if (token is null)
                {
                    return Results.Ok(new UsualReply(false, null));
                }

                var otp = new OtpNet.Hotp(token.Secret);
                for (var counter = token.Counter; counter <= token.Counter + LookAhead; counter++)
                {
                    if (otp.VerifyHotp(request.Code, counter))
                    {
                        token.Counter = counter + 1;
                        await db.SaveChangesAsync();
                        return Results.Ok(new UsualReply(true, token.Serial));
                    }
                }

                return Results.Ok(new UsualReply(false, null));
            }
            finally
            {
                if (sqlite)
                {
                    turn.Release();
                }
            }
        });
        return app;
    }

    /// <summary>The database of the usual shape: the same tokens, each in one row with its counter.</summary>
    public static void FillUsual(string database, int tokens)
    {
        var options = new DbContextOptionsBuilder<UsualContext>();
        Use(options, database);
        using var db = new UsualContext(options.Options);
        db.Database.EnsureCreated();
        db.Tokens.AddRange(Enumerable.Range(0, tokens).Select(i => new UsualToken { Serial = LoadTokens.Serial(i), Secret = LoadTokens.Secret(i) }));
        db.SaveChanges();
    }

    private static bool IsPostgreSql(string database) => database.Contains("Host=", StringComparison.OrdinalIgnoreCase);

    private static void Use(DbContextOptionsBuilder options, string database) => _ = IsPostgreSql(database)
        ? options.UseNpgsql(database)
        : options.UseSqlite($"Data Source={database}");

    private static WebApplicationBuilder Builder()
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        return builder;
    }
}

public sealed record UsualRequest(string Serial, string Code);

public sealed record UsualReply(bool Accepted, string? Serial);

internal sealed class UsualToken
{
    public int Id { get; set; }

    public required string Serial { get; set; }

    public required byte[] Secret { get; set; }

    public long Counter { get; set; }
}

internal sealed class UsualContext(DbContextOptions<UsualContext> options) : DbContext(options)
{
    public DbSet<UsualToken> Tokens => Set<UsualToken>();

    protected override void OnModelCreating(ModelBuilder modelBuilder) =>
        modelBuilder.Entity<UsualToken>().HasIndex(t => t.Serial).IsUnique();
}
