using System.Security.Cryptography;

namespace OathServer.Import;

/// <summary>A seed file on its way in: read once, forward, never put on disk; its head can be looked at first, its
/// digest is known at the end, and it is no longer than it may be.</summary>
internal sealed class SeedStream(Stream source, long lengthMax, CancellationToken cancel) : Stream
{
    /// <summary>What recognising a file may look at.</summary>
    private const int HeadMax = 16 * 1024;

    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[] head = [];
    private int headRead;

    /// <summary>Octets read so far.</summary>
    public long Count { get; private set; }

    /// <summary>The beginning of the file, before anything is read from it.</summary>
    public ReadOnlySpan<byte> Head()
    {
        if (head.Length == 0)
        {
            var buffer = new byte[HeadMax];
            var count = source.ReadAtLeast(buffer, HeadMax, throwOnEndOfStream: false);
            head = buffer[..count];
            CryptographicOperations.ZeroMemory(buffer);
        }

        return head;
    }

    /// <summary>Reads what is left and returns the digest of the whole, upper-case hex.</summary>
    public string Finish()
    {
        Span<byte> rest = stackalloc byte[4096];
        while (Read(rest) > 0)
        {
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    public override int Read(Span<byte> buffer)
    {
        cancel.ThrowIfCancellationRequested();
        int count;
        if (headRead < head.Length)
        {
            count = Math.Min(buffer.Length, head.Length - headRead);
            head.AsSpan(headRead, count).CopyTo(buffer);
            headRead += count;
        }
        else
        {
            count = source.Read(buffer);
        }

        hash.AppendData(buffer[..count]);
        Count += count;
        return Count <= lengthMax
            ? count
            : throw new ImportRefusedException(Fault.TooLarge, $"The file is larger than the {lengthMax >> 20} MiB an import takes. Split it.");
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    protected override void Dispose(bool disposing)
    {
        CryptographicOperations.ZeroMemory(head);
        hash.Dispose();
        base.Dispose(disposing);
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => Count; set => throw new NotSupportedException(); }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
