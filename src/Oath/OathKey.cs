using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Oath.Lanes;

namespace Oath;

/// <summary>
/// A shared secret K (RFC 4226 section 5.1) as the two HMAC midstates (RFC 2104 section 4) every code starts from.
/// Whoever has them can compute every code: handle as the secret itself. Immutable until cleared, safe for threads.
/// </summary>
/// <remarks>
/// A SHA-1 key takes 64 managed bytes in all, a SHA-256 key 88, a SHA-512 key 152: the states lie in the object
/// itself, so a million keys are a million objects and not two.
/// </remarks>
public abstract class OathKey : IDisposable
{
    private volatile bool cleared;

    private OathKey(OathAlgorithm algorithm) => Algorithm = algorithm;

    /// <summary>The hash this key was made for.</summary>
    public OathAlgorithm Algorithm { get; }

    /// <summary>Inner midstate then outer midstate, as words of the hash in host order.</summary>
    internal abstract Span<byte> Midstates { get; }

    /// <summary>Derives the midstates; the caller keeps the secret and should zero it.</summary>
    /// <exception cref="ArgumentException">The secret is empty.</exception>
    public static OathKey Create(OathAlgorithm algorithm, ReadOnlySpan<byte> secret)
    {
        if (secret.IsEmpty)
            throw new ArgumentException("The secret is empty.", nameof(secret));

        OathKey key = algorithm switch
        {
            OathAlgorithm.Sha1 => new Sha1Key(),
            OathAlgorithm.Sha256 => new Sha256Key(),
            OathAlgorithm.Sha512 => new Sha512Key(),
            _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
        };
        HmacMidstates.Derive(algorithm, secret, key.Midstates);
        return key;
    }

    /// <summary>Zeroes the midstates. Every later use throws; none computes codes from zeroes.</summary>
    public void Clear()
    {
        // First the flag, then the bytes: a scan that overlaps reads the flag last and gives up (ThrowIfCleared).
        cleared = true;
        Thread.MemoryBarrier();
        CryptographicOperations.ZeroMemory(Midstates);
    }

    /// <inheritdoc cref="Clear"/>
    public void Dispose()
    {
        Clear();
        GC.SuppressFinalize(this);
    }

    /// <summary>Called after the midstates were read, so that zeroed midstates never decide anything.</summary>
    internal void ThrowIfCleared() => ObjectDisposedException.ThrowIf(cleared, this);

    [InlineArray(40)]
    private struct Sha1States
    {
        private byte first;
    }

    [InlineArray(64)]
    private struct Sha256States
    {
        private byte first;
    }

    [InlineArray(128)]
    private struct Sha512States
    {
        private byte first;
    }

    private sealed class Sha1Key() : OathKey(OathAlgorithm.Sha1)
    {
        private Sha1States states;

        internal override Span<byte> Midstates => states;
    }

    private sealed class Sha256Key() : OathKey(OathAlgorithm.Sha256)
    {
        private Sha256States states;

        internal override Span<byte> Midstates => states;
    }

    private sealed class Sha512Key() : OathKey(OathAlgorithm.Sha512)
    {
        private Sha512States states;

        internal override Span<byte> Midstates => states;
    }
}
