using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Records;

/// <summary>A second person has to let this reveal happen: nothing was shown yet.</summary>
internal sealed class SecondPersonNeededException(RevealAsk ask) : Exception(
    "A second person must approve this. Ask a colleague, then ask for the reveal again.")
{
    public RevealAsk Ask { get; } = ask;
}

/// <summary>Reveals that two people make: one asks, another with the role approves within a time, then the one who asked is
/// shown it, once (settings <c>Records:SecondPersonRealms</c>, <c>Records:SecondPersonMinutes</c>).</summary>
internal sealed class SecondPerson(AuditTrail audit, IConfiguration configuration, TimeProvider time)
{
    public const string RealmsSetting = "Records:SecondPersonRealms";

    private const string Everywhere = "*";

    private readonly string[] realms = (configuration[RealmsSetting] ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    private readonly TimeSpan within = TimeSpan.FromMinutes(configuration.GetValue("Records:SecondPersonMinutes", 15));

    /// <summary>Whether any reveal takes two.</summary>
    public bool IsOn => realms.Length > 0;

    /// <summary>Whether a reveal of this key takes two. A key of nobody counts to every realm named.</summary>
    public bool IsNeeded(KeyRecord record) => realms.Length > 0
        && (realms.Contains(Everywhere) || record.Person is null || realms.Contains(record.Person.Realm, StringComparer.OrdinalIgnoreCase));

    /// <summary>Uses up an approval, inside the reveal's transaction; the second person's name.</summary>
    /// <exception cref="SecondPersonNeededException">There is none: it was asked for now, or waits already.</exception>
    public async Task<string> TakeAsync(OathDbContext db, KeyRecord record, string what, string reason, AuditEvent actor, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var ask = await Open(db, now).Where(a => a.Cuid == record.Cuid && a.What == what && a.AskedBy == actor.Actor)
            .OrderByDescending(a => a.Approved).FirstOrDefaultAsync(cancel);
        if (ask is { Approved: true }
            && await db.RevealAsks.Where(a => a.Id == ask.Id && a.ShownAt == null).ExecuteUpdateAsync(a => a.SetProperty(x => x.ShownAt, now), cancel) == 1)
        {
            return ask.DecidedBy!;
        }

        if (ask is null or { Approved: true })
        {
            ask = new RevealAsk
            {
                Id = Guid.CreateVersion7(now),
                Cuid = record.Cuid,
                What = what,
                Reason = reason,
                AskedBy = actor.Actor,
                AskedAt = now,
                ExpiresAt = now + within,
            };
            db.RevealAsks.Add(ask);
            await audit.SaveAsync(db, cancel, actor with { Action = "reveal.ask", Outcome = "done", Cuid = record.Cuid, UserName = record.Person?.Name, Detail = $"{what}: {reason}" });
        }

        throw new SecondPersonNeededException(ask);
    }

    /// <summary>Reveals that wait for somebody, in no order.</summary>
    public IQueryable<RevealAsk> Waiting(OathDbContext db) =>
        Open(db, time.GetUtcNow()).Where(a => a.DecidedAt == null).AsNoTracking();

    /// <summary>Approves or declines. Null when done, else why not.</summary>
    public async Task<string?> DecideAsync(OathDbContext db, RevealAsk ask, bool approve, AuditEvent actor, CancellationToken cancel)
    {
        if (approve && ask.AskedBy == actor.Actor)
        {
            return "You asked for this reveal yourself: another person approves it.";
        }

        var now = time.GetUtcNow();
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var first = await Open(db, now).Where(a => a.Id == ask.Id && a.DecidedAt == null).ExecuteUpdateAsync(
            a => a.SetProperty(x => x.DecidedBy, actor.Actor).SetProperty(x => x.DecidedAt, now).SetProperty(x => x.Approved, approve), cancel) == 1;
        if (!first)
        {
            return ask.DecidedAt is null && ask.ExpiresAt <= now
                ? $"The request of {ask.AskedBy} is too old. They ask again." : "Somebody decided on this request already.";
        }

        var holder = await db.Records.Where(r => r.Cuid == ask.Cuid).Select(r => r.Person!.Name).FirstOrDefaultAsync(cancel);
        await audit.SaveAsync(db, cancel, actor with
        {
            Action = approve ? "reveal.approve" : "reveal.decline",
            Outcome = "done",
            Cuid = ask.Cuid,
            UserName = holder,
            Detail = $"{ask.What} for {ask.AskedBy}: {ask.Reason}",
        });
        await transaction.CommitAsync(cancel);
        return null;
    }

    private static IQueryable<RevealAsk> Open(OathDbContext db, DateTimeOffset now) =>
        db.RevealAsks.Where(a => a.ShownAt == null && a.ExpiresAt > now && (a.DecidedAt == null || a.Approved));
}
