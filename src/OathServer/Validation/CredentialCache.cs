using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Oath;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>
/// Finds the credentials behind a serial or a user, with secrets opened once into midstates. It holds immutable facts
/// only, and never remembers that something was not there. Bounded: when the young half is full it becomes the old
/// half, and what was not asked for since is dropped.
/// </summary>
internal sealed class CredentialCache
{
    /// <summary>Entries in each half.</summary>
    private const int HalfMax = 1 << 20;

    private readonly Lock turn = new();
    private readonly IServiceScopeFactory scopes;
    private readonly Sealer sealer;
    private ConcurrentDictionary<string, CredentialFacts[]> young = new(StringComparer.Ordinal);
    private ConcurrentDictionary<string, CredentialFacts[]> old = new(StringComparer.Ordinal);

    public CredentialCache(IServiceScopeFactory scopes, Sealer sealer, FactsChanged changed)
    {
        this.scopes = scopes;
        this.sealer = sealer;
        changed.Listen(Clear);
    }

    /// <summary>The credential of a serial number: none or one.</summary>
    public ValueTask<CredentialFacts[]> BySerialAsync(string serial, CancellationToken cancel)
    {
        var key = "s" + serial;
        return TryGet(key, out var facts) ? ValueTask.FromResult(facts) : LoadAsync(key, tokens => tokens.Where(t => t.Serial == serial), cancel);
    }

    /// <summary>The credentials of a user of a realm, oldest first.</summary>
    public ValueTask<CredentialFacts[]> ByUserAsync(string realm, string user, CancellationToken cancel)
    {
        var name = Person.Normalize(user);
        var key = "u" + realm + "\n" + name;
        return TryGet(key, out var facts)
            ? ValueTask.FromResult(facts)
            : LoadAsync(key, tokens => tokens.Where(t => t.Person!.Realm == realm && t.Person.NormalizedName == name), cancel);
    }

    /// <summary>Forgets all facts: after an assignment, a reseed or an import on this node.</summary>
    public void Clear()
    {
        lock (turn)
        {
            young = new(StringComparer.Ordinal);
            old = new(StringComparer.Ordinal);
        }
    }

    private bool TryGet(string key, out CredentialFacts[] facts)
    {
        if (young.TryGetValue(key, out facts!))
        {
            return true;
        }

        if (!old.TryGetValue(key, out facts!))
        {
            return false;
        }

        Keep(key, facts);
        return true;
    }

    private void Keep(string key, CredentialFacts[] facts)
    {
        if (young.Count >= HalfMax)
        {
            lock (turn)
            {
                if (young.Count >= HalfMax)
                {
                    old = young;
                    young = new(StringComparer.Ordinal);
                }
            }
        }

        young[key] = facts;
    }

    private async ValueTask<CredentialFacts[]> LoadAsync(
        string key, Func<IQueryable<Token>, IQueryable<Token>> which, CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        var found = await which(db.Tokens.AsNoTracking()).OrderBy(t => t.Id)
            .Select(t => new { Token = t, t.Counter!.Generation }).ToListAsync(cancel);
        if (found.Count == 0)
        {
            return [];
        }

        var facts = new CredentialFacts[found.Count];
        for (var i = 0; i < facts.Length; i++)
        {
            facts[i] = Open(found[i].Token, found[i].Generation);
        }

        Keep(key, facts);
        return facts;
    }

    private CredentialFacts Open(Token token, int generation)
    {
        var secret = sealer.Open(token.SealedSecret, SealedPlace.TokenSecret(token.Serial, generation));
        try
        {
            return new CredentialFacts
            {
                TokenId = token.Id,
                Serial = token.Serial,
                Realm = token.Realm,
                Type = token.Type,
                Digits = token.Digits,
                TimeStep = token.TimeStep,
                Generation = generation,
                Key = OathKey.Create(token.Algorithm, secret),
            };
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }
}
