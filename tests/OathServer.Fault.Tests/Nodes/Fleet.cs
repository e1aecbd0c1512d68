using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Fault.Tests.History;
using OathServer.Operations;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Fault.Tests.Nodes;

/// <summary>A database with tokens in it, and what a client needs to use the nodes on it.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    /// <summary>Tokens that staff work on while the others are validated; their numbers follow.</summary>
    public const int StaffTokens = 4;

    private readonly string folder = Directory.CreateTempSubdirectory("oathserver-fleet-").FullName;

    private Fleet(CodeTable codes, int tokens)
    {
        Codes = codes;
        Tokens = tokens;
    }

    public CodeTable Codes { get; }

    public int Tokens { get; }

    public required string ApiKey { get; set; }

    /// <summary>Makes the schema, the tokens and an API key.</summary>
    public static async Task<Fleet> CreateAsync(string database, int tokens, int codes)
    {
        var fleet = new Fleet(new CodeTable(codes), tokens) { ApiKey = "" };
        await using var app = OathHost.Build(fleet.InProcess(database));
        await app.Services.GetRequiredService<StorageStart>().RunAsync(CancellationToken.None);
        await using var scope = app.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        for (var token = 0; token < tokens + StaffTokens; token++)
        {
            db.Tokens.Add(new Token
            {
                Serial = Serial(token),
                Realm = "default",
                Type = TokenType.Hotp,
                Algorithm = Oath.OathAlgorithm.Sha1,
                Digits = CodeTable.Digits,
                SealedSecret = app.Services.GetRequiredService<Sealer>().Seal(fleet.Codes.Secret, SealedPlace.TokenSecret(Serial(token), generation: 1)),
                CreatedAt = DateTimeOffset.UtcNow,
                Counter = new TokenCounter { Generation = 1, State = TokenState.Active },
            });
        }

        await db.SaveChangesAsync();
        fleet.ApiKey = (await app.Services.GetRequiredService<ApiKeyLife>().CreateAsync(
            db, "clients", Roles.Administrator, [], life: null, new AuditEvent("test", "", ""), CancellationToken.None)).Key;
        return fleet;
    }

    public static string Serial(int token) => $"F{token:D5}";

    /// <summary>What a node process is started with. Wrong codes are many here: the throttle must not stop the run.</summary>
    public Dictionary<string, string> Environment(string database) =>
        InProcess(database).Where(s => s.Key != "Urls").ToDictionary(s => s.Key.Replace(":", "__", StringComparison.Ordinal), s => s.Value!);

    /// <summary>The same settings for a server in this process.</summary>
    public Dictionary<string, string?> InProcess(string database) => new()
    {
        ["Urls"] = "http://127.0.0.1:0",
        ["Storage:Provider"] = "PostgreSql",
        ["ConnectionStrings:Oath"] = database,
        ["Data:Folder"] = folder,
        ["Validation:FastFailures"] = "100",
        ["Validation:FirstDelay"] = "00:00:00.001",
        ["Validation:LongestDelay"] = "00:00:00.001",
        ["Logging:LogLevel:Default"] = "Critical",
        ["Logging:LogLevel:Microsoft.EntityFrameworkCore"] = "None",
    };

    public HttpClient Client(Uri address)
    {
        var client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) };
        client.DefaultRequestHeaders.Add("X-API-Key", ApiKey);
        return client;
    }

    /// <summary>Reads the store afterwards, from the database itself, and joins it to what the clients saw.</summary>
    public static async Task<ClientHistory> HistoryAsync(string database, Workload workload)
    {
        await using var connection = new Npgsql.NpgsqlConnection(database + ";Pooling=false");
        await connection.OpenAsync();
        await using var read = new Npgsql.NpgsqlCommand(
            """SELECT t."Serial", c.counter, p."Name" FROM tokens t JOIN token_counters c ON c.token_id = t."Id" LEFT JOIN people p ON p."Id" = t."PersonId" """, connection);
        await using var reader = await read.ExecuteReaderAsync();
        var counters = new Dictionary<int, long>();
        var acts = new Dictionary<int, long>();
        while (await reader.ReadAsync())
        {
            var token = int.Parse(reader.GetString(0).AsSpan(1), System.Globalization.CultureInfo.InvariantCulture);
            counters[token] = reader.GetInt64(1);
            acts[token] = await reader.IsDBNullAsync(2) ? -1 : long.Parse(reader.GetString(2).AsSpan(1), System.Globalization.CultureInfo.InvariantCulture);
        }

        return new ClientHistory(workload.Attempts, workload.Acts, counters, acts);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
