using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Tokens;

/// <summary>A token as staff see it. The secret is never part of it.</summary>
public sealed record TokenView(
    string Serial, string Realm, string Type, string Algorithm, int Digits, int? TimeStep, string State, long Counter, long StartCounter,
    int Failures, bool Locked, DateTimeOffset? LockedUntil, bool ResyncRequired, DateTimeOffset? LastAcceptedAt, string? User,
    string? Cuid, string? Batch, string? File, string? FileDigest, string? KeyId, string? DisabledReason, DateTimeOffset CreatedAt)
{
    /// <summary>Whether it has a PIN, which a realm's policy may ask for before the code.</summary>
    public bool HasPin { get; init; }

    /// <summary>The import it came by; null when it was made here.</summary>
    public long? ImportId { get; init; }

    /// <summary>Who imported it.</summary>
    public string? ImportedBy { get; init; }

    /// <summary>When it was imported.</summary>
    public DateTimeOffset? ImportedAt { get; init; }

    /// <summary>What weakened its import: that MACs were not checked. Null as a rule.</summary>
    public string? ImportCaution { get; init; }

    /// <summary>The device as its key package names it.</summary>
    public string? DeviceSerial { get; init; }

    /// <summary>Who made the device, by its key package.</summary>
    public string? Manufacturer { get; init; }
}

/// <summary>Who a token is for.</summary>
/// <param name="User">The user's name; null takes the token back.</param>
/// <param name="Realm">The user's realm; the token's own when left out.</param>
public sealed record AssignRequest(string? User, string? Realm = null);

/// <summary>The life of tokens outside validation: read, assign, unlock, suspend, resume.</summary>
internal static class TokensEndpoint
{
    private const int PageMax = 500;

    public static void MapTokens(this IEndpointRouteBuilder routes)
    {
        var tokens = routes.MapGroup("/v1/tokens");
        tokens.MapGet("/", List).RequireAuthorization(Rules.Read).WithSummary("Lists tokens by serial number, a page at a time.");
        tokens.MapGet("/{serial}", Get).RequireAuthorization(Rules.Read).WithSummary("Reads a token.").ProducesProblem(StatusCodes.Status404NotFound);
        tokens.MapPut("/{serial}/user", Assign).RequireAuthorization(Rules.Provision)
            .WithSummary("Gives a token to a user, or takes it back.").ProducesProblem(StatusCodes.Status404NotFound);
        tokens.MapPost("/{serial}/unlock", Unlock).RequireAuthorization(Rules.Help)
            .WithSummary("Clears failures and lock. The counter stays.").ProducesProblem(StatusCodes.Status404NotFound);
        tokens.MapPost("/{serial}/suspend", Suspend).RequireAuthorization(Rules.Help)
            .WithSummary("Refuses every code until resumed.").ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        tokens.MapPost("/{serial}/resume", Resume).RequireAuthorization(Rules.Help)
            .WithSummary("Ends a suspension.").ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
    }

    private static async Task<Results<Ok<List<TokenView>>, ProblemHttpResult>> List(
        OathDbContext db, CancellationToken cancel, string? user = null, string? batch = null, long? import = null, string? state = null,
        string? after = null, int take = 100)
    {
        if (take is < 1 or > PageMax)
        {
            return Problem.BadField("take", $"1 to {PageMax}.");
        }

        var query = db.Tokens.AsNoTracking();
        if (user is not null)
        {
            var name = Person.Normalize(user);
            query = query.Where(t => t.Person!.NormalizedName == name);
        }

        if (batch is not null)
        {
            query = query.Where(t => t.Batch == batch);
        }

        if (import is not null)
        {
            query = query.Where(t => t.ImportId == import);
        }

        if (state is not null)
        {
            var wanted = Array.FindAll(Enum.GetValues<TokenState>(), s => Words(s) == state);
            if (wanted.Length == 0)
            {
                return Problem.BadField("state", "imported, pending, active, suspended or disabled.");
            }

            query = query.Where(t => t.Counter!.State == wanted[0]);
        }

        if (after is not null)
        {
            query = query.Where(t => string.Compare(t.Serial, after) > 0);
        }

        var found = await Whole(query).OrderBy(t => t.Serial).Take(take).ToListAsync(cancel);
        return TypedResults.Ok(found.ConvertAll(View));
    }

    private static async Task<Results<Ok<TokenView>, ProblemHttpResult>> Get(string serial, OathDbContext db, CancellationToken cancel) =>
        await FindAsync(db, serial, cancel) is { } token ? TypedResults.Ok(View(token)) : Missing(serial);

