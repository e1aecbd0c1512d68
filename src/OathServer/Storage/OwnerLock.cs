namespace OathServer.Storage;

/// <summary>One process owns a data folder. A second one is refused clearly instead of sharing counters.</summary>
internal sealed class OwnerLock : IDisposable
{
    private readonly FileStream held;

    private OwnerLock(FileStream held) => this.held = held;

    /// <exception cref="InvalidOperationException">Another process owns the folder.</exception>
    public static OwnerLock Take(string folder)
    {
        var path = Path.Combine(folder, "owner.lock");
        try
        {
            // FileShare.None is an exclusive advisory lock (flock) on Unix; the system drops it when the process dies.
            return new OwnerLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException)
        {
            throw new InvalidOperationException(
                $"Another OathServer process is using {folder}. Stop it first, or give this one its own folder (Data__Folder). Several nodes need PostgreSQL (Storage__Provider=PostgreSql).");
        }
    }

    public void Dispose() => held.Dispose();
}
