using System.Security.Cryptography;

namespace OathServer.Secrets;

/// <summary>The key-encryption key in a file of its own: made at first run with mode 0600, refused when others can read it.</summary>
internal static class KeyFile
{
    /// <summary>Reads the key, or makes it when the file is not there and <paramref name="mayCreate"/> says that this
    /// database is new.</summary>
    /// <exception cref="InvalidOperationException">The file is a link, readable by others, damaged, or missing.</exception>
    public static KeyInMemory Open(string path, bool mayCreate)
    {
        if (!File.Exists(path))
        {
            if (!mayCreate)
            {
                throw new InvalidOperationException(
                    $"The sealing key {path} is missing, and the database holds values sealed with it. Put the file back from its backup; without it the sealed values cannot be opened.");
            }

            Create(path);
        }

        RefuseOpenToOthers(path, "sealing key");
        var text = File.ReadAllText(path).Trim();
        try
        {
            var value = Convert.FromHexString(text);
            var key = new KeyInMemory(value);
            CryptographicOperations.ZeroMemory(value);
            return key;
        }
        catch (FormatException)
        {
            throw new InvalidOperationException($"The sealing key {path} is damaged: 64 hexadecimal digits were expected.");
        }
    }

    /// <exception cref="InvalidOperationException">The file is missing, a link, or others can read it.</exception>
    public static void RefuseOpenToOthers(string path, string what)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new InvalidOperationException($"The {what} {path} is missing.");
        }

        if (file.LinkTarget is not null)
        {
            throw new InvalidOperationException($"The {what} {path} is a symbolic link. Put the file itself there.");
        }

        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        if (!OperatingSystem.IsWindows() && (file.UnixFileMode & others) != 0)
        {
            throw new InvalidOperationException($"The {what} {path} can be read by others. Run: chmod 600 {path}");
        }
    }

    private static void Create(string path)
    {
        var value = RandomNumberGenerator.GetBytes(KeyEncryptionKey.Size);
        Write(path, value);
        CryptographicOperations.ZeroMemory(value);
    }

    /// <summary>Writes a key to a new file that only its owner reads, flushed.</summary>
    public static void Write(string path, ReadOnlySpan<byte> value)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var stream = new FileStream(path, options);
        try
        {
            stream.Write(System.Text.Encoding.ASCII.GetBytes(Convert.ToHexString(value) + "\n"));
            stream.Flush(flushToDisk: true);
        }
        catch (IOException)
        {
            // Half a key would keep the next try from writing a whole one.
            File.Delete(path);
            throw;
        }
    }
}
