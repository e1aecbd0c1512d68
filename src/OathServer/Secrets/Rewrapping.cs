using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Secrets;

/// <summary>
/// Brings every sealed value under the current key-encryption key while the server works: page by page, each value by
/// compare-and-set on what was read, so a value that changed meanwhile is met again. Stopped anywhere, even by a kill, it
/// goes on from there: a value says itself which key it needs.
/// </summary>
internal sealed class Rewrapping(Sealer sealer)
{
    private const int PageSize = 500;

    /// <summary>Rewraps all; <paramref name="progress"/> gets the table and how many values of it were looked at.</summary>
    /// <returns>How many were rewrapped.</returns>
    /// <exception cref="SealBrokenException">A value does not open: nothing of it was changed.</exception>
    public async Task<long> RunAsync(OathDbContext db, Action<string, long> progress, CancellationToken cancel)
    {
        long done = 0;
        done += await TokensAsync(db, progress, cancel);
        done += await PinsAsync(db, progress, cancel);
        done += await RecordsAsync(db, progress, cancel);
        done += await StepsAsync(db, progress, cancel);
        foreach (var row in await db.ServerSecrets.AsNoTracking().ToListAsync(cancel))
        {
            done += await MoveAsync(row.SealedValue, SealedPlace.ServerSecret(row.Purpose, row.Version), (old, now) => db.ServerSecrets
                .Where(s => s.Purpose == row.Purpose && s.Version == row.Version && s.SealedValue == old)
                .ExecuteUpdateAsync(s => s.SetProperty(x => x.SealedValue, now), cancel));
        }

        foreach (var row in await db.PendingSeeds.AsNoTracking()
            .Join(db.Tokens, p => p.TokenId, t => t.Id, (p, t) => new { p.TokenId, p.Generation, p.SealedSecret, t.Serial }).ToListAsync(cancel))
        {
            done += await MoveAsync(row.SealedSecret, SealedPlace.TokenSecret(row.Serial, row.Generation), (old, now) => db.PendingSeeds
                .Where(p => p.TokenId == row.TokenId && p.SealedSecret == old).ExecuteUpdateAsync(p => p.SetProperty(x => x.SealedSecret, now), cancel));
        }

        foreach (var row in await db.CookieKeys.AsNoTracking().ToListAsync(cancel))
        {
            done += await MoveAsync(row.SealedValue, SealedPlace.CookieKey(row.Name), (old, now) => db.CookieKeys
                .Where(k => k.Id == row.Id && k.SealedValue == old).ExecuteUpdateAsync(k => k.SetProperty(x => x.SealedValue, now), cancel));
        }

        foreach (var row in await db.Webhooks.AsNoTracking().ToListAsync(cancel))
        {
            done += await MoveAsync(row.SealedSecret, SealedPlace.WebhookSecret(row.Name), (old, now) => db.Webhooks
                .Where(h => h.Name == row.Name && h.SealedSecret == old).ExecuteUpdateAsync(h => h.SetProperty(x => x.SealedSecret, now), cancel));
        }

        return done;
    }

    /// <summary>How many values need which key.</summary>
    public static async Task<Dictionary<string, long>> CountAsync(OathDbContext db, CancellationToken cancel)
    {
        var counts = new Dictionary<string, long>();
        await foreach (var blob in db.Tokens.AsNoTracking().Select(t => t.SealedSecret).AsAsyncEnumerable().WithCancellation(cancel))
        {
            Count(blob);
        }

        await foreach (var blob in db.TokenPins.AsNoTracking().Select(p => p.SealedVerifier).AsAsyncEnumerable().WithCancellation(cancel))
        {
            Count(blob);
        }

        await foreach (var row in db.Records.AsNoTracking().Select(r => new { r.SealedPin, r.SealedPuk, r.SealedManagementKey }).AsAsyncEnumerable().WithCancellation(cancel))
        {
            Count(row.SealedPin);
            Count(row.SealedPuk);
            Count(row.SealedManagementKey);
        }

        await foreach (var row in db.Steps.AsNoTracking().Select(s => new { s.SealedOld, s.SealedNew }).AsAsyncEnumerable().WithCancellation(cancel))
        {
            Count(row.SealedOld);
            Count(row.SealedNew);
        }

        (await db.PendingSeeds.AsNoTracking().Select(p => p.SealedSecret).ToListAsync(cancel)).ForEach(Count);
        (await db.ServerSecrets.AsNoTracking().Select(s => s.SealedValue).ToListAsync(cancel)).ForEach(Count);
        (await db.CookieKeys.AsNoTracking().Select(k => k.SealedValue).ToListAsync(cancel)).ForEach(Count);
        (await db.Webhooks.AsNoTracking().Select(h => h.SealedSecret).ToListAsync(cancel)).ForEach(Count);
        return counts;

        void Count(byte[]? blob)
        {
            if (blob is not null)
            {
                var id = Sealer.KeyIdOf(blob);
                counts[id] = counts.GetValueOrDefault(id) + 1;
            }
        }
    }

