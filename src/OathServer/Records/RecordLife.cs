using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using OathServer.Audit;
using OathServer.Provisioning;
using OathServer.Provisioning.Steps;
using OathServer.Secrets;
using OathServer.Storage;
using OathServer.Tokens;
using OathServer.Validation;

namespace OathServer.Records;

/// <summary>What changes a record after provisioning: its status, notes, and the reveals. Each with its audit entry in
/// one transaction; a secret is handed out only after that entry is durable.</summary>
internal sealed class RecordLife(
    AuditTrail audit, KeySecrets secrets, Sealer sealer, RevealQuota quota, SecondPerson second, TokenLife people, FactsChanged factsChanged, TimeProvider time)
{
    private static readonly Dictionary<KeyStatus, KeyStatus[]> Next = new()
    {
        [KeyStatus.ReadyForHandout] = [KeyStatus.HandedOut, KeyStatus.Suspended, KeyStatus.Lost, KeyStatus.Retired],
        [KeyStatus.HandedOut] = [KeyStatus.Suspended, KeyStatus.Lost, KeyStatus.Retired],
        [KeyStatus.Suspended] = [KeyStatus.HandedOut, KeyStatus.ReadyForHandout, KeyStatus.Lost, KeyStatus.Retired],
        [KeyStatus.Lost] = [KeyStatus.Suspended, KeyStatus.Retired],
        [KeyStatus.InDoubt] = [KeyStatus.Lost, KeyStatus.Retired],
    };

    /// <summary>Shows the PUK. From then on a person knows it, and the record asks for its rotation. Null when none was set.</summary>
    /// <exception cref="SecondPersonNeededException">It takes two, and nobody has approved it yet.</exception>
    /// <exception cref="RevealQuotaSpentException">One person was shown too many today.</exception>
    public async Task<string?> RevealPukAsync(OathDbContext db, KeyRecord record, string reason, AuditEvent actor, CancellationToken cancel)
    {
        if (await secrets.PukOfAsync(db, record, cancel) is not { } puk)
        {
            return null;
        }

        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        reason = await WithSecondPersonAsync(db, transaction, record, "puk", reason, actor, cancel);
        record.PukKnownToPerson = true;
        record.UpdatedAt = time.GetUtcNow();
        await audit.SaveAsync(db, cancel, Entry(actor, record, "puk.reveal", reason));
        await quota.AssertAsync(db, actor.Actor, cancel);
        await transaction.CommitAsync(cancel);
        return Taken(puk);
    }

    /// <summary>Shows the initial PIN, once: it is forgotten in the same transaction. Null when there is none (any more).</summary>
    public async Task<string?> RevealPinAsync(OathDbContext db, KeyRecord record, string reason, AuditEvent actor, CancellationToken cancel)
    {
        if (record.SealedPin is not { } blob)
        {
            return null;
        }

        var pin = sealer.Open(blob, SealedPlace.RecordPin(record.Cuid));
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        reason = await WithSecondPersonAsync(db, transaction, record, "pin", reason, actor, cancel);
        // Two who ask at the same time: one statement decides who is shown it.
        var first = await db.Records.Where(r => r.Cuid == record.Cuid && r.SealedPin != null)
            .ExecuteUpdateAsync(r => r.SetProperty(x => x.SealedPin, (byte[]?)null), cancel) == 1;
        if (!first)
        {
            return null;
        }

        await audit.SaveAsync(db, cancel, Entry(actor, record, "pin.reveal", reason));
        await quota.AssertAsync(db, actor.Actor, cancel);
        await transaction.CommitAsync(cancel);
        return Taken(pin);
    }

    /// <summary>Moves the status and what hangs on it: the tokens of a key that is suspended, lost or retired are refused
    /// from the same moment; <paramref name="besides"/> are saved with it. Null when done, else why not.</summary>
    public async Task<string?> ChangeStatusAsync(OathDbContext db, KeyRecord record, KeyStatus to, AuditEvent actor, CancellationToken cancel, params AuditEvent[] besides)
    {
        var from = record.Status;
        if (!Next.GetValueOrDefault(from, []).Contains(to))
        {
            return Next.TryGetValue(from, out var allowed)
                ? $"From {RecordViews.Words(from)} a key becomes {string.Join(", ", allowed.Select(RecordViews.Words))}."
                : $"A key that is {RecordViews.Words(from)} changes only by provisioning.";
        }

        record.Status = to;
        record.UpdatedAt = time.GetUtcNow();
        var ids = record.Tokens.ConvertAll(t => t.Id);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        await (to switch
        {
            KeyStatus.Suspended or KeyStatus.Lost => MoveTokensAsync(db, ids, TokenState.Active, TokenState.Suspended, cancel),
            KeyStatus.HandedOut or KeyStatus.ReadyForHandout => MoveTokensAsync(db, ids, TokenState.Suspended, TokenState.Active, cancel),
            KeyStatus.Retired => RetireTokensAsync(db, ids, cancel),
            _ => Task.FromResult(0),
        });
        await audit.SaveAsync(db, cancel, [Entry(actor, record, "record.status", $"{RecordViews.Words(from)} to {RecordViews.Words(to)}"), .. besides]);
        await transaction.CommitAsync(cancel);
        return null;
    }

    public async Task NoteAsync(OathDbContext db, KeyRecord record, string notes, AuditEvent actor, CancellationToken cancel)
    {
        record.Notes = notes;
        record.UpdatedAt = time.GetUtcNow();
        await audit.SaveAsync(db, cancel, Entry(actor, record, "record.note", detail: null));
    }

    /// <summary>Undoes a mistaken assignment before handout: the finished key and its tokens become <paramref name="user"/>'s,
    /// who is made known when new, or nobody's when null. What is on the key stays. Null when done, else why not.</summary>
    public async Task<string?> GiveAsync(OathDbContext db, KeyRecord record, string? user, AuditEvent actor, CancellationToken cancel)
    {
        if (record.Status != KeyStatus.ReadyForHandout)
        {
            return $"Key {record.Cuid} is {RecordViews.Words(record.Status)}; only a key that was not handed out can change hands here.";
        }

        if (await RolloutProfiles.CarriesUserAsync(db, record, cancel))
        {
            return "The credential on this key carries its user's name. Provision it again.";
        }

        var realm = record.Person?.Realm ?? record.Tokens.FirstOrDefault()?.Realm ?? ValidateEndpoint.DefaultRealm;
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var person = user is null ? null : await people.PersonAsync(db, realm, user, cancel);
        if (person is { Active: false })
        {
            return $"{person.Name} left the organisation, so the directory says.";
        }

        var before = record.Person?.Name;
        record.Person = person;
        record.UpdatedAt = time.GetUtcNow();
        foreach (var token in record.Tokens)
        {
            token.Person = person;
        }

        if (person is null)
        {
            record.PersonId = null;
            record.Tokens.ForEach(t => t.PersonId = null);
        }

        await audit.SaveAsync(db, cancel, Entry(actor, record, user is null ? "record.unassign" : "record.assign", $"before: {before ?? "nobody"}"));
        var ids = record.Tokens.ConvertAll(t => t.Id);
        await Holders.AlignAsync(db, db.Tokens.Where(t => ids.Contains(t.Id)), cancel);
        await transaction.CommitAsync(cancel);
        factsChanged.Announce();
        return null;
    }

    private static Task<int> MoveTokensAsync(OathDbContext db, List<long> ids, TokenState from, TokenState to, CancellationToken cancel) =>
        db.Counters.Where(c => ids.Contains(c.TokenId) && c.State == from).ExecuteUpdateAsync(c => c.SetProperty(x => x.State, to), cancel);

    private static Task<int> RetireTokensAsync(OathDbContext db, List<long> ids, CancellationToken cancel) =>
        db.Counters.Where(c => ids.Contains(c.TokenId)).ExecuteUpdateAsync(c => c.SetProperty(x => x.State, TokenState.Disabled), cancel);

    /// <summary>Where a reveal takes two, the reason with the second person's name; otherwise the reason.</summary>
    /// <exception cref="SecondPersonNeededException">Nobody has approved it yet; that it was asked for is saved.</exception>
    private async Task<string> WithSecondPersonAsync(
        OathDbContext db, IDbContextTransaction transaction, KeyRecord record, string what, string reason, AuditEvent actor, CancellationToken cancel)
    {
        if (!second.IsNeeded(record))
        {
            return reason;
        }

        try
        {
            return $"{reason} (approved by {await second.TakeAsync(db, record, what, reason, actor, cancel)})";
        }
        catch (SecondPersonNeededException)
        {
            await transaction.CommitAsync(cancel);
            throw;
        }
    }

    private static AuditEvent Entry(AuditEvent actor, KeyRecord record, string action, string? detail) => actor with
    {
        Action = action,
        Outcome = "done",
        Cuid = record.Cuid,
        UserName = record.Person?.Name,
        Detail = detail,
    };

    private static string Taken(byte[] secret)
    {
        var text = Encoding.ASCII.GetString(secret);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(secret);
        return text;
    }
}
