using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Provisioning;
using OathServer.Storage;

namespace OathServer.Desk;

/// <summary>The life of a batch outside the readers: made, paused, gone on, stopped; a mistaken assignment undone. Each act
/// with its audit entry in one transaction. A refusal is a line for the operator, null means done.</summary>
internal sealed class DeskBatches(RolloutProfiles profiles, BatchDesk desk, AuditTrail audit, FactsChanged factsChanged, TimeProvider time)
{
    public const int UsersMax = 10_000;

    public static IReadOnlyList<string> ReadersOf(string readers) => readers.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Makes a batch and starts it.</summary>
    public async Task<(DeskBatch? Batch, string? Refusal)> CreateAsync(OathDbContext db, BatchRequest request, AuditEvent actor, CancellationToken cancel)
    {
        var profileName = request.Profile ?? RolloutProfile.DefaultName;
        if (await profiles.CurrentAsync(db, profileName, cancel) is not { } profile)
        {
            return (null, $"There is no profile {profileName}.");
        }

        if (profile.Decisions.Oath is not null && request.Shipment is null && request.Users.FirstOrDefault(u => u.Serial is null) is { } without)
        {
            return (null, $"{without.User} has no token: name a serial for each user, or a shipment to take tokens from.");
        }

        if (request.Users.CountBy(u => Person.Normalize(u.User)).FirstOrDefault(u => u.Value > 1) is { Key: { } twice })
        {
            return (null, $"{twice} is on the list more than once.");
        }

        var now = time.GetUtcNow();
        var batch = new DeskBatch
        {
            Id = Guid.CreateVersion7(now),
            Name = request.Name,
            ProfileName = profileName,
            Shipment = request.Shipment,
            Realm = request.Realm,
            Readers = string.Join('\n', request.Readers ?? []),
            CreatedBy = actor.Actor,
            CreatedAt = now,
        };
        foreach (var (index, user) in request.Users.Index())
        {
            batch.Lines.Add(new DeskBatchLine { Ordinal = index + 1, UserName = user.User, Serial = user.Serial });
        }

        db.DeskBatches.Add(batch);
        await audit.SaveAsync(db, cancel, actor with { Action = "batch.start", Outcome = "done", Detail = $"{batch.Name}, {batch.Lines.Count} users, profile {profileName}" });
        return (batch, null);
    }

    /// <summary>Pauses, goes on or stops. What is being written to a key is finished all the same.</summary>
    public async Task<string?> MoveAsync(OathDbContext db, DeskBatch batch, DeskBatchState to, AuditEvent actor, CancellationToken cancel)
    {
        if (batch.State == DeskBatchState.Stopped || (batch.State == DeskBatchState.Finished && to != DeskBatchState.Running))
        {
            return $"The batch is {batch.State.ToString().ToLowerInvariant()}.";
        }

        batch.State = to;
        batch.EndedAt = to == DeskBatchState.Stopped ? time.GetUtcNow() : null;
        await audit.SaveAsync(db, cancel, actor with { Action = $"batch.{to.ToString().ToLowerInvariant()}", Outcome = "done", Detail = batch.Name });
        desk.LookAgain(batch.Id);
        return null;
    }

    /// <summary>Takes a finished key from its user before handout, and lets the user wait for another at the end of the
    /// list. The batch pauses: the key still lies in a reader.</summary>
    public async Task<string?> UnassignAsync(OathDbContext db, DeskBatch batch, int ordinal, AuditEvent actor, CancellationToken cancel)
    {
        var (line, record, refusal) = await FindAsync(db, batch, ordinal, cancel);
        if (refusal is not null)
        {
            return refusal;
        }

        Give(record!, null, time.GetUtcNow());
        line!.State = DeskLineState.Unassigned;
        batch.Lines.Add(new DeskBatchLine { Ordinal = batch.Lines.Max(l => l.Ordinal) + 1, UserName = line.UserName, Serial = null });
        if (batch.State != DeskBatchState.Stopped)
        {
            batch.State = DeskBatchState.Paused;
            batch.EndedAt = null;
            batch.Notice = $"Key {record!.Cuid} was taken from {line.UserName}, who waits again at the end of the list. Take the key out, then go on.";
        }

        await HandOverAsync(db, [record!], cancel, actor with
        {
            Action = "batch.unassign",
            Outcome = "done",
            Cuid = record!.Cuid,
            UserName = line.UserName,
            Detail = batch.Name,
        });
        return null;
    }

