using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Interop;

/// <summary>
/// The state between "your code is far ahead, type the next one" and the next one: the token and the first code,
/// encrypted into the transaction id itself. Nothing is kept, so any node can take the second step; a replayed id is
/// harmless, as a resynchronisation only moves forward.
/// </summary>
internal sealed class ResyncChallenge(ServerSecrets secrets, IServiceScopeFactory scopes, TimeProvider time)
{
    private const string Purpose = "resync-challenge";
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(2);

    private byte[]? key;

    public async Task<string> IssueAsync(string serial, string firstCode, CancellationToken cancel)
    {
        var plain = Encoding.UTF8.GetBytes($"{(time.GetUtcNow() + Life).ToUnixTimeSeconds()}\n{firstCode}\n{serial}");
        var sealedId = new byte[NonceSize + plain.Length + TagSize];
        RandomNumberGenerator.Fill(sealedId.AsSpan(0, NonceSize));
        using var cipher = new AesGcm(await KeyAsync(cancel), TagSize);
        cipher.Encrypt(sealedId.AsSpan(0, NonceSize), plain, sealedId.AsSpan(NonceSize, plain.Length), sealedId.AsSpan(NonceSize + plain.Length));
        return Base64Url.EncodeToString(sealedId);
    }

    /// <summary>The token and its first code; null when the id is not ours or too old.</summary>
    public async Task<(string Serial, string FirstCode)?> OpenAsync(string transaction, CancellationToken cancel)
    {
        if (transaction.Length > 512 || !Base64Url.IsValid(transaction))
        {
            return null;
        }

        var sealedId = Base64Url.DecodeFromChars(transaction);
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

        var parts = Encoding.UTF8.GetString(plain).Split('\n', 3);
        return long.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture) < time.GetUtcNow().ToUnixTimeSeconds()
            ? null
            : (parts[2], parts[1]);
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
}
