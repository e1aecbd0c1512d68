using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Records;

/// <summary>Whose data are erased.</summary>
/// <param name="Realm">The person's realm.</param>
/// <param name="User">Their name.</param>
/// <param name="FormerNames">Names they had before, as far as the trail may have them.</param>
/// <param name="Retire">Retires keys and tokens they still hold; without it a purge of somebody who holds one is refused.</param>
public sealed record PurgeRequest(string Realm, string User, string[]? FormerNames = null, bool Retire = false);

/// <summary>What was erased.</summary>
/// <param name="Entries">Entries of the trail that no longer name the person.</param>
/// <param name="Keys">Keys that are nobody's now.</param>
/// <param name="Tokens">Tokens that are nobody's now.</param>
public sealed record PurgeReport(int Entries, int Keys, int Tokens);

/// <summary>The purge cannot be made; nothing was changed.</summary>
internal sealed class PurgeRefusedException(string message, string next) : Exception(message)
{
    public string Next { get; } = next;
}

/// <summary>Erases a leaver's personal data: the person, and their name wherever it stands, in the trail too, which still verifies.
/// In one transaction with the entry that tells of it.</summary>
internal sealed class PersonPurge(AuditTrail audit, FactsChanged factsChanged, TimeProvider time)
{
    private const string Erased = "(erased)";

    /// <exception cref="PurgeRefusedException">There is nobody of that name, or they hold a key.</exception>
    public async Task<PurgeReport> RunAsync(OathDbContext db, PurgeRequest request, AuditEvent actor, CancellationToken cancel)
    {
        // What is overwritten shall not stay behind in free places of the file.
        await db.Database.OpenConnectionAsync(cancel);
        try
        {
            if (db.Database.IsSqlite())
            {
                await db.Database.ExecuteSqlRawAsync("PRAGMA secure_delete = ON", cancel);
            }

            PurgeReport report;
            await using (var transaction = await db.Database.BeginTransactionAsync(cancel))
            {
                report = await EraseAsync(db, request, actor, cancel);
                await transaction.CommitAsync(cancel);
            }

            factsChanged.Announce();
            if (db.Database.IsSqlite())
            {
                // Nor in the write-ahead log; where somebody reads at this moment, the next checkpoint does it.
                await db.Database.ExecuteSqlRawAsync("PRAGMA wal_checkpoint(TRUNCATE)", cancel);
            }

            return report;
        }
        finally
        {
            await db.Database.CloseConnectionAsync();
        }
    }

    private async Task<PurgeReport> EraseAsync(OathDbContext db, PurgeRequest request, AuditEvent actor, CancellationToken cancel)
    {
        var normalized = Person.Normalize(request.User);
        var person = await db.People.SingleOrDefaultAsync(p => p.Realm == request.Realm && p.NormalizedName == normalized, cancel)
            ?? throw new PurgeRefusedException($"There is nobody named {request.User} in realm {request.Realm}.", "Check name and realm.");
        var tokens = await db.Tokens.Include(t => t.Counter).Where(t => t.PersonId == person.Id).ToListAsync(cancel);
        var records = await db.Records.Where(r => r.PersonId == person.Id).ToListAsync(cancel);
        await RefuseHolderAsync(db, request, person.Id, tokens, records, cancel);
        await TakeAwayAsync(db, tokens, records, cancel);
        var texts = Texts(person, request);
        var entries = await EraseFromTrailAsync(db, person, texts, records, tokens, cancel);
        await EraseElsewhereAsync(db, texts, person.Realm, [.. records.Select(r => r.Cuid)], cancel);
        db.People.Remove(person);
        await audit.SaveAsync(db, cancel, actor with
        {
            Action = Erasure.Action,
            Outcome = "done",
            Detail = $"person {person.Id}: {records.Count} keys, {tokens.Count} tokens, {Erasure.Words(entries)}",
        });
        return new PurgeReport(entries.Count, records.Count, tokens.Count);
    }

    private static async Task RefuseHolderAsync(
        OathDbContext db, PurgeRequest request, long personId, List<Token> tokens, List<KeyRecord> records, CancellationToken cancel)
    {
        var cuids = records.ConvertAll(r => r.Cuid);
        if (await db.Jobs.Where(j => j.OpenCuid != null && (j.PersonId == personId || cuids.Contains(j.Cuid))).Select(j => j.Cuid).FirstOrDefaultAsync(cancel) is { } busy)
        {
            throw new PurgeRefusedException($"A job is open on key {busy}.", "Resume or abandon it first.");
        }

        var held = records.Where(r => r.Status is not (KeyStatus.Retired or KeyStatus.Lost)).Select(r => $"key {r.Cuid}")
            .Concat(tokens.Where(t => t.Cuid is null && t.Counter!.State != TokenState.Disabled).Select(t => $"token {t.Serial}")).ToList();
        if (held.Count > 0 && !request.Retire)
        {
            throw new PurgeRefusedException(
                $"{request.User} still holds {string.Join(", ", held.Take(10))}.", "Retire what they hold, or send retire (--retire) to do so with the purge.");
        }
    }

