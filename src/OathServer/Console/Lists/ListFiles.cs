using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Import;
using OathServer.Records;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>Each list as a file: the same filters and order, every row.</summary>
internal static class ListFiles
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var files = routes.MapGroup("").RequireAuthorization(Rules.Read).ExcludeFromDescription();
        files.MapGet("/keys.csv", Keys);
        files.MapGet("/jobs.csv", Jobs);
        files.MapGet("/batches.csv", Batches);
        files.MapGet("/imports.csv", Imports);
        files.MapGet("/imports/{id:long}.csv", Tokens);
        files.MapGet("/imports/{id:long}/keys.csv", OutcomesAsync);
        files.MapGet("/batches/{id:guid}.csv", Lines);
        routes.MapGet("/imports/check/{id:guid}.csv", Check).RequireAuthorization(Rules.Provision).ExcludeFromDescription();
        routes.MapGet("/reveals.csv", Reveals).RequireAuthorization(Rules.Help).ExcludeFromDescription();
    }

    private static async Task<IResult> Keys(HttpRequest request, OathDbContext db, TimeProvider time, CancellationToken cancel) => CsvFile.Of(
        "keys.csv", (await KeyRow.OfAsync(db, new Listing(request, "cuid", KeyRow.Orders), time, cancel)).AsAsyncEnumerable(),
        ("cuid", k => k.Cuid), ("serial", k => k.DeviceSerial), ("model", k => k.Model), ("user", k => k.User), ("state", k => Words.Of(k.Status).Text),
        ("open gaps", k => string.Join(' ', GapWords.All.Index().Where(g => !k.Closed.HasFlag(g.Item)).Select(g => g.Index + 1))),
        ("shipment", k => k.Batch), ("profile", k => k.Profile), ("provisioned by", k => k.ProvisionedBy), ("provisioned", k => k.ProvisionedAt));

    private static IResult Jobs(HttpRequest request, OathDbContext db) => CsvFile.Of(
        "jobs.csv", JobRow.Of(db, new Listing(request, "-started", JobRow.Orders)).AsAsyncEnumerable(),
        ("job", j => j.Id), ("cuid", j => j.Cuid), ("user", j => j.User), ("state", j => j.Words.Text.Text), ("token", j => j.Serial),
        ("profile", j => j.Profile), ("operator", j => j.Operator), ("started", j => j.StartedAt), ("ended", j => j.EndedAt), ("trouble", j => j.Trouble));

    private static IResult Batches(HttpRequest request, OathDbContext db) => CsvFile.Of(
        "batches.csv", BatchSummary.Of(db, new Listing(request, "-created", BatchSummary.Orders)).AsAsyncEnumerable(),
        ("batch", b => b.Name), ("state", b => BatchSummary.Words(b.State).Text.Text), ("done", b => b.Done), ("total", b => b.Total), ("red", b => b.Stuck),
        ("profile", b => b.Profile), ("shipment", b => b.Shipment), ("started by", b => b.CreatedBy), ("started", b => b.CreatedAt), ("ended", b => b.EndedAt));

    private static IResult Imports(HttpRequest request, OathDbContext db) => CsvFile.Of(
        "imports.csv", ImportRow.Of(db, new Listing(request, "-at", ImportRow.Orders)).AsAsyncEnumerable(),
        ("import", i => i.Id), ("file", i => i.FileName), ("sha256", i => i.Digest), ("format", i => i.Format), ("realm", i => i.Realm),
        ("shipment", i => i.Shipment), ("new tokens", i => i.Keys), ("imported by", i => i.By), ("imported", i => i.At));

    private static IResult Tokens(long id, HttpRequest request, OathDbContext db) => CsvFile.Of(
        "import.csv", ImportedTokens.Of(db, id, ImportedTokens.Asked(request))
            .Select(t => new { t.Serial, t.Counter!.State, t.Counter.Counter, User = t.Person!.Name, t.Cuid, t.KeyId }).AsAsyncEnumerable(),
        ("serial", t => t.Serial), ("state", t => t.State), ("counter", t => t.Counter), ("user", t => t.User), ("cuid", t => t.Cuid), ("key id", t => t.KeyId));

    private static async Task<IResult> OutcomesAsync(long id, HttpRequest request, OathDbContext db, CancellationToken cancel)
    {
        var import = await db.Imports.AsNoTracking().SingleOrDefaultAsync(i => i.Id == id, cancel);
        return Outcomes("import-keys.csv", import is null ? null : ShipmentImport.ReportOf(import), OutcomeList.Asked(request, OutcomeList.BesideTokens));
    }

    /// <summary>The check of an upload: its sender's alone, as its page is.</summary>
    private static IResult Check(Guid id, HttpRequest request, WaitingImports waiting) => Outcomes(
        "import-check.csv", waiting.Find(id, Actors.Of(request.HttpContext).Actor)?.Report, OutcomeList.Asked(request));

    private static IResult Outcomes(string name, ImportReport? report, Listing list) => report is null ? Results.NotFound() : CsvFile.Of(
        name, OutcomeList.Chosen(report.Keys, list).ToAsyncEnumerable(),
        ("line", k => k.Line), ("serial", k => k.Serial), ("what", k => ImportWords.Of(k.What).Text.Text), ("reason", k => k.Why),
        ("counter", k => k.Counter), ("user", k => k.User), ("key id", k => k.KeyId));

    private static IResult Reveals(HttpRequest request, OathDbContext db, SecondPerson second) => CsvFile.Of(
        "reveals.csv", RevealRow.Of(db, second, RevealRow.Asked(request)).AsAsyncEnumerable(),
        ("what", r => r.Ask.What), ("cuid", r => r.Ask.Cuid), ("holder", r => r.Holder), ("reason", r => r.Ask.Reason), ("asked by", r => r.Ask.AskedBy),
        ("asked", r => r.Ask.AskedAt), ("until", r => r.Ask.ExpiresAt));

    private static IResult Lines(Guid id, HttpRequest request, OathDbContext db) => CsvFile.Of(
        "batch.csv", BatchLines.Of(db, id, BatchLines.Asked(request)).AsAsyncEnumerable(),
        ("line", l => l.Ordinal), ("user", l => l.UserName), ("state", l => BatchSummary.Words(l.State).Text.Text), ("cuid", l => l.Cuid),
        ("token", l => l.Serial), ("job", l => l.JobId), ("milliseconds", l => l.Milliseconds), ("trouble", l => l.Trouble));
}
