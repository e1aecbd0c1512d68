using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>
/// Tells a request that comes again after a lost reply: the relying party, its request id, whom it was about and the
/// code, hashed under the server's key. Kept with the counter in the transaction that accepted the code, so whoever
/// repeats it within a minute gets the same answer; anybody else sees a code that was used.
/// </summary>
internal sealed class RequestHash(StorageStart storage)
{
    /// <summary>How long an acceptance is repeated.</summary>
    public const long RepeatedForMilliseconds = 60_000;

    private const int Size = 8;

    /// <summary>Never 0, except for a request without an id.</summary>
    public long Of(in Asked asked, in Caller caller)
    {
        if (caller.RequestId is not { Length: > 0 } requestId)
        {
            return 0;
        }

        var scope = asked.BySerial ? "s" : asked.Realm;
        var text = Encoding.UTF8.GetBytes($"request\0{caller.ApiKeyId}\0{requestId.Length}\0{requestId}\0{scope.Length}\0{scope}\0{asked.Name}\0{asked.Code}");
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(storage.ChainKey, text, hash);
        CryptographicOperations.ZeroMemory(text);
        var value = BinaryPrimitives.ReadInt64BigEndian(hash[..Size]);
        return value == 0 ? 1 : value;
    }
}