    private async Task TakeAwayAsync(OathDbContext db, List<Token> tokens, List<KeyRecord> records, CancellationToken cancel)
    {
        foreach (var record in records)
        {
            (record.PersonId, record.Notes, record.UpdatedAt) = (null, null, time.GetUtcNow());
            record.Status = record.Status == KeyStatus.Lost ? KeyStatus.Lost : KeyStatus.Retired;
        }

        tokens.ForEach(t => t.PersonId = null);
        await db.SaveChangesAsync(cancel);
        var ids = tokens.ConvertAll(t => t.Id);
        await TokenPins.RemoveAsync(db, ids, cancel);
        await db.Counters.Where(c => ids.Contains(c.TokenId)).ExecuteUpdateAsync(
            c => c.SetProperty(x => x.State, TokenState.Disabled).SetProperty(x => x.Flags, x => x.Flags & ~CounterFlags.HolderInactive), cancel);
    }

    /// <summary>What names the person, as whole words.</summary>
    private static List<string> Texts(Person person, PurgeRequest request) =>
        [.. ((string?[])[person.Name, person.DisplayName, person.Mail, person.EmployeeNumber, person.ExternalId, .. request.FormerNames ?? []])
            .OfType<string>().Where(t => t.Trim().Length > 1).Distinct(StringComparer.OrdinalIgnoreCase)];

    /// <summary>Erases names and details; a namesake in another realm keeps theirs, as far as no key tells whose they are.</summary>
    private static async Task<SortedSet<long>> EraseFromTrailAsync(
        OathDbContext db, Person person, List<string> texts, List<KeyRecord> records, List<Token> tokens, CancellationToken cancel)
    {
        await AuditTrail.LockAsync(db, cancel);
        var namesake = await db.People.AnyAsync(p => p.NormalizedName == person.NormalizedName && p.Id != person.Id, cancel);
        var (cuids, serials) = (records.Select(r => r.Cuid).ToHashSet(), tokens.Select(t => t.Serial).ToHashSet());
        var erased = new SortedSet<long>();
        await foreach (var entry in db.Audit.AsNoTracking().Where(e => e.UserName != null || e.Detail != null).OrderBy(e => e.Sequence)
            .AsAsyncEnumerable().WithCancellation(cancel))
        {
            var theirs = !namesake || (entry.Cuid is { } cuid && cuids.Contains(cuid)) || (entry.Serial is { } serial && serials.Contains(serial));
            if (theirs && (Names(entry.UserName, texts) || Names(entry.Detail, texts)) && entry.Action != Erasure.Action)
            {
                erased.Add(entry.Sequence);
            }
        }

        foreach (var some in erased.Chunk(500))
        {
            foreach (var entry in await db.Audit.Where(e => some.Contains(e.Sequence)).ToListAsync(cancel))
            {
                (entry.UserName, entry.UserSalt) = (null, null);
                if (Names(entry.Detail, texts))
                {
                    (entry.Detail, entry.DetailSalt) = (null, null);
                }
            }

            await db.SaveChangesAsync(cancel);
        }

        return erased;
    }

    private static async Task EraseElsewhereAsync(OathDbContext db, List<string> texts, string realm, List<string> cuids, CancellationToken cancel)
    {
        foreach (var batch in (await db.DeskBatches.Where(b => b.Notice != null).ToListAsync(cancel)).Where(b => Names(b.Notice, texts)))
        {
            batch.Notice = null;
        }

        var batches = await db.DeskBatches.Where(b => b.Realm == null || b.Realm == realm).Select(b => b.Id).ToListAsync(cancel);
        foreach (var line in (await db.DeskBatchLines.Where(l => batches.Contains(l.BatchId)).ToListAsync(cancel)).Where(l => Names(l.UserName, texts) || Names(l.Trouble, texts)))
        {
            (line.UserName, line.Trouble) = (Erased, null);
        }

        foreach (var job in (await db.Jobs.Include(j => j.Steps).Where(j => cuids.Contains(j.Cuid)).ToListAsync(cancel)))
        {
            job.Trouble = Names(job.Trouble, texts) ? Erased : job.Trouble;
            job.Steps.ForEach(s => s.Detail = Names(s.Detail, texts) ? Erased : s.Detail);
        }

        foreach (var ask in (await db.RevealAsks.Where(a => cuids.Contains(a.Cuid)).ToListAsync(cancel)).Where(a => Names(a.Reason, texts)))
        {
            ask.Reason = Erased;
        }

        foreach (var import in (await db.Imports.Where(i => i.Realm == realm).ToListAsync(cancel)).Where(i => Names(i.Report, texts)))
        {
            import.Report = texts.Aggregate(import.Report, (report, text) => Regex.Replace(report, Word(text), Erased, RegexOptions.IgnoreCase));
        }

        await db.SaveChangesAsync(cancel);
    }

    private static bool Names(string? text, List<string> texts) =>
        text is not null && texts.Exists(t => text.Contains(t, StringComparison.OrdinalIgnoreCase) && Regex.IsMatch(text, Word(t), RegexOptions.IgnoreCase));

    private static string Word(string text) => $@"(?<!\w){Regex.Escape(text)}(?!\w)";
}
