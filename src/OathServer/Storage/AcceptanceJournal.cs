using System.Text;
using System.Text.Json;

namespace OathServer.Storage;

/// <summary>A batch of validations as the journal keeps it: the very link of the chain.</summary>
internal sealed record JournaledBatch(int Node, long Sequence, long At, byte[] Entries, byte[] Mac);

/// <summary>
/// The log of validations once more, on another disk (setting <c>Journal:File</c>): each batch is flushed there after
/// its commit and before anybody is answered, so that a restored backup can be brought to the last code accepted.
/// </summary>
/// <remarks>When the file takes nothing, the batch is refused, and so is every next one before it is decided, until the
/// file has what it missed. The codes of that one batch are used up without having let anybody in: the next code does.
/// Written before the commit instead, a crash between the two would leave a journal ahead of its database, which nobody
/// could tell from a database that was put back, and the server would not start.</remarks>
internal sealed class AcceptanceJournal : IDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { RespectRequiredConstructorParameters = true };

    private readonly FileStream file;
    private readonly Queue<JournaledBatch> owed = [];
    private long good;

    /// <exception cref="IOException">The file cannot be opened, or another process writes it.</exception>
    public AcceptanceJournal(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.Read };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        file = new FileStream(path, options);
        good = WholeLength(file);
    }

    /// <summary>Throws while the file owes a batch that it still does not take: nothing more is decided until then.</summary>
    /// <exception cref="IOException">The journal is not complete.</exception>
    public void Settle()
    {
        while (owed.TryPeek(out var batch))
        {
            Write(batch);
            owed.Dequeue();
        }
    }

    /// <summary>Appends a committed batch and flushes it.</summary>
    /// <exception cref="IOException">It is not on disk; <see cref="Settle"/> writes it later.</exception>
    public void Append(JournaledBatch batch)
    {
        owed.Enqueue(batch);
        Settle();
    }

    /// <summary>The last batch of each node that is in the file.</summary>
    public static Dictionary<int, JournaledBatch> Heads(string path)
    {
        var heads = new Dictionary<int, JournaledBatch>();
        foreach (var batch in Read(path))
        {
            heads[batch.Node] = batch;
        }

        return heads;
    }

    /// <summary>All whole batches in the order they were written; a line that a crash cut short is left out.</summary>
    /// <exception cref="InvalidOperationException">A line in the middle is no batch.</exception>
    public static IEnumerable<JournaledBatch> Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var left = WholeLength(stream);
        stream.Position = 0;
        using var reader = new StreamReader(stream);
        for (long line = 1; left > 0 && reader.ReadLine() is { } text; line++)
        {
            left -= Encoding.UTF8.GetByteCount(text) + 1;
            yield return Parse(text) ?? throw new InvalidOperationException($"Line {line} of {path} is no batch of acceptances.");
        }
    }

    public void Dispose() => file.Dispose();

    private static JournaledBatch? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<JournaledBatch>(line, Json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void Write(JournaledBatch batch)
    {
        // What a failed write left behind is cut off first.
        file.SetLength(good);
        file.Position = good;
        file.Write(JsonSerializer.SerializeToUtf8Bytes(batch, Json));
        file.WriteByte((byte)'\n');
        file.Flush(flushToDisk: true);
        good = file.Position;
    }

    /// <summary>Up to and with the last line's end.</summary>
    private static long WholeLength(FileStream stream)
    {
        for (var end = stream.Length; end > 0; end--)
        {
            stream.Position = end - 1;
            if (stream.ReadByte() == '\n')
            {
                return end;
            }
        }

        return 0;
    }
}
