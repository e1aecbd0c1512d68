using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Provisioning.Handout;

/// <summary>Pages to print: of these keys, or of all keys of a batch that are ready.</summary>
/// <param name="Cuids">The keys.</param>
/// <param name="Batch">Or the batch.</param>
public sealed record HandoutRequest(string[]? Cuids = null, string? Batch = null);

/// <summary><c>/v1/records/{cuid}/handout</c> looks, <c>POST /v1/handouts</c> prints.</summary>
internal static class HandoutEndpoint
{
    private const int PagesMax = 500;

    public static void MapHandouts(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/records/{cuid}/handout", Look).RequireAuthorization(Rules.Read)
            .WithSummary("The handout page of a key, without an initial PIN; may be read again and again.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapPost("/v1/handouts", Print).RequireAuthorization(Rules.Provision)
            .WithSummary("Handout pages of keys that are ready. Where the profile prints the initial PIN it is on them, for the only time.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status409Conflict);
    }

    private static async Task<IResult> Look(string cuid, HttpContext http, OathDbContext db, CancellationToken cancel) =>
        await Whole(db).SingleOrDefaultAsync(r => r.Cuid == cuid, cancel) is { ProfileName: not null } record
            ? Page(http, [await SheetAsync(db, record, [], cancel)])
            : Problem.NotFound($"There is no finished key {cuid}.", "Provision it first.");

    internal static async Task<IResult> Print(
        HandoutRequest request, HttpContext http, OathDbContext db, Sealer sealer, AuditTrail audit, CancellationToken cancel)
    {
        if ((request.Cuids is null) == (request.Batch is null))
        {
            return Problem.BadField("cuids", "send the keys or a batch, not both.");
        }

        var wanted = request.Cuids is { } cuids
            ? Whole(db).Where(r => cuids.Contains(r.Cuid))
            : Whole(db).Where(r => r.Batch == request.Batch && r.Status == KeyStatus.ReadyForHandout);
        var records = await wanted.OrderBy(r => r.Cuid).Take(PagesMax + 1).ToListAsync(cancel);
        if (records.Count is 0 or > PagesMax)
        {
            return Problem.BadField("cuids", records.Count == 0 ? "no key of these is ready for handout." : $"at most {PagesMax} pages at a time.");
        }

        if ((request.Cuids ?? []).Except(records.Select(r => r.Cuid)).FirstOrDefault() is { } unknown)
        {
            return Problem.NotFound($"There is no record of key {unknown}.", "Check the CUID. Nothing was printed.");
        }

        if (records.FirstOrDefault(r => r.Status is not (KeyStatus.ReadyForHandout or KeyStatus.HandedOut)) is { } other)
        {
            return Problem.Conflict($"Key {other.Cuid} is not ready for handout ({other.Status}).", "Finish it, or leave it out. Nothing was printed.");
        }

        var sheets = new List<HandoutSheet>();
        var profiles = new Dictionary<(string, int), KnownProfile>();
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        foreach (var record in records)
        {
            var sheet = await SheetAsync(db, record, profiles, cancel);
            if (sheet.Decisions.Pin.OnHandout && record.SealedPin is { } blob
                && await db.Records.Where(r => r.Cuid == record.Cuid && r.SealedPin != null)
                    .ExecuteUpdateAsync(r => r.SetProperty(x => x.SealedPin, (byte[]?)null), cancel) == 1)
            {
                await audit.SaveAsync(db, cancel, Actors.Of(http) with
                {
                    Action = "pin.reveal",
                    Outcome = "done",
                    Cuid = record.Cuid,
                    UserName = record.Person?.Name,
                    Detail = "printed on the handout",
                });
                var pin = sealer.Open(blob, SealedPlace.RecordPin(record.Cuid));
                sheet = sheet with { Pin = Encoding.ASCII.GetString(pin) };
                CryptographicOperations.ZeroMemory(pin);
            }

            sheets.Add(sheet);
        }

        // The trail says that a PIN was shown before the page with it leaves.
        await transaction.CommitAsync(cancel);
        http.Response.Headers.CacheControl = "no-store";
        return Page(http, sheets);
    }

    private static RazorComponentResult<HandoutPage> Page(HttpContext http, IReadOnlyList<HandoutSheet> sheets)
    {
        SecurityHeaders.AllowStyle(http, HandoutPage.Style);
        return new(new Dictionary<string, object?> { [nameof(HandoutPage.Sheets)] = sheets });
    }

    private static async Task<HandoutSheet> SheetAsync(
        OathDbContext db, KeyRecord record, Dictionary<(string, int), KnownProfile> profiles, CancellationToken cancel)
    {
        if (!profiles.TryGetValue((record.ProfileName!, record.ProfileVersion), out var profile))
        {
            profile = await RolloutProfiles.VersionAsync(db, record.ProfileName!, record.ProfileVersion, cancel)
                ?? throw new InvalidOperationException($"Profile {record.ProfileName} version {record.ProfileVersion} is missing.");
            profiles.Add((profile.Name, profile.Version), profile);
        }

        return new HandoutSheet(
            record.Cuid, record.DeviceSerial, record.Tokens.FirstOrDefault()?.Serial, record.Person?.DisplayName ?? record.Person?.Name,
            profile.Decisions, Pin: null, record.PinMethod == PinMethod.SetByHolder);
    }

    private static IQueryable<KeyRecord> Whole(OathDbContext db) =>
        db.Records.AsNoTracking().Include(r => r.Person).Include(r => r.Tokens);
}
