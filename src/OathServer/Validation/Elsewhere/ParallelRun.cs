using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Validation.Elsewhere;

/// <summary>
/// While users move in one after another: whoever has no token here is asked about at the old server, what it accepts is
/// accepted, and who still lives there is remembered. Whoever has a token here is never asked about there.
/// </summary>
/// <remarks>
/// No code is accepted by both. A code is reserved, durably, before the old server is asked, and the old server's yes
/// counts only while there is still no token here. A token that appears here (an import, an assignment) is therefore
/// visible to that second look, or it came after it, and then its first use sees the reservation: <see cref="CatchUp"/>
/// moves its counter past all that the old server accepted. This holds on any number of nodes.
/// </remarks>
internal sealed class ParallelRun(
    ParallelRunPolicy policy, UsedCodes used, ElsewhereHash hash, CredentialCache credentials, CounterCommit counters,
    RealmPolicies policies, IServiceScopeFactory scopes, TimeProvider time, ILogger<ParallelRun> log, OldServer? server = null)
{
    /// <summary>Tokens remembered as settled; beyond, they are looked at again.</summary>
    private const int SettledMax = 200_000;

    private readonly ConcurrentDictionary<(long TokenId, long PersonId), bool> settled = new();
    private volatile bool idle;
    private long warnedAt = long.MinValue;
    private int waiting;

    public bool IsOn => server is not null;

    /// <summary>There is none and none was of late: nothing has to be caught up with.</summary>
    public bool IsIdle => idle;

    /// <summary>The verdict of the old server about somebody without a token here; null when it is not asked.</summary>
    /// <exception cref="StorageUnavailableException">It gave no answer, or the verdict could not be made durable.</exception>
    public async Task<Outcome?> AskAsync(string realm, string name, bool bySerial, string code, Caller caller, CancellationToken cancel)
    {
        // A key limited to realms asks about users of its realms; of a serial number nobody knows the realm.
        if (server is null || code.Length == 0 || (bySerial ? caller.Realms is not null : !policy.Asks(realm) || caller.Realms?.Invoke(realm) == false))
        {
            return null;
        }

        if (!bySerial && await HasLeftAsync(realm, name, cancel))
        {
            return null;
        }

        try
        {
            if (Interlocked.Increment(ref waiting) > policy.AtOnce)
            {
                throw Unavailable(new OldServerUnavailableException($"{policy.AtOnce} requests wait for it already"));
            }

            var subject = bySerial ? hash.OfSerial(name) : hash.OfUser(realm, name);
            var hashed = hash.OfCode(subject, code);
            var outcome = await used.ReserveAsync(subject, hashed, cancel)
                ? await AskAsync(server, realm, name, bySerial, code, subject, hashed, cancel)
                : Outcome.Replayed;
            await counters.SubmitAsync(new ElsewhereNote(outcome, name, caller.ApiKeyId));
            return outcome;
        }
        finally
        {
            Interlocked.Decrement(ref waiting);
        }
    }

    /// <summary>Before a code is looked at here: the tokens are moved past what the old server accepted of them.</summary>
    public async ValueTask CatchUpAsync(CredentialFacts[] found, CancellationToken cancel)
    {
        if (idle)
        {
            return;
        }

        if (server is null && settled.IsEmpty && !await used.AnyAsync(cancel))
        {
            // No parallel run, and none of late: nothing can be in the table any more.
            idle = true;
            return;
        }

        foreach (var facts in found)
        {
            if (!settled.ContainsKey((facts.TokenId, facts.PersonId)))
            {
                await CatchUpAsync(facts, cancel);
            }
        }
    }

    private async Task<Outcome> AskAsync(
        OldServer old, string realm, string name, bool bySerial, string code, long subject, long hashed, CancellationToken cancel)
    {
        var keep = false;
        try
        {
            using var limit = new CancellationTokenSource(policy.Timeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
            var answer = await old.AskAsync(realm, name, bySerial, code, either.Token);
            if (answer.Verdict != OldVerdict.Accepted)
            {
                return answer.Verdict == OldVerdict.Refused ? Outcome.RefusedElsewhere : bySerial ? Outcome.UnknownToken : Outcome.UnknownUser;
            }

            keep = true;
            var here = bySerial ? await credentials.BySerialAsync(name, cancel, fresh: true) : await credentials.ByUserAsync(realm, name, cancel, fresh: true);
            if (here.Length > 0)
            {
                // The token arrived meanwhile: from now on this server decides, and the code is used.
                return Outcome.Replayed;
            }

            await LearnAsync(bySerial ? "" : realm, name, bySerial, answer.Token, cancel);
            return Outcome.AcceptedElsewhere;
        }
        catch (OldServerUnavailableException fault)
        {
            throw Unavailable(fault);
        }
        finally
        {
            if (!keep)
            {
                await used.ReleaseAsync(subject, hashed);
            }
        }
    }

    private async Task CatchUpAsync(CredentialFacts facts, CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        var holder = facts.PersonId == 0 ? null : await db.People.AsNoTracking().Where(p => p.Id == facts.PersonId).Select(p => new { p.Realm, p.Name }).SingleOrDefaultAsync(cancel);
        long[] subjects = holder is null ? [hash.OfSerial(facts.Serial)] : [hash.OfSerial(facts.Serial), hash.OfUser(holder.Realm, holder.Name)];
        var codes = await used.OfAsync(db, subjects, cancel);
        if (codes.Count > 0)
        {
            await counters.SubmitAsync(new CatchUp(facts, subjects, codes, hash, policies.Of(facts.Realm)));
        }

        if (settled.Count >= SettledMax)
        {
            settled.Clear();
        }

        settled[(facts.TokenId, facts.PersonId)] = true;
    }

    /// <summary>A leaver of the directory: the old server may not know yet.</summary>
    private async Task<bool> HasLeftAsync(string realm, string name, CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        var normalized = Person.Normalize(name);
        return await scope.ServiceProvider.GetRequiredService<OathDbContext>().People
            .AnyAsync(p => p.Realm == realm && p.NormalizedName == normalized && !p.Active, cancel);
    }

    private async Task LearnAsync(string realm, string name, bool bySerial, string? token, CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        var normalized = bySerial ? name : Person.Normalize(name);
        var now = time.GetUtcNow();
        var rows = db.LivesElsewhere.Where(p => p.Realm == realm && p.NormalizedName == normalized && p.IsSerial == bySerial);
        Task<int> Again() => rows.ExecuteUpdateAsync(
            p => p.SetProperty(x => x.LastAcceptedAt, now).SetProperty(x => x.Accepted, x => x.Accepted + 1).SetProperty(x => x.Token, x => token ?? x.Token), cancel);
        if (await Again() > 0)
        {
            return;
        }

        db.LivesElsewhere.Add(new LivesElsewhere
        {
            Realm = realm,
            Name = name,
            NormalizedName = normalized,
            IsSerial = bySerial,
            Token = token,
            FirstAcceptedAt = now,
            LastAcceptedAt = now,
            Accepted = 1,
        });
        try
        {
            await db.SaveChangesAsync(cancel);
        }
        catch (DbUpdateException)
        {
            // Somebody else learnt it at the same moment.
            await Again();
        }
    }

    /// <summary>Says once a minute that the old server is away, and why.</summary>
    private OldServerUnavailableException Unavailable(OldServerUnavailableException fault)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var last = Interlocked.Read(ref warnedAt);
        if ((last == long.MinValue || now - last > 60_000) && Interlocked.CompareExchange(ref warnedAt, now, last) == last)
        {
            log.LogWarning("Parallel run: the old server is no help: {Fault}. Who has no token here is refused meanwhile.", fault.Message);
        }

        return fault;
    }
}