    /// <summary>Two finished keys change hands, before either is handed out.</summary>
    public async Task<string?> SwapAsync(OathDbContext db, DeskBatch batch, int one, int other, AuditEvent actor, CancellationToken cancel)
    {
        if (one == other)
        {
            return "Name two lines.";
        }

        var (first, firstRecord, refusal) = await FindAsync(db, batch, one, cancel);
        var (second, secondRecord, secondRefusal) = await FindAsync(db, batch, other, cancel);
        if ((refusal ?? secondRefusal) is { } fault)
        {
            return fault;
        }

        if (await RolloutProfiles.CarriesUserAsync(db, firstRecord!, cancel) || await RolloutProfiles.CarriesUserAsync(db, secondRecord!, cancel))
        {
            return "The credentials on these keys carry their users' names. Unassign both and provision them again.";
        }

        var (firstPerson, secondPerson) = (firstRecord!.Person, secondRecord!.Person);
        Give(firstRecord!, secondPerson, time.GetUtcNow());
        Give(secondRecord!, firstPerson, time.GetUtcNow());
        (first!.UserName, second!.UserName) = (second.UserName, first.UserName);
        await HandOverAsync(db, [firstRecord, secondRecord], cancel,
            actor with { Action = "batch.swap", Outcome = "done", Cuid = firstRecord.Cuid, UserName = first.UserName, Detail = batch.Name },
            actor with { Action = "batch.swap", Outcome = "done", Cuid = secondRecord.Cuid, UserName = second.UserName, Detail = batch.Name });
        return null;
    }

    /// <summary>Saves who holds the keys now: with the entries, and with whether that somebody is still here.</summary>
    private async Task HandOverAsync(OathDbContext db, KeyRecord[] records, CancellationToken cancel, params AuditEvent[] entries)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        await audit.SaveAsync(db, cancel, entries);
        long[] tokens = [.. records.SelectMany(r => r.Tokens).Select(t => t.Id)];
        await Holders.AlignAsync(db, db.Tokens.Where(t => tokens.Contains(t.Id)), cancel);
        await transaction.CommitAsync(cancel);
        factsChanged.Announce();
    }

    private static async Task<(DeskBatchLine? Line, KeyRecord? Record, string? Refusal)> FindAsync(
        OathDbContext db, DeskBatch batch, int ordinal, CancellationToken cancel)
    {
        if (batch.Lines.FirstOrDefault(l => l.Ordinal == ordinal) is not { } line)
        {
            return (null, null, $"There is no line {ordinal}.");
        }

        if (line.State != DeskLineState.Done)
        {
            return (line, null, $"Line {ordinal} ({line.UserName}) has no finished key.");
        }

        var record = await db.Records.Include(r => r.Person).Include(r => r.Tokens).SingleAsync(r => r.Cuid == line.Cuid, cancel);
        return record.Status == KeyStatus.ReadyForHandout
            ? (line, record, null)
            : (line, record, $"Key {record.Cuid} is {record.Status.ToString().ToLowerInvariant()}; only a key that was not handed out can change hands here.");
    }

    private static void Give(KeyRecord record, Person? person, DateTimeOffset now)
    {
        record.UpdatedAt = now;
        record.Person = person;
        record.PersonId = person?.Id;
        foreach (var token in record.Tokens)
        {
            token.Person = person;
            token.PersonId = person?.Id;
        }
    }
}
