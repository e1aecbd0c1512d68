using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Backup;

/// <summary>What is asked before anything is served: is this database the newest there is? Anchors and the journal of
/// acceptances know.</summary>
internal sealed class RollbackCheck(BackupSettings settings, Anchors anchors)
{
    /// <exception cref="InvalidOperationException">The database was rolled back, or a restore did not finish.</exception>
    public async Task RunAsync(OathDbContext db, CancellationToken cancel)
    {
        if (File.Exists(settings.Marker))
        {
            throw new InvalidOperationException(
                $"A restore into {settings.Folder} did not finish. Run it again, with --replace, until it says that it is done.");
        }

        await anchors.CheckAsync(db, cancel);
        if (settings.Journal is not { } journal || !File.Exists(journal))
        {
            return;
        }

        foreach (var last in AcceptanceJournal.Heads(journal).Values)
        {
            var found = await db.ValidationBatches.FindAsync([last.Node, last.Sequence], cancel);
            if (found is null || !found.Mac.AsSpan().SequenceEqual(last.Mac))
            {
                throw new InvalidOperationException(
                    $"The database was rolled back: the journal {journal} holds batch {last.Sequence} of node {last.Node}, the database does not. Run `restore --accept --journal {journal}`; see docs/backup.md.");
            }
        }
    }
}
