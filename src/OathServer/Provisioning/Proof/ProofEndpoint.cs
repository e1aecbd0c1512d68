using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Provisioning.Proof;

/// <summary>Keys to drill.</summary>
/// <param name="Readers">Their readers; all that hold a key when left out.</param>
/// <param name="Sample">At most so many, drawn at random; all when left out.</param>
public sealed record DrillRequest(string[]? Readers = null, int? Sample = null);

/// <summary>A batch at a glance: what is ready, and the red list.</summary>
public sealed record BatchReport(
    string Batch, int Tokens, int Provisioned, int Ready, int HandedOut, int Drilled, IReadOnlyList<RedLine> Red, IReadOnlyList<string> Statements);

/// <summary>A key or token that cannot be handed out, and why.</summary>
public sealed record RedLine(string? Cuid, string? Serial, string? User, string Why);

/// <summary>Statements, batch reports and drills.</summary>
internal static class ProofEndpoint
{
    public static void MapProof(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/records/{cuid}/statement", Statement).RequireAuthorization(Rules.Read)
            .WithSummary("The signed statement of a finished key, a compact JWS (ES256).").ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapGet("/v1/statements/key", PublicKey).AllowAnonymous()
            .WithSummary("The public key statements are verified with: a JWK, or PEM for Accept: application/x-pem-file.");
        routes.MapGet("/v1/shipments/{batch}/report", Report).RequireAuthorization(Rules.Read)
            .WithSummary("What of a batch is ready, the red list, and the statements of its finished keys.").Produces<BatchReport>();
        routes.MapPost("/v1/drills", Run).RequireAuthorization(Rules.Provision)
            .WithSummary("Unblocks keys that are not handed out yet with their escrowed PUKs and records that it worked.").Produces<List<DrillLine>>();
    }

    private static async Task<IResult> Statement(string cuid, OathDbContext db, Statements statements, CancellationToken cancel)
    {
        var record = await db.Records.AsNoTracking().Include(r => r.Tokens).SingleOrDefaultAsync(r => r.Cuid == cuid, cancel);
        return record is not null && await statements.OfAsync(db, record, cancel) is { } jws
            ? Results.Text(jws, "application/jose")
            : Problem.NotFound($"There is no finished key {cuid}.", "A statement is made of a key whose newest job is confirmed.");
    }

    private static async Task<IResult> PublicKey(HttpContext http, OathDbContext db, Statements statements, CancellationToken cancel)
    {
        var (jwk, pem) = await statements.PublicAsync(db, cancel);
        return http.Request.Headers.Accept.ToString().Contains("pem", StringComparison.OrdinalIgnoreCase)
            ? Results.Text(pem + "\n", "application/x-pem-file")
            : Results.Ok(jwk);
    }

    private static async Task<IResult> Report(string batch, OathDbContext db, Statements statements, CancellationToken cancel)
    {
        var tokens = await db.Tokens.AsNoTracking().Include(t => t.Person).Where(t => t.Batch == batch).OrderBy(t => t.Serial).ToListAsync(cancel);
        if (tokens.Count == 0)
        {
            return Problem.NotFound($"There is no batch {batch}.", "A batch is named when its shipment is imported.");
        }

        var records = await db.Records.AsNoTracking().Include(r => r.Person).Include(r => r.Tokens)
            .Where(r => r.Batch == batch).OrderBy(r => r.Cuid).AsSplitQuery().ToListAsync(cancel);
        var troubles = await db.Jobs.AsNoTracking().Where(j => j.OpenCuid != null && j.Trouble != null)
            .ToDictionaryAsync(j => j.Cuid, j => j.Trouble!, cancel);
        var red = new List<RedLine>();
        var signed = new List<string>();
        foreach (var record in records)
        {
            if (record.Status is KeyStatus.ReadyForHandout or KeyStatus.HandedOut && record.FirstCodeAcceptedAt is not null
                && await statements.OfAsync(db, record, cancel) is { } jws)
            {
                signed.Add(jws);
            }
            else if (record.Status is not (KeyStatus.Lost or KeyStatus.Retired))
            {
                red.Add(new RedLine(record.Cuid, record.Tokens.FirstOrDefault()?.Serial, record.Person?.Name,
                    troubles.GetValueOrDefault(record.Cuid) ?? WhyNot(record)));
            }
        }

        red.AddRange(tokens.Where(t => t.Cuid is null && t.PersonId is not null)
            .Select(t => new RedLine(null, t.Serial, t.Person?.Name, "given to a user and on no key yet")));
        return TypedResults.Ok(new BatchReport(
            batch, tokens.Count, records.Count, records.Count(r => r.Status == KeyStatus.ReadyForHandout),
            records.Count(r => r.Status == KeyStatus.HandedOut), records.Count(r => r.PukDrilledAt is not null), red, signed));
    }

    internal static string WhyNot(KeyRecord record) => record.Status switch
    {
        KeyStatus.InDoubt => "in doubt: it may hold a secret of an unfinished job",
        KeyStatus.InProvisioning => "its job is not finished",
        KeyStatus.Suspended => "suspended",
        _ => "its first code was not seen",
    };

    private static async Task<IResult> Run(
        DrillRequest request, HttpContext http, OathDbContext db, Drill drill, KeyReaders readers, CancellationToken cancel)
    {
        if (request.Sample is < 1)
        {
            return Problem.BadField("sample", "at least 1.");
        }

        if (request.Readers is { } asked && asked.Any(string.IsNullOrWhiteSpace))
        {
            return Problem.BadField("readers", "the names of readers, as GET /v1/readers tells them.");
        }

        var names = request.Readers ?? [.. (await readers.ListAsync(cancel)).Where(r => r.HasKey).Select(r => r.Name)];
        RandomNumberGenerator.Shuffle(names.AsSpan());
        var lines = new List<DrillLine>();
        foreach (var name in names.Take(request.Sample ?? int.MaxValue))
        {
            lines.Add(await drill.RunAsync(db, name, Actors.Of(http), cancel));
        }

        return TypedResults.Ok(lines);
    }
}
