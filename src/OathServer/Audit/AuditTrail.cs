using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Audit;

/// <summary>Something somebody did, for the trail. Never holds a secret.</summary>
internal sealed record AuditEvent(string Actor, string Action, string Outcome)
{
    /// <summary>An act of whoever runs a command on the server's own machine.</summary>
    public static AuditEvent OnThisMachine() => new("command line", "", "") { Origin = Environment.UserName };

    public string? Cuid { get; init; }

    public string? Serial { get; init; }

    public string? UserName { get; init; }

    public string? Origin { get; init; }

    public string? Detail { get; init; }
}

/// <summary>
/// The append-only trail. Entries are written in the transaction of the act they tell of and chained by HMAC-SHA-256:
/// an edit, a deletion, a reorder breaks the chain at a place that <see cref="VerifyAsync"/> names.
/// </summary>
internal sealed class AuditTrail(ServerSecrets secrets, IServiceScopeFactory scopes, TimeProvider time, WriteTurn? turn = null)
{
    private const int MacSize = 32;

    private byte[]? chainKey;

    /// <summary>Saves the pending changes of <paramref name="db"/> and the entries in one transaction: neither is there
    /// without the other. When the caller has a transaction open, the entries join it.</summary>
    public async Task SaveAsync(OathDbContext db, CancellationToken cancel, params AuditEvent[] events)
    {
        chainKey ??= await ReadKeyAsync(cancel);
        if (db.Database.CurrentTransaction is not null)
        {
            await AppendAsync(db, events, cancel);
            return;
        }

        using var held = await WriteTurn.TakeAsync(turn, cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        await AppendAsync(db, events, cancel);
        await transaction.CommitAsync(cancel);
    }

    /// <summary>The key that chains acts, validations and anchors.</summary>
    public async Task<byte[]> KeyAsync(CancellationToken cancel) => chainKey ??= await ReadKeyAsync(cancel);

    /// <summary>Walks the chain of acts. Null when it holds, else what is wrong and where.</summary>
    public async Task<string?> VerifyAsync(OathDbContext db, CancellationToken cancel, Action<AuditEntry>? seen = null)
    {
        chainKey ??= await ReadKeyAsync(cancel);
        long expected = 1;
        var previous = new byte[MacSize];
        var erased = new SortedSet<long>();
        await foreach (var entry in db.Audit.AsNoTracking().OrderBy(e => e.Sequence).AsAsyncEnumerable().WithCancellation(cancel))
        {
            if (entry.Sequence != expected)
            {
                return $"entry {expected} is missing (entry {entry.Sequence} follows entry {expected - 1})";
            }

            if (!CryptographicOperations.FixedTimeEquals(Link(entry, previous), entry.Mac)
                || !Commitment.Holds(entry.UserName, entry.UserSalt, entry.UserHash) || !Commitment.Holds(entry.Detail, entry.DetailSalt, entry.DetailHash))
            {
                return $"entry {entry.Sequence} was changed, or an entry before it was replaced";
            }

            if (Commitment.IsErased(entry.UserName, entry.UserHash) || Commitment.IsErased(entry.Detail, entry.DetailHash))
            {
                erased.Add(entry.Sequence);
            }

            Erasure.Account(entry, erased);
            previous = entry.Mac;
            expected++;
            seen?.Invoke(entry);
        }

        return erased.Count == 0 ? null : $"entry {erased.Min} was erased in part, and no later purge tells of it";
    }

    /// <summary>Keeps others from appending until the open transaction ends.</summary>
    public static async Task LockAsync(OathDbContext db, CancellationToken cancel)
    {
        // On SQLite a transaction already does.
        if (db.Database.IsNpgsql())
        {
            await db.Database.ExecuteSqlRawAsync("LOCK TABLE audit IN EXCLUSIVE MODE", cancel);
        }
    }

    private async Task AppendAsync(OathDbContext db, AuditEvent[] events, CancellationToken cancel)
    {
        await LockAsync(db, cancel);
        var head = await db.Audit.AsNoTracking().OrderByDescending(e => e.Sequence)
            .Select(e => new { e.Sequence, e.Mac }).FirstOrDefaultAsync(cancel);
        var sequence = head?.Sequence ?? 0;
        var previous = head?.Mac ?? new byte[MacSize];
        // Milliseconds are what is stored, so they are what is chained.
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        foreach (var what in events)
        {
            var entry = new AuditEntry
            {
                Sequence = ++sequence,
                At = now,
                Actor = what.Actor,
                Action = what.Action,
                Outcome = what.Outcome,
                Cuid = what.Cuid,
                Serial = what.Serial,
                UserName = what.UserName,
                Origin = what.Origin,
                Detail = what.Detail,
                Mac = [],
            };
            (entry.UserSalt, entry.UserHash) = Commitment.Of(entry.UserName);
            (entry.DetailSalt, entry.DetailHash) = Commitment.Of(entry.Detail);
            entry.Mac = previous = Link(entry, previous);
            db.Audit.Add(entry);
        }

        await db.SaveChangesAsync(cancel);
    }

    private byte[] Link(AuditEntry entry, byte[] previous)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, chainKey!);
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(number, entry.Sequence);
        mac.AppendData(number);
        mac.AppendData(previous);
        BinaryPrimitives.WriteInt64BigEndian(number, entry.At.ToUnixTimeMilliseconds());
        mac.AppendData(number);
        // Names and details stand in the chain by their commitments, so that they can be erased.
        foreach (var field in (ReadOnlySpan<byte[]?>)
            [Bytes(entry.Actor), Bytes(entry.Action), Bytes(entry.Outcome), Bytes(entry.Cuid), Bytes(entry.Serial), Bytes(entry.Origin), entry.UserHash, entry.DetailHash])
        {
            // Length-prefixed, absent apart from empty: no two entries chain the same bytes.
            BinaryPrimitives.WriteInt64BigEndian(number, field?.Length ?? -1);
            mac.AppendData(number);
            mac.AppendData(field ?? []);
        }

        return mac.GetHashAndReset();
    }

    private static byte[]? Bytes(string? text) => text is null ? null : Encoding.UTF8.GetBytes(text);

    private async Task<byte[]> ReadKeyAsync(CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        return (await secrets.CurrentAsync(scope.ServiceProvider.GetRequiredService<OathDbContext>(), ServerSecrets.AuditChain, cancel)).Value;
    }
}