    private static async Task<Results<Ok<TokenView>, ProblemHttpResult>> Assign(
        string serial, AssignRequest request, HttpContext http, OathDbContext db, TokenLife life, CancellationToken cancel)
    {
        if (request.User is not null && string.IsNullOrWhiteSpace(request.User))
        {
            return Problem.BadField("user", "an empty name; send null to take the token back.");
        }

        return await life.AssignAsync(db, serial, request.User, request.Realm, Actors.Of(http), cancel) is { } token
            ? TypedResults.Ok(View(token))
            : Missing(serial);
    }

    private static async Task<Results<Ok<TokenView>, ProblemHttpResult>> Unlock(
        string serial, HttpContext http, OathDbContext db, TokenLife life, CancellationToken cancel) =>
        await life.UnlockAsync(db, serial, Actors.Of(http), cancel) is { } token ? TypedResults.Ok(View(token)) : Missing(serial);

    private static Task<Results<Ok<TokenView>, ProblemHttpResult>> Suspend(
        string serial, HttpContext http, OathDbContext db, TokenLife life, CancellationToken cancel) =>
        ChangeState(serial, [TokenState.Active, TokenState.Imported], TokenState.Suspended, "token.suspend", http, db, life, cancel);

    private static Task<Results<Ok<TokenView>, ProblemHttpResult>> Resume(
        string serial, HttpContext http, OathDbContext db, TokenLife life, CancellationToken cancel) =>
        ChangeState(serial, [TokenState.Suspended], TokenState.Active, "token.resume", http, db, life, cancel);

    private static async Task<Results<Ok<TokenView>, ProblemHttpResult>> ChangeState(
        string serial, TokenState[] from, TokenState to, string action, HttpContext http, OathDbContext db, TokenLife life, CancellationToken cancel)
    {
        var token = await FindAsync(db, serial, cancel);
        if (token is null)
        {
            return Missing(serial);
        }

        return await life.ChangeStateAsync(db, token, from, to, action, Actors.Of(http), cancel)
            ? TypedResults.Ok(View((await FindAsync(db, serial, cancel))!))
            : Problem.Conflict($"Token {serial} is {Words(token.Counter!.State)}.", $"Only a token that is {string.Join(" or ", from.Select(Words))} can become {Words(to)}.");
    }

    internal static Task<Token?> FindAsync(OathDbContext db, string serial, CancellationToken cancel) =>
        Whole(db.Tokens.AsNoTracking()).SingleOrDefaultAsync(t => t.Serial == serial, cancel);

    internal static TokenView View(Token token)
    {
        var row = token.Counter!;
        return new TokenView(
            token.Serial, token.Realm, token.Type == TokenType.Totp ? "totp" : "hotp", token.Algorithm.ToString().ToUpperInvariant(),
            token.Digits, token.Type == TokenType.Totp ? token.TimeStep : null, Words(row.State), row.Counter, token.StartCounter,
            row.Failures, (row.Flags & CounterFlags.Locked) != 0, Time(row.LockedUntil), (row.Flags & CounterFlags.ResyncRequired) != 0,
            Time(row.LastAcceptedAt), token.Person?.Name, token.Cuid, token.Batch, token.Import?.FileName, token.Import?.Digest,
            token.KeyId, token.DisabledReason, token.CreatedAt)
        {
            HasPin = (row.Flags & CounterFlags.HasPin) != 0,
            ImportId = token.ImportId,
            ImportedBy = token.Import?.ImportedBy,
            ImportedAt = token.Import?.ImportedAt,
            ImportCaution = token.Import?.Caution,
            DeviceSerial = token.DeviceSerial,
            Manufacturer = token.Manufacturer,
        };
    }

    internal static string Words(TokenState state) => state switch
    {
        TokenState.Imported => "imported",
        TokenState.Pending => "pending",
        TokenState.Active => "active",
        TokenState.Suspended => "suspended",
        TokenState.Disabled => "disabled",
        _ => "none",
    };

    private static DateTimeOffset? Time(long milliseconds) =>
        milliseconds == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

    private static IQueryable<Token> Whole(IQueryable<Token> tokens) =>
        tokens.Include(t => t.Counter).Include(t => t.Person).Include(t => t.Import);

    private static ProblemHttpResult Missing(string serial) =>
        Problem.NotFound($"There is no token {serial}.", "Check the serial number; a shipment must be imported first.");
}
