namespace Pskc.Xml;

/// <summary>
/// Lets an XML reader pull only so many octets for one step, so that no attribute, comment or text, however long the
/// file makes it, is ever whole in memory; and only so many in all. Swallows white space before the first tag, which
/// XML forbids before a declaration and several exporters write.
/// </summary>
internal sealed class GuardedStream(Stream inner, PskcLimits limits) : Stream
{
    // The XML reader reads ahead by its buffer; the budget of a step must leave room for that.
    private const int ReadAhead = 64 * 1024;

    /// <summary>Octets before the first tag: white space, and a byte order mark where white space follows it.</summary>
    public long Skipped { get; private set; }

    private readonly byte[] head = new byte[512];
    private int headStart;
    private int headEnd;
    private long total;
    private long stepStart;

    /// <summary>Line breaks swallowed before the first tag; added to every line number told.</summary>
    public int SkippedLines { get; private set; }

    /// <summary>Whether the end of the stream was seen.</summary>
    public bool AtEnd { get; private set; }

    /// <summary>A new step of the XML reader begins.</summary>
    public void BeginStep() => stepStart = total;

    /// <summary>Looks at the first octets; returns what the file is if it cannot be XML, else null.</summary>
    public string? SkipToMarkup()
    {
        var mark = true;
        while (true)
        {
            headEnd = FillHead();
            if (headEnd == 0)
            {
                return "empty";
            }
            var i = 0;
            if (mark)
            {
                mark = false;
                if (head is [0xFE, 0xFF, ..] or [0xFF, 0xFE, ..] or [0, (byte)'<', ..] or [(byte)'<', 0, ..])
                {
                    return null; // UTF-16: the XML reader knows it by these octets.
                }
                i = head is [0xEF, 0xBB, 0xBF, ..] ? 3 : 0;
            }
            for (; i < headEnd; i++)
            {
                if (head[i] == '\n')
                {
                    SkippedLines++;
                }
                else if (head[i] is not ((byte)' ' or (byte)'\t' or (byte)'\r'))
                {
                    headStart = i;
                    Skipped = total - headEnd + i;
                    return head[i] == '<' ? null : SeedFile.Guess(head.AsSpan(i, headEnd - i));
                }
            }
        }
    }

    private int FillHead()
    {
        var filled = 0;
        while (filled < head.Length)
        {
            var read = ReadInner(head.AsSpan(filled));
            if (read == 0)
            {
                break;
            }
            filled += read;
        }
        total += filled;
        CheckTotal();
        return filled;
    }

    public override int Read(Span<byte> buffer)
    {
        if (headStart < headEnd)
        {
            var copied = Math.Min(buffer.Length, headEnd - headStart);
            head.AsSpan(headStart, copied).CopyTo(buffer);
            headStart += copied;
            return copied;
        }
        if (total - stepStart > limits.MaxTokenBytes + (long)ReadAhead)
        {
            throw new PskcException(PskcFault.LimitExceeded,
                $"One tag, text or comment is longer than {limits.MaxTokenBytes} octets. " +
                "No real key container has that; raise PskcLimits.MaxTokenBytes only if you know the file.");
        }
        var read = ReadInner(buffer[..Math.Min(buffer.Length, ReadAhead)]);
        total += read;
        CheckTotal();
        return read;
    }

    private int ReadInner(Span<byte> buffer)
    {
        int read;
        try
        {
            read = inner.Read(buffer);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new PskcException(PskcFault.Unreadable, $"The file could not be read: {e.Message}", e);
        }
        AtEnd |= read == 0 && buffer.Length > 0;
        return read;
    }

    private void CheckTotal()
    {
        if (total > limits.MaxFileBytes)
        {
            throw new PskcException(PskcFault.LimitExceeded,
                $"The file is longer than {limits.MaxFileBytes} octets (PskcLimits.MaxFileBytes).");
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
