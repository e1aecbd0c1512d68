using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Oath;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>
/// Finds the credentials behind a serial or a user, with secrets opened once into midstates. It holds immutable facts
/// only, and never remembers that something was not there. Bounded: when the young half is full it becomes the old
/// half, and what was not asked for since is dropped.
/// </summary>
/// <remarks>What is found by serial number can only become stale by a reseed, which the generation in the counter row
/// tells. Whose a token is can change: an announced assignment drops what was found by user.</remarks>
internal sealed class CredentialCache
{
    private readonly TokenReader tokens;
    private readonly Sealer sealer;
    private readonly Halves bySerial = new();
    private readonly Halves byUser = new();

    public CredentialCache(TokenReader tokens, Sealer sealer, FactsChanged changed)
    {
        this.tokens = tokens;
        this.sealer = sealer;
        changed.Listen(byUser.Clear);
    }

    /// <summary>The credential of a serial number: none or one. <paramref name="fresh"/> asks the database.</summary>
    public ValueTask<CredentialFacts[]> BySerialAsync(string serial, CancellationToken cancel, bool fresh = false)
    {
        if (!fresh && bySerial.Find(serial) is { } facts)
        {
            return ValueTask.FromResult(facts);
        }

        var epoch = bySerial.Epoch;
        return KeepAsync(tokens.BySerialAsync(serial, cancel), bySerial, serial, epoch);
    }

    /// <summary>What is remembered of a serial number; nothing when it was not asked for lately, or is not there.</summary>
    public CredentialFacts[] RememberedBySerial(string serial) => bySerial.Find(serial) ?? [];

    /// <summary>The same of a user of a realm.</summary>
    public CredentialFacts[] RememberedByUser(string realm, string user) => byUser.Find(Key(realm, Person.Normalize(user))) ?? [];

    /// <summary>The credentials of a user of a realm, oldest first. <paramref name="fresh"/> asks the database.</summary>
    public ValueTask<CredentialFacts[]> ByUserAsync(string realm, string user, CancellationToken cancel, bool fresh = false)
    {
        var name = Person.Normalize(user);
        var key = Key(realm, name);
        if (!fresh && byUser.Find(key) is { } facts)
        {
            return ValueTask.FromResult(facts);
        }

        var epoch = byUser.Epoch;
        return KeepAsync(tokens.ByUserAsync(realm, name, cancel), byUser, key, epoch);
    }

    private static string Key(string realm, string name) => realm + "\n" + name;

    private async ValueTask<CredentialFacts[]> KeepAsync(Task<List<SealedToken>> reading, Halves halves, string key, int epoch)
    {
        var found = await reading;
        if (found.Count == 0)
        {
            return [];
        }

        var facts = new CredentialFacts[found.Count];
        for (var i = 0; i < facts.Length; i++)
        {
            facts[i] = Open(found[i]);
        }

        halves.Keep(key, facts, epoch);
        return facts;
    }

    private CredentialFacts Open(in SealedToken token)
    {
        var secret = sealer.Open(token.SealedSecret, SealedPlace.TokenSecret(token.Serial, token.Generation));
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
                Generation = token.Generation,
                PersonId = token.PersonId,
                Key = OathKey.Create(token.Algorithm, secret),
            };
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>The two halves under one kind of key.</summary>
    private sealed class Halves
    {
        /// <summary>Credentials in each half.</summary>
        private const int HalfMax = 1 << 20;

        /// <summary>Credentials of one user that are remembered; more are read each time.</summary>
        private const int SetMax = 64;

        private readonly Lock turn = new();
        private FactsTable young = new();
        private FactsTable old = new();

        /// <summary>Rises with each clearing, so that what was read before it is not kept after it.</summary>
        public int Epoch { get; private set; }

        public CredentialFacts[]? Find(string key)
        {
            var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(key.Length));
            try
            {
                ReadOnlySpan<byte> name = bytes.AsSpan(0, Encoding.UTF8.GetBytes(key, bytes));
                if (young.Find(name, key) is { } facts)
                {
                    return facts;
                }

                var epoch = Epoch;
                if (old.Find(name, key) is { } aged)
                {
                    Keep(key, aged, epoch);
                    return aged;
                }

                return null;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(bytes);
            }
        }

        public void Keep(string key, CredentialFacts[] facts, int epoch)
        {
            if (facts.Length > SetMax)
            {
                return;
            }

            lock (turn)
            {
                if (epoch != Epoch)
                {
                    return;
                }

                if (young.Count >= HalfMax)
                {
                    old = young;
                    young = new();
                }

                young.Keep(Encoding.UTF8.GetBytes(key), facts);
            }
        }

        public void Clear()
        {
            lock (turn)
            {
                Epoch++;
                young = new();
                old = new();
            }
        }
    }
}
