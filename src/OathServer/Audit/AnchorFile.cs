using System.Text;

namespace OathServer.Audit;

/// <summary>Anchors, one a line, appended and flushed. Best on another disk than the database, or written through to
/// another machine: setting <c>Audit:AnchorFile</c>.</summary>
internal sealed class AnchorFile(string path)
{
    private const long TailSize = 16 * 1024;

    public string Path => path;

    public bool Exists => File.Exists(path);

    /// <summary>All whole lines; a line that a crash cut short is not one.</summary>
    public IEnumerable<string> Lines()
    {
        if (!File.Exists(path))
        {
            yield break;
        }

        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        while (reader.ReadLine() is { } line)
        {
            if (reader.EndOfStream && !EndsWhole())
            {
                yield break;
            }

            yield return line;
        }
    }

    /// <summary>The last whole line, read from the end: the file grows by a line a minute for years.</summary>
    public string? LastLine()
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        for (var tail = TailSize; ; tail *= 16)
        {
            stream.Seek(-Math.Min(tail, stream.Length), SeekOrigin.End);
            var text = new byte[Math.Min(tail, stream.Length)];
            stream.ReadExactly(text);
            var end = text.AsSpan().LastIndexOf((byte)'\n');
            var start = end <= 0 ? -1 : text.AsSpan(0, end).LastIndexOf((byte)'\n');
            if (start >= 0 || tail >= stream.Length)
            {
                return end < 0 ? null : Encoding.UTF8.GetString(text.AsSpan((start + 1)..end));
            }
        }
    }

    /// <exception cref="IOException">The anchor is not on disk.</exception>
    public void Append(string line)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.Read };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var stream = new FileStream(path, options);
        stream.Seek(0, SeekOrigin.End);
        if (stream.Length > 0)
        {
            stream.Seek(-1, SeekOrigin.End);
            if (stream.ReadByte() != '\n')
            {
                // The crash's half line is ended, so that it spoils no other.
                stream.WriteByte((byte)'\n');
            }
        }

        stream.Write(Encoding.UTF8.GetBytes(line + "\n"));
        stream.Flush(flushToDisk: true);
    }

    /// <summary>Puts the file aside under a name that says until when it held; null when there is none.</summary>
    public string? PutAside(DateTimeOffset until)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        var aside = $"{path}.until-{until:yyyyMMddTHHmmssfff}";
        File.Move(path, aside);
        return aside;
    }

    private bool EndsWhole()
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        if (stream.Length == 0)
        {
            return true;
        }

        stream.Seek(-1, SeekOrigin.End);
        return stream.ReadByte() == '\n';
    }
}
