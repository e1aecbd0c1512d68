using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Backup;

/// <summary>What a store was brought to when it was taken into service again.</summary>
/// <param name="Exact">The journal reached to the last code accepted.</param>
/// <param name="Words">What was done, for the operator and the trail.</param>
internal sealed record AcceptedStore(bool Exact, string Words);

/// <summary>Takes a store that may stand behind into service: by the journal exactly, else in the safe state. A new epoch
/// begins; the anchors and the journal of the old one are put aside.</summary>
internal sealed class Acceptance(
    BackupSettings settings, Anchors anchors, AuditTrail audit, TrailCheck check, JournalReplay replay, SafeState safe, TimeProvider time)
{
    /// <param name="db">The store.</param>
    /// <param name="origin">Where it comes from, for the trail.</param>
    /// <param name="journals">Journals of acceptances; empty when there are none.</param>
    /// <param name="actor">Who takes it.</param>
    /// <param name="cancel">Gives up.</param>
    public async Task<AcceptedStore> AcceptAsync(
        OathDbContext db, string origin, IReadOnlyList<string> journals, AuditEvent actor, CancellationToken cancel)
    {
        var lost = await ActsLostAsync(db, cancel);
        var now = time.GetUtcNow();
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var (exact, words) = await BringUpAsync(db, journals, cancel);
        words = $"{origin}; {words}" + (lost > 0 ? $"; {lost} acts after it are lost" : "");
        await audit.SaveAsync(db, cancel, actor with { Action = Anchors.RestoreAction, Outcome = "done", Detail = words });
        await transaction.CommitAsync(cancel);

        // The old epoch's: they know entries that this store does not have.
        anchors.File.PutAside(now);
        if (settings.Journal is { } journal && File.Exists(journal))
        {
            File.Move(journal, $"{journal}.until-{now:yyyyMMddTHHmmssfff}");
        }

        var verdict = await check.RunAsync(db, cancel);
        await anchors.WriteAsync(db, cancel);
        return new AcceptedStore(exact, verdict.Holds ? words : $"{words}. THE TRAIL DOES NOT HOLD: {string.Join("; ", verdict.Faults)}");
    }

    private async Task<AcceptedStore> BringUpAsync(OathDbContext db, IReadOnlyList<string> journals, CancellationToken cancel)
    {
        string? gap = null;
        if (journals.Count > 0)
        {
            var result = await replay.RunAsync(db, journals, cancel);
            if (result.Gap is null)
            {
                return new AcceptedStore(true, $"{result.Batches} batches with {result.Acceptances} acceptances replayed from the journal"
                    + (result.Unknown > 0 ? $", {result.Unknown} of tokens that are not in it" : "")
                    + (result.Reseeded > 0 ? $"; {result.Reseeded} tokens got a new seed after the backup, which is lost: they are suspended until they are provisioned again" : ""));
            }

            gap = result.Gap;
        }

        var (hotp, totp) = await safe.EnterAsync(db, cancel);
        return new AcceptedStore(false, (gap is null ? "no journal" : $"the journal does not join it: {gap}")
            + $"; {hotp} HOTP tokens need two consecutive codes, {totp} TOTP tokens accept nothing up to the present step");
    }

    private async Task<long> ActsLostAsync(OathDbContext db, CancellationToken cancel)
    {
        var anchored = anchors.File.LastLine() is { } line && Anchor.Parse(line) is { } anchor
            ? anchor.Heads.FirstOrDefault(h => h.Chain == ChainHead.Acts)?.Sequence ?? 0
            : 0;
        return Math.Max(0, anchored - (await db.Audit.MaxAsync(e => (long?)e.Sequence, cancel) ?? 0));
    }
}
