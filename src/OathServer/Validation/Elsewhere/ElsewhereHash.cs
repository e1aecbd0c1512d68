using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using OathServer.Storage;

namespace OathServer.Validation.Elsewhere;

/// <summary>Whose code it was and which, hashed under the server's key: enough to know both again, and nothing to read.</summary>
internal sealed class ElsewhereHash(StorageStart storage)
{
    /// <summary>Digits that tell a code: the last six are the six-digit code of the same counter (RFC 4226 §5.3), so a PIN
    /// before it or a longer code changes nothing.</summary>
    public const int Digits = 6;

    public long OfUser(string realm, string name) => Of($"elsewhere\0u{realm.Length}\0{realm}\0{Person.Normalize(name)}");

    public long OfSerial(string serial) => Of($"elsewhere\0s{serial}");

    /// <summary>A code of a subject: by its last six digits, or the whole text where it does not end in six.</summary>
    public long OfCode(long subject, string typed)
    {
        var tells = typed.Length >= Digits && typed.AsSpan(typed.Length - Digits).IndexOfAnyExceptInRange('0', '9') < 0 ? typed[^Digits..] : typed;
        return Of($"elsewhere\0c{subject}\0{tells}");
    }

    private long Of(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(storage.ChainKey, bytes, hash);
        CryptographicOperations.ZeroMemory(bytes);
        return BinaryPrimitives.ReadInt64BigEndian(hash);
    }
}