    private Task<long> TokensAsync(OathDbContext db, Action<string, long> progress, CancellationToken cancel) => PagesAsync(
        db, "tokens", 0L,
        after => db.Tokens.AsNoTracking().Where(t => t.Id > after).OrderBy(t => t.Id)
            .Select(t => new { t.Id, t.Serial, t.SealedSecret, t.Counter!.Generation }),
        row => row.Id,
        async row => await MoveAsync(row.SealedSecret, SealedPlace.TokenSecret(row.Serial, row.Generation), (old, now) => db.Tokens
            .Where(t => t.Id == row.Id && t.SealedSecret == old).ExecuteUpdateAsync(t => t.SetProperty(x => x.SealedSecret, now), cancel)),
        progress, cancel);

    private Task<long> PinsAsync(OathDbContext db, Action<string, long> progress, CancellationToken cancel) => PagesAsync(
        db, "token_pins", 0L,
        after => db.TokenPins.AsNoTracking().Where(p => p.TokenId > after)
            .Join(db.Tokens, p => p.TokenId, t => t.Id, (p, t) => new { p.TokenId, p.Version, p.SealedVerifier, t.Serial }).OrderBy(p => p.TokenId),
        row => row.TokenId,
        async row => await MoveAsync(row.SealedVerifier, SealedPlace.TokenPin(row.Serial, row.Version), (old, now) => db.TokenPins
            .Where(p => p.TokenId == row.TokenId && p.SealedVerifier == old).ExecuteUpdateAsync(p => p.SetProperty(x => x.SealedVerifier, now), cancel)),
        progress, cancel);

    private Task<long> RecordsAsync(OathDbContext db, Action<string, long> progress, CancellationToken cancel) => PagesAsync(
        db, "records", "",
        after => db.Records.AsNoTracking().Where(r => string.Compare(r.Cuid, after) > 0).OrderBy(r => r.Cuid)
            .Select(r => new { r.Cuid, r.SealedPin, r.SealedPuk, r.SealedManagementKey }),
        row => row.Cuid,
        async row =>
        {
            var records = db.Records.Where(r => r.Cuid == row.Cuid);
            return await MoveAsync(row.SealedPin, SealedPlace.RecordPin(row.Cuid), (old, now) =>
                    records.Where(r => r.SealedPin == old).ExecuteUpdateAsync(r => r.SetProperty(x => x.SealedPin, now), cancel))
                + await MoveAsync(row.SealedPuk, SealedPlace.RecordPuk(row.Cuid), (old, now) =>
                    records.Where(r => r.SealedPuk == old).ExecuteUpdateAsync(r => r.SetProperty(x => x.SealedPuk, now), cancel))
                + await MoveAsync(row.SealedManagementKey, SealedPlace.RecordManagementKey(row.Cuid), (old, now) =>
                    records.Where(r => r.SealedManagementKey == old).ExecuteUpdateAsync(r => r.SetProperty(x => x.SealedManagementKey, now), cancel));
        },
        progress, cancel);

    /// <summary>A table from end to end, a page a transaction; what is written meanwhile behind a page has the current key.</summary>
    /// <returns>How many values were moved.</returns>
    private static async Task<long> PagesAsync<TKey, TRow>(
        OathDbContext db, string table, TKey start, Func<TKey, IQueryable<TRow>> rowsAfter, Func<TRow, TKey> keyOf, Func<TRow, Task<long>> move,
        Action<string, long> progress, CancellationToken cancel)
    {
        long done = 0, seen = 0;
        for (var after = start; await rowsAfter(after).Take(PageSize).ToListAsync(cancel) is { Count: > 0 } page; after = keyOf(page[^1]))
        {
            await using var transaction = await db.Database.BeginTransactionAsync(cancel);
            foreach (var row in page)
            {
                done += await move(row);
            }

            await transaction.CommitAsync(cancel);
            progress(table, seen += page.Count);
        }

        return done;
    }

    private async Task<long> StepsAsync(OathDbContext db, Action<string, long> progress, CancellationToken cancel)
    {
        long done = 0, seen = 0;
        foreach (var job in await db.Jobs.AsNoTracking().Select(j => j.Id).ToListAsync(cancel))
        {
            foreach (var row in await db.Steps.AsNoTracking().Where(s => s.JobId == job).ToListAsync(cancel))
            {
                var steps = db.Steps.Where(s => s.JobId == row.JobId && s.Ordinal == row.Ordinal);
                done += await MoveAsync(row.SealedOld, SealedPlace.StepOld(row.JobId, row.Ordinal), (old, now) =>
                    steps.Where(s => s.SealedOld == old).ExecuteUpdateAsync(s => s.SetProperty(x => x.SealedOld, now), cancel));
                done += await MoveAsync(row.SealedNew, SealedPlace.StepNew(row.JobId, row.Ordinal), (old, now) =>
                    steps.Where(s => s.SealedNew == old).ExecuteUpdateAsync(s => s.SetProperty(x => x.SealedNew, now), cancel));
                progress("provisioning_steps", ++seen);
            }
        }

        return done;
    }

    /// <summary>1 when the value was brought under the current key; 0 when it was there, or changed meanwhile.</summary>
    private async Task<long> MoveAsync(byte[]? blob, SealedPlace place, Func<byte[], byte[], Task<int>> replace) =>
        blob is null || Sealer.KeyIdOf(blob) == sealer.KeyId ? 0 : await replace(blob, sealer.Rewrap(blob, place));
}
