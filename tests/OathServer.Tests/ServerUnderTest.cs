using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Secrets;
using OathServer.Storage;
using OathServer.Tests.Databases;

namespace OathServer.Tests;

/// <summary>The real server on real Kestrel with a data folder of its own, gone with the test; on a real SQLite file in it,
/// or on a database of its own in a real PostgreSQL where the test's class asks for it.</summary>
internal sealed class ServerUnderTest : IAsyncDisposable
{
    // Which database belongs to a data folder: a server started again on it finds its data.
    private static readonly ConcurrentDictionary<string, Lazy<Task<string>>> Databases = new();

    private readonly ConcurrentDictionary<string, Task<HttpClient>> clients = new();
    private readonly bool ownsFolder;
    private readonly WebApplication app;

    private ServerUnderTest(WebApplication app, string folder, bool ownsFolder)
    {
        this.app = app;
        this.ownsFolder = ownsFolder;
        Folder = folder;
    }

    public string Folder { get; }

    public Uri Address => new(app.Urls.First());

    public IServiceProvider Services => app.Services;

    /// <summary>Starts a server; <paramref name="folder"/> is one left by an earlier server, for restarts.</summary>
    public static async Task<ServerUnderTest> StartAsync(
        IReadOnlyDictionary<string, string?>? settings = null, string? folder = null, TimeProvider? time = null,
        Action<IServiceCollection>? replace = null)
    {
        var own = folder is null;
        folder ??= Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        var all = new Dictionary<string, string?>
        {
            ["Urls"] = "http://127.0.0.1:0",
            ["Data:Folder"] = folder,
            ["Logging:LogLevel:Default"] = "Critical",
            ["Logging:LogLevel:Microsoft.EntityFrameworkCore"] = "None",
        };
        if (OnPostgreSqlAttribute.IsAsked)
        {
            all["Storage:Provider"] = "PostgreSql";
            all["ConnectionStrings:Oath"] = await DatabaseOfAsync(folder);
        }

        foreach (var (key, value) in settings ?? new Dictionary<string, string?>())
        {
            all[key] = value;
        }

        // Where a test says what the store is, the server makes its schema itself.
        var copied = own && !all.ContainsKey("Storage:Provider");
        if (copied)
        {
            await MigratedStore.CopyIntoAsync(folder);
        }

        var app = OathHost.Build(all, services =>
        {
            if (copied)
            {
                // The schema is there and nothing else: the server begins as on no database at all.
                services.AddSingleton(new StoreOrigin(() => true));
            }

            if (time is not null)
            {
                services.AddSingleton(time);
            }

            replace?.Invoke(services);
        });
        await OathHost.StartAsync(app, TestContext.Current.CancellationToken);
        return new ServerUnderTest(app, folder, own);
    }

    private static Task<string> DatabaseOfAsync(string folder) => Databases.GetOrAdd(folder, _ => new Lazy<Task<string>>(
        async () => await (await SharedPostgreSql.Server()).CreateDatabaseAsync())).Value;

    /// <summary>A client with an API key of that role; null for one without.</summary>
    public Task<HttpClient> Client(string? role = Roles.Administrator, params string[] realms) =>
        clients.GetOrAdd(role + "/" + string.Join(',', realms), async name =>
        {
            var client = new HttpClient { BaseAddress = Address };
            if (role is not null)
            {
                client.DefaultRequestHeaders.Add(ApiKeyAuthentication.Header, await CreateKeyAsync(ownsFolder ? name : $"{name} {Guid.NewGuid():N}", role, realms));
            }

            return client;
        });

    /// <summary>Makes an API key.</summary>
    public Task<string> CreateKeyAsync(string name, string role, string[]? realms = null, TimeSpan? life = null) => WithDatabase(async db =>
        (await Services.GetRequiredService<ApiKeyLife>().CreateAsync(
            db, name, role, realms ?? [], life, new AuditEvent("test", "", ""), TestContext.Current.CancellationToken)).Key);

    /// <summary>Work on the server's own database.</summary>
    public async Task<T> WithDatabase<T>(Func<OathDbContext, Task<T>> work)
    {
        await using var scope = Services.CreateAsyncScope();
        return await work(scope.ServiceProvider.GetRequiredService<OathDbContext>());
    }

    /// <summary>A token as an import makes it, its seed sealed by this server; not in the store yet.</summary>
    public Token NewToken(string serial, byte[] secret, long counter = 0, int digits = 6, TokenState state = TokenState.Active, int timeStep = 0) => new()
    {
        Serial = serial,
        Realm = "default",
        Type = timeStep == 0 ? TokenType.Hotp : TokenType.Totp,
        TimeStep = timeStep,
        Algorithm = Oath.OathAlgorithm.Sha1,
        Digits = digits,
        SealedSecret = Services.GetRequiredService<Sealer>().Seal(secret, SealedPlace.TokenSecret(serial, generation: 1)),
        StartCounter = counter,
        CreatedAt = DateTimeOffset.UtcNow,
        Counter = new TokenCounter { Counter = counter, Generation = 1, State = state },
    };

    /// <summary>Puts a HOTP token into the store without an import.</summary>
    public Task<long> AddTokenAsync(
        string serial, byte[] secret, long counter = 0, string? user = null, string realm = "default", int digits = 6,
        TokenState state = TokenState.Active, int timeStep = 0) => WithDatabase(async db =>
        {
            var person = user is null ? null : db.People.FirstOrDefault(p => p.Realm == realm && p.NormalizedName == Person.Normalize(user))
                ?? new Person { Realm = realm, Name = user, NormalizedName = Person.Normalize(user) };
            var token = NewToken(serial, secret, counter, digits, state, timeStep);
            (token.Realm, token.Person) = (realm, person);
            db.Tokens.Add(token);
            await db.SaveChangesAsync();
            return token.Id;
        });

    /// <summary>Many imported tokens of one seed at once: their serials, and the time step of those that are TOTP.</summary>
    public Task<int> AddTokensAsync(IEnumerable<(string Serial, int TimeStep)> tokens, byte[] secret, long counter) => WithDatabase(db =>
    {
        db.Tokens.AddRange(tokens.Select(t => NewToken(t.Serial, secret, counter, state: TokenState.Imported, timeStep: t.TimeStep)));
        return db.SaveChangesAsync();
    });

    public Task<TokenCounter> CounterAsync(string serial) => WithDatabase(db =>
        Task.FromResult(db.Tokens.Where(t => t.Serial == serial).Select(t => t.Counter!).Single()));

    /// <summary>Validates through the API as a relying party does.</summary>
    public async Task<bool> AcceptsAsync(string serial, string code)
    {
        var client = await Client(Roles.RelyingParty);
        using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial, code });
        reply.EnsureSuccessStatusCode();
        return (await reply.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("accepted").GetBoolean();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (ownsFolder)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    public async Task StopAsync()
    {
        foreach (var client in clients.Values)
        {
            (await client).Dispose();
        }

        clients.Clear();
        await app.StopAsync();
        await app.DisposeAsync();
    }
}
