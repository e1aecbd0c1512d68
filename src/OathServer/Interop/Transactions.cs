using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Interop;

/// <summary>What waits for a second step of a login.</summary>
internal abstract record Transaction
{
    private Transaction()
    {
    }

    /// <summary>A first code that lies far ahead: the one directly after it resynchronises the token.</summary>
    public sealed record Resync(string Serial, string FirstCode) : Transaction;

    /// <summary>A challenge that was triggered for somebody: any code of theirs answers it.</summary>
    public sealed record Login(string Realm, string? User, string? Serial) : Transaction;
}

/// <summary>
/// The state between two steps of a login, encrypted into the transaction id itself. Nothing is kept, so any node can take
/// the second step; a replayed id is harmless, as a code is accepted once and a resynchronisation only moves forward.
/// </summary>
internal sealed class Transactions(ServerSecrets secrets, IServiceScopeFactory scopes, TimeProvider time)
{
    private const string Purpose = "resync-challenge";
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int LengthMax = 1024;
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(2);

    private byte[]? key;

    public async Task<string> IssueAsync(Transaction transaction, CancellationToken cancel)
    {
        var until = (time.GetUtcNow() + Life).ToUnixTimeSeconds();
        string?[] parts = transaction switch
        {
            Transaction.Resync resync => ["resync", resync.Serial, resync.FirstCode],
            Transaction.Login login => ["login", login.Realm, login.User, login.Serial],
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        var plain = JsonSerializer.SerializeToUtf8Bytes(new Sealed(until, parts));
        var sealedId = new byte[NonceSize + plain.Length + TagSize];
        RandomNumberGenerator.Fill(sealedId.AsSpan(0, NonceSize));
        using var cipher = new AesGcm(await KeyAsync(cancel), TagSize);
        cipher.Encrypt(sealedId.AsSpan(0, NonceSize), plain, sealedId.AsSpan(NonceSize, plain.Length), sealedId.AsSpan(NonceSize + plain.Length));
        return Base64Url.EncodeToString(sealedId);
    }

    /// <summary>What it stands for; null when the id is not ours or too old.</summary>
    public async Task<Transaction?> OpenAsync(string id, CancellationToken cancel)
    {
        if (id.Length > LengthMax || !Base64Url.IsValid(id))
        {
            return null;
        }

        var sealedId = Base64Url.DecodeFromChars(id);
        if (sealedId.Length <= NonceSize + TagSize)
        {
            return null;
        }

        var plain = new byte[sealedId.Length - NonceSize - TagSize];
        using var cipher = new AesGcm(await KeyAsync(cancel), TagSize);
        try
        {
            cipher.Decrypt(sealedId.AsSpan(0, NonceSize), sealedId.AsSpan(NonceSize, plain.Length), sealedId.AsSpan(NonceSize + plain.Length), plain);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }

        return JsonSerializer.Deserialize<Sealed>(plain) is { } held && held.Until >= time.GetUtcNow().ToUnixTimeSeconds()
            ? held.Parts switch
            {
                ["resync", { } serial, { } code] => new Transaction.Resync(serial, code),
                ["login", { } realm, var user, var serial] => new Transaction.Login(realm, user, serial),
                _ => null,
            }
            : null;
    }

    private async Task<byte[]> KeyAsync(CancellationToken cancel)
    {
        if (key is null)
        {
            await using var scope = scopes.CreateAsyncScope();
            key = (await secrets.CurrentAsync(scope.ServiceProvider.GetRequiredService<OathDbContext>(), Purpose, cancel)).Value;
        }

        return key;
    }

    private sealed record Sealed(long Until, string?[] Parts);
}
