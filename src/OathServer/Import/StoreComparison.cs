using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Import;

/// <summary>What the store already holds of a file: the same key is left alone, a key that differs is refused. An import
/// never moves a counter and never replaces a seed.</summary>
internal sealed class StoreComparison(OathDbContext db, Sealer sealer, string digest)
{
    private const int Chunk = 1000;

    public async Task CompareAsync(ImportPlan plan, Action<int>? progress, CancellationToken cancel)
    {
        if (!await db.Tokens.AnyAsync(cancel))
        {
            return;
        }

        var done = 0;
        foreach (var keys in plan.ToImport.ToList().Chunk(Chunk))
        {
            var found = await HeldAsync([.. keys.SelectMany(k => new[] { k.DeviceSerial, k.TokenSerial }).Distinct(StringComparer.Ordinal)], cancel);
            var byDevice = found.ToLookup(t => t.DeviceSerial ?? t.Serial, StringComparer.Ordinal);
            var bySerial = found.ToDictionary(t => t.Serial, StringComparer.Ordinal);
            foreach (var key in keys)
            {
                var same = byDevice[key.DeviceSerial].FirstOrDefault(t => IsSameKey(t, key));
                if ((same ?? bySerial.GetValueOrDefault(key.TokenSerial)) is { } token)
                {
                    Compare(key, token, same is not null);
                }
            }

            progress?.Invoke(done += keys.Length);
        }
    }

    /// <summary>The tokens that one of the serial numbers names, oldest first. Each question is answered by its own index
    /// from one parameter; asked together, SQLite reads the whole table for every chunk.</summary>
    private async Task<List<Token>> HeldAsync(string[] serials, CancellationToken cancel)
    {
        var bySerial = db.Tokens.Where(t => EF.Parameter(serials).Contains(t.Serial)).Select(t => t.Id);
        var byDevice = db.Tokens.Where(t => EF.Parameter(serials).Contains(t.DeviceSerial)).Select(t => t.Id);
        var ids = await bySerial.Union(byDevice).ToArrayAsync(cancel);
        return ids.Length == 0 ? [] : await db.Tokens.AsNoTracking().Include(t => t.Counter).Include(t => t.Import)
            .Where(t => EF.Parameter(ids).Contains(t.Id)).OrderBy(t => t.Id).ToListAsync(cancel);
    }

    private static bool IsSameKey(Token token, SeedKey key) =>
        token.Manufacturer == key.Manufacturer && token.IssueNumber == key.IssueNumber && token.KeyId == key.KeyId;

    private void Compare(SeedKey key, Token token, bool sameIdentity)
    {
        var counter = token.Counter!.Counter;
        var from = token.Import is { } import ? $"from {import.FileName}" : "made on this server";
        var sameFile = sameIdentity && token.Import?.Digest == digest;
        if (sameFile && token.Counter.Generation > 1)
        {
            Leave(key, token, "already imported from this very file; reseeded since, and left so");
        }
        else if (!HasSameSecret(key, token))
        {
            // The same octets open to another seed under another key, which nobody noticed where MACs were not checked.
            key.Refuse(
                sameIdentity ? Fault.ChangedSeed : Fault.SerialTaken,
                sameFile
                    ? $"token {token.Serial} was imported from this very file with another seed, so one of the two keys given for it was wrong; if that was the earlier one, take import {token.ImportId} back and import the file again"
                    : $"token {token.Serial} is in the store with another seed ({from}); if the key was reseeded, reseed the token too, otherwise ask the sender");
        }
        else if (token.Type != key.Type || token.Algorithm != key.Algorithm || token.Digits != key.Digits || token.TimeStep != key.TimeStep)
        {
            key.Refuse(Fault.ChangedParameters, $"token {token.Serial} is in the store with other parameters ({from})");
        }
        else if (key.Type == TokenType.Totp || key.Counter == token.StartCounter || key.Counter == counter)
        {
            Leave(key, token, sameFile ? "already imported from this very file" : $"already in the store, {from}");
        }
        else if (key.Counter < counter)
        {
            key.Refuse(Fault.LowerCounter, $"its counter {key.Counter} is below the server's, which is {counter}: taking it would let used codes in again");
        }
        else
        {
            key.Refuse(Fault.HigherCounter, $"its counter {key.Counter} is above the server's, which is {counter}: resynchronise the token with codes from the key instead");
        }
    }

    private static void Leave(SeedKey key, Token token, string why)
    {
        key.Outcome = KeyOutcome.Unchanged;
        key.Unchanged = why;
        key.TokenSerial = token.Serial;
    }

    private bool HasSameSecret(SeedKey key, Token token)
    {
        var secret = sealer.Open(token.SealedSecret, SealedPlace.TokenSecret(token.Serial, token.Counter!.Generation));
        try
        {
            return CryptographicOperations.FixedTimeEquals(secret, key.Secret);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }
}
