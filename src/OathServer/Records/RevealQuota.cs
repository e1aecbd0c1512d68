using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Records;

/// <summary>Too many secrets were shown to one person within a day: nothing was shown, nothing was used up.</summary>
internal sealed class RevealQuotaSpentException(int quota) : Exception(
    $"You were shown {quota} PUKs and PINs within a day, which is all one person is shown.");

/// <summary>How many PUKs and initial PINs one person is shown within a day (setting <c>Records:RevealsADay</c>), counted
/// in the trail itself: one employee, or one stolen session, does not carry off a fleet.</summary>
internal sealed class RevealQuota(IConfiguration configuration, TimeProvider time)
{
    private const int Default = 20;

    private readonly int quota = configuration.GetValue("Records:RevealsADay", Default);

    /// <summary>Called inside the reveal's transaction, after its entry: who appends next waits for it, so that two at the
    /// same time are counted one after the other.</summary>
    /// <exception cref="RevealQuotaSpentException">The entry is one too many; the transaction is to be undone.</exception>
    public async Task AssertAsync(OathDbContext db, string actor, CancellationToken cancel)
    {
        var since = time.GetUtcNow() - TimeSpan.FromDays(1);
        if (await db.Audit.CountAsync(
            e => e.Actor == actor && e.At > since && (e.Action == "puk.reveal" || e.Action == "pin.reveal"), cancel) > quota)
        {
            throw new RevealQuotaSpentException(quota);
        }
    }
}
